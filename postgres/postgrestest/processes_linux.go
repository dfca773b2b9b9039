package postgrestest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// processes are those of the system by their numbers.
func processes() (map[int]entry, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("postgrestest: no processes in /proc")
	}
	all := map[int]entry{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// The name before the last bracket may hold anything.
		line := string(text)
		id, err := strconv.Atoi(line[:strings.IndexByte(line, ' ')])
		if err != nil {
			return nil, err
		}
		var e entry
		if _, err := fmt.Sscanf(line[strings.LastIndexByte(line, ')')+1:], " %c %d", &e.state, &e.parent); err != nil {
			return nil, err
		}
		all[id] = e
	}
	return all, nil
}
