package main

import (
	"testing"
	"time"
)

func TestParseProcess(t *testing.T) {
	line := "42 (a) b ) S 7 42 42 0 -1 4194304 100 0 0 0 11 22 33 44 20 0 1 0 5 6 7"
	want := process{parent: 7, own: 330 * time.Millisecond, ended: 770 * time.Millisecond}
	if got, err := parseProcess(line); got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for _, line := range []string{"", "42 (a)", "42 (a) S 7", "42 (a) S x 42 42 0 -1 0 1 0 0 0 1 2 3 4"} {
		if _, err := parseProcess(line); err == nil {
			t.Errorf("%q: no error", line)
		}
	}
}
