package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/highway-engine/highway/registry"
)

// MaxSize is how many bytes a file may have: as many as a ConfigMap of Kubernetes.
const MaxSize = 1 << 20

// Read reads settings from a file: JSON if its name ends in .json, YAML if it ends in .yaml
// or .yml. Both have the same names and are as strict as [registry.Parse], whose errors it
// wraps; YAML must be one document without anchors, aliases, tags or merge keys. The file
// must be a regular one of [MaxSize] bytes at most. An error never tells what stands at a
// name that is not one of ours.
func Read(path string) (registry.Settings, error) {
	s, err := readFile(path)
	if err != nil {
		return registry.Settings{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func readFile(path string) (registry.Settings, error) {
	parse, err := format(path)
	if err != nil {
		return registry.Settings{}, err
	}
	text, err := content(path)
	if err != nil {
		return registry.Settings{}, err
	}
	return parse(text)
}

// format is how a file of this name is read.
func format(path string) (func([]byte) (registry.Settings, error), error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		return registry.Parse, nil
	case ".yaml", ".yml":
		return parseYAML, nil
	}
	return nil, errors.New("the name must end in .json, .yaml or .yml")
}

// content is the text of a file.
func content(path string) ([]byte, error) {
	info, err := os.Stat(path) // to open a pipe could take for ever
	if err != nil {
		return nil, unwrapped(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, unwrapped(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, unwrapped(err)
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("it must have at most %d bytes", MaxSize)
	}
	return text, nil
}

// unwrapped takes the path off an error, since Read puts it on all.
func unwrapped(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
