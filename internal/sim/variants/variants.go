// Package variants breaks the fleet on purpose. Each variant is a change of the text of
// production source, which the go command sees through -overlay: production code has no
// switch for it. The simulator must say which promise is broken.
package variants

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Variant is a fleet that breaks a promise.
type Variant struct {
	Promise string // that the checker has to name
	Name    string
	Edits   []Edit
}

// An Edit replaces the one place in File that reads Old.
type Edit struct{ File, Old, New string }

// Run builds the simulator on a variant, and lets it look for at most d for a run that
// breaks the promise. It returns what was found, and an error if that is not what it
// should be.
func Run(v Variant, d time.Duration) (string, error) {
	return simulate(v, "-until", v.Promise, "-for", d.String())
}

// Searched are the variants that the search of a small fleet catches too, by name: they
// show that what it leaves out of a state hides nothing. Of the others most break what
// the small fleet does not have: people, other keys, clocks, windows, production's storage.
var Searched = []string{
	"an adopted deadline is earlier than the stored one",
	"an old answer is taken",
	"results of an earlier epoch enter the window",
	"an instance that is cut off does not wait for the deadline",
	"more leases than places",
	"a lease is used twice",
	"a probe reports after its lease",
	"without the storage calls are refused",
	"what was lost is remembered",
	"nobody polls",
	"leases do not end",
	"probes never suffice",
	"failures are not counted",
	"a full window trips",
}

// Search builds the simulator on a variant, and lets it explore the small fleet. It
// returns what was found, and an error if nothing was. The search may see another
// promise broken, as it knows fewer of them.
func Search(v Variant) (string, error) {
	text, err := simulate(v, "-explore", "1000000")
	if _, found, ok := strings.Cut(text, "broken: "); ok {
		found, _, _ = strings.Cut(found, "\n")
		return found, nil
	}
	return text, errors.Join(errors.New("the search finds nothing"), err)
}

// simulate builds the simulator on a variant and runs it.
func simulate(v Variant, args ...string) (string, error) {
	root, err := output("go", "list", "-m", "-f", "{{.Dir}}", "github.com/highway-engine/highway")
	if err != nil {
		return root, err
	}
	root, _, _ = strings.Cut(strings.TrimSpace(root), "\n")
	dir, err := os.MkdirTemp("", "broken")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	texts := map[string]string{}
	for _, e := range v.Edits {
		file := filepath.Join(root, "internal", e.File)
		if _, ok := texts[file]; !ok {
			source, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			texts[file] = string(source)
		}
		if n := strings.Count(texts[file], e.Old); n != 1 {
			return "", fmt.Errorf("%s has %d places that read %q: the variant is out of date", e.File, n, e.Old)
		}
		texts[file] = strings.Replace(texts[file], e.Old, e.New, 1)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, text := range texts {
		changed := filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(file, root), "/", "_"))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", err
		}
		overlay.Replace[file] = changed
	}
	plan, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	planned := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(planned, plan, 0o600); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "simulate")
	if text, err := output("go", "build", "-C", root, "-overlay", planned, "-o", program, "./internal/sim/simulate"); err != nil {
		return text, err
	}
	return output(program, args...)
}

func output(name string, args ...string) (string, error) {
	text, err := exec.Command(name, args...).CombinedOutput()
	return strings.TrimSpace(string(text)), err
}
