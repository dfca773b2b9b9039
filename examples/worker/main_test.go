package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestNoMailIsLostAndTheServerIsSpared(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err, out.String())
	}
	for _, line := range []string{
		"from CLOSED to OPEN: failure limit reached\n",
		"from OPEN to HALF_OPEN: cooldown over\n",
		"from HALF_OPEN to CLOSED: success limit reached\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the output lacks %q", line)
		}
	}
	last := regexp.MustCompile(fmt.Sprintf(`%d mails sent; the server was asked (\d+) times`, mails)).FindStringSubmatch(out.String())
	if last == nil {
		t.Fatalf("not all mails were sent:\n%s", out.String())
	}
	// Without a breaker eight workers ask some ten thousand times in half a second.
	if wasted, _ := strconv.Atoi(last[1]); wasted == 0 || wasted > 200 {
		t.Errorf("the server was asked %d times while it was down", wasted)
	}
}
