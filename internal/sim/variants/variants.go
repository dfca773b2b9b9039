// Package variants breaks the fleet on purpose. Each variant is a change of the text of
// production source, which the go command sees through -overlay: production code has no
// switch for it. The simulator must say which promise is broken.
package variants

import (
	"encoding/json"
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

// Run builds the simulator on a variant, and lets it search for at most d. It returns
// what was found, and an error if that is not what it should be.
func Run(v Variant, d time.Duration) (string, error) {
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
	return output(program, "-until", v.Promise, "-for", d.String())
}

func output(name string, args ...string) (string, error) {
	text, err := exec.Command(name, args...).CombinedOutput()
	return strings.TrimSpace(string(text)), err
}
