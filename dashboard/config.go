package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/highway-engine/highway/fleet"
)

// A Config describes a [Dashboard]. Ledger and Access are required.
type Config struct {
	// Ledger is what is shown and acted on, such as a [highway.InMemoryStorage] or the
	// Storage of package postgres. The Dashboard does not close it.
	Ledger fleet.Ledger

	// Access says who may look, and who may act. There is no default for looking; what
	// says nothing about acting has no buttons.
	Access Access

	// Hosts are the names that requests may be for, without ports, such as
	// "ops.example.com" or "127.0.0.1". Others are answered 421. None means any: then a site
	// whose name is made to lead here can use what a browser has by itself, such as its
	// place in a network that is trusted or a certificate (DNS rebinding). The cookies of
	// Tokens are kept for one name, and need no Hosts.
	Hosts []string

	// Title heads the page, up to 100 bytes, such as "Highway – production". Empty means
	// "Highway".
	Title string

	// Every is how often the ledger is looked at while somebody watches: 1 second if it is
	// zero, at least 100 milliseconds and at most a minute. While nobody watches it is five
	// times as long. A ledger that is slow is asked less often.
	Every time.Duration

	// Panel, if it is not nil, is a part of the page that belongs to whoever mounts it. It is
	// served under panel/, and its panel.js is loaded as a module whose default export is
	// called with an element for it, and with whether this person may act. Reading it takes
	// what looking takes, other methods than GET and HEAD what acting takes. A
	// body must come within ten seconds.
	Panel http.Handler
}

// An InvalidConfigError says that one field of a [Config] makes no sense. [New] joins one
// such error for each wrong field.
type InvalidConfigError struct {
	Field string // such as "Every"
	Value any    // what it holds; of a token only its length
	Rule  string // what it must be
}

// Error names the field, its value and the rule.
func (e *InvalidConfigError) Error() string {
	return fmt.Sprintf("highway/dashboard: Config.%s is %v: %s", e.Field, e.Value, e.Rule)
}

const (
	leastEvery   = 100 * time.Millisecond
	mostEvery    = time.Minute
	longestTitle = 100
)

// check says what makes no sense, all of it.
func (c Config) check() error {
	var all []error
	check := func(ok bool, field string, value any, rule string) {
		if !ok {
			all = append(all, &InvalidConfigError{field, value, rule})
		}
	}
	check(c.Ledger != nil, "Ledger", c.Ledger, "there must be one to look at")
	check(c.Every == 0 || leastEvery <= c.Every && c.Every <= mostEvery, "Every", c.Every,
		fmt.Sprintf("it must be from %v to %v, or 0 for the default", leastEvery, mostEvery))
	check(len(c.Title) <= longestTitle && utf8.ValidString(c.Title), "Title", fmt.Sprintf("%.40q", c.Title),
		fmt.Sprintf("it must be UTF-8 of at most %d bytes", longestTitle))
	for _, host := range c.Hosts {
		check(host != "" && hostOf(host) == host, "Hosts", fmt.Sprintf("%.80q", host), "it must be a name in small letters or an address, without a port")
	}
	return errors.Join(append(all, c.Access.check())...)
}

func (c Config) withDefaults() Config {
	c.Hosts = slices.Clone(c.Hosts)
	if c.Title == "" {
		c.Title = "Highway"
	}
	if c.Every == 0 {
		c.Every = time.Second
	}
	return c
}
