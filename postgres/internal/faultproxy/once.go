package faultproxy

import (
	"strings"
	"sync/atomic"
)

// Once accepts what match does, the first time.
func Once(match func(statement string) bool) func(statement string) bool {
	var done atomic.Bool
	return func(statement string) bool { return match(statement) && done.CompareAndSwap(false, true) }
}

// Containing accepts a statement with a text in it, in whatever case.
func Containing(text string) func(statement string) bool {
	text = strings.ToLower(text)
	return func(statement string) bool { return strings.Contains(strings.ToLower(statement), text) }
}
