//go:build darwin || freebsd || netbsd || openbsd

package postgrestest

import (
	"fmt"
	"os/exec"
	"strings"
)

// processes are those of the system by their numbers.
func processes() (map[int]entry, error) {
	text, err := exec.Command("ps", "-axo", "pid=,ppid=,stat=").Output()
	if err != nil {
		return nil, fmt.Errorf("postgrestest: ps: %w", err)
	}
	all := map[int]entry{}
	for line := range strings.Lines(string(text)) {
		var id int
		var e entry
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "%d %d %c", &id, &e.parent, &e.state); err != nil {
			return nil, fmt.Errorf("postgrestest: ps: %w in %q", err, line)
		}
		all[id] = e
	}
	return all, nil
}
