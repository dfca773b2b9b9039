package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test's program be an instance too, as it is what the example starts.
func TestMain(m *testing.M) {
	if url := os.Getenv(provider); url != "" {
		if err := serve(url, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestThreeProcessesAreOneFleet(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err, out.String())
	}
	all := func(state string) string {
		return fmt.Sprintf("  instance 1: %s\n  instance 2: %[1]s\n  instance 3: %[1]s\n", state)
	}
	for _, part := range []string{
		"take orders:\n" + all("CLOSED"),
		"fails:\n" + all("OPEN"),
		"first instance:\n  503 Service Unavailable, Retry-After: 1\n",
		"is back:\n" + all("CLOSED"),
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the output lacks\n%s\nit is\n%s", part, out.String())
		}
	}
}
