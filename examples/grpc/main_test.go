package main

import (
	"bytes"
	"regexp"
	"testing"
)

func TestTheShopSparesItsWarehouse(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err, out.String())
	}
	for _, part := range []string{
		`All is well:\n  books: 7\n`,
		`is OPEN\n  books: Unavailable, come back in [1-5]00ms\n`,
		`the warehouse was asked \d times`, // not once, or a few times if that took longer than the cooldown
		`is CLOSED\n  books: 7\n`,
	} {
		if !regexp.MustCompile(part).MatchString(out.String()) {
			t.Errorf("the output lacks %s:\n%s", part, out.String())
		}
	}
}
