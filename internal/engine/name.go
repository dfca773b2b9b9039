package engine

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
)

// longestHost is how many bytes of the host's name are part of an instance's: a label of
// the domain name system, which is where a pod has what tells it from others.
const longestHost = 63

// newName names an instance so that a person who reads it in a shared table finds the
// process. The random part makes it another after each start: in a container the rest
// often stays the same.
func newName() string {
	host, _ := os.Hostname() // none is "unknown"
	return fmt.Sprintf("%s/%d/%s", printable(host), os.Getpid(), rand.Text()[:10])
}

// printable is a host's name in letters that need no quoting anywhere.
func printable(host string) string {
	if host == "" {
		return "unknown"
	}
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune(".-_", r):
			return r
		}
		return '_'
	}, host)
	return name[:min(len(name), longestHost)]
}
