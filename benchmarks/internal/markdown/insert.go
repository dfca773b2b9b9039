package markdown

import (
	"fmt"
	"os"
	"strings"
)

// Figures is the name of a document's figures where it has but one set of them.
const Figures = "figures"

// Insert puts text between the marks of this name in a document.
func Insert(document, name, text string) (string, error) {
	beginMark, endMark := "<!-- "+name+":begin -->", "<!-- "+name+":end -->"
	before, rest, ok1 := strings.Cut(document, beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok1 || !ok2 {
		return "", fmt.Errorf("no %s with %s after it", beginMark, endMark)
	}
	return before + beginMark + "\n\n" + strings.TrimSpace(text) + "\n\n" + endMark + after, nil
}

// Rewrite does that to a file.
func Rewrite(path, name, text string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed, err := Insert(string(document), name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(changed), 0o644)
}
