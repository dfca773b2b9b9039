package variants

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// "make simulate" runs all; these stand for them.
func TestBrokenVariantsAreCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the simulator three times")
	}
	for _, v := range All {
		switch v.Name {
		case "evidence is counted by the time of admission", "a refuted suspicion starts again", "an old answer is taken":
			if found, err := Run(v, 20*time.Second); err != nil {
				t.Errorf("%s: %s is not caught: %v: %s", v.Promise, v.Name, err, found)
			} else {
				t.Log(found)
			}
		}
	}
}

func TestVariantsAreUpToDate(t *testing.T) {
	promises := map[string]bool{}
	for _, v := range All {
		promises[v.Promise] = true
		for _, e := range v.Edits {
			text, err := os.ReadFile(filepath.Join("..", "..", e.File))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), e.Old); n != 1 {
				t.Errorf("%s: %s has %d places that read %q", v.Name, e.File, n, e.Old)
			}
		}
	}
	for _, p := range strings.Fields("S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 S11 S12 L1 L2 L3 L4 L5 L6") {
		if !promises[p] {
			t.Errorf("nothing breaks %s", p)
		}
	}
}
