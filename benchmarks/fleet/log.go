package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
)

// A logged handler keeps what the library logs out of the figures, and counts it: a fleet
// that complains all the while is not one at its best.
type logged struct {
	mu    sync.Mutex
	lines map[string]int
}

func (l *logged) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (l *logged) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *logged) WithGroup(string) slog.Handler                    { return l }

func (l *logged) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" {
			line += ": " + a.Value.String()
		}
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[line]++
	return nil
}

// flush says what was logged since it did so last.
func (l *logged) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line, n := range l.lines {
		fmt.Fprintf(os.Stderr, "  logged %d times: %s\n", n, strings.ReplaceAll(line, "\n", " "))
	}
	clear(l.lines)
}
