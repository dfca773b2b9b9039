package metrics

import (
	"strings"
	"unicode/utf8"
)

const (
	// Other is the label of all that have none of their own.
	Other = "_other"

	// DefaultMaxKeys is how many labels there are by default.
	DefaultMaxKeys = 1000

	// maxLabel is how many bytes a label has at most, as many as a key in a storage.
	maxLabel = 255
)

// label makes a key what every metrics system takes: UTF-8, and not endless. Keys that
// become the same label are added up.
func label(key string) string {
	key = strings.ToValidUTF8(key, string(utf8.RuneError))
	if len(key) <= maxLabel {
		return key
	}
	end := maxLabel
	for !utf8.RuneStart(key[end]) {
		end--
	}
	// A copy: a part of it would keep all of it in memory.
	return strings.Clone(key[:end])
}

// A limited is a set of things by label that grows up to a limit. Whoever has a label keeps
// it for good, because counters must not move from one label to another; whoever comes
// later is [Other].
type limited[T any] struct {
	limit   int
	labels  map[string]*T
	ordered []*T
	make    func(label string) *T
	other   *T
}

func newLimited[T any](limit int, make func(label string) *T) limited[T] {
	return limited[T]{limit: limit, labels: map[string]*T{}, make: make}
}

// of is the thing for a key, made when it is new.
func (l *limited[T]) of(key string) *T {
	key = label(key)
	if t := l.labels[key]; t != nil {
		return t
	}
	if len(l.labels) < l.limit && key != Other {
		t := l.make(key)
		l.labels[key] = t
		l.ordered = append(l.ordered, t)
		return t
	}
	if l.other == nil {
		l.other = l.make(Other)
		l.ordered = append(l.ordered, l.other)
	}
	return l.other
}
