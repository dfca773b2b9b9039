package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestOneBackendFailsAndTheOtherDoesNotNotice(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err, out.String())
	}
	for _, part := range []string{
		"All is well:\n  books: 200 OK \n  music: 200 OK \n",
		"  the breaker of books is OPEN\n  books: 503 Service Unavailable, Retry-After: 1\n  music: 200 OK \n",
		"  the breaker of books is CLOSED\n  books: 200 OK \n",
		`"reason":"success limit reached"`,
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the output lacks\n%s\nit is\n%s", part, out.String())
		}
	}
}
