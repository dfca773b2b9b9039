// Package environment reads the variables that this library is configured with, so that
// the root module and its drivers see the same ones.
package environment

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
)

// File is where variables are looked for that the environment does not have: a file in
// the working directory.
const File = ".env"

// prefix is what the names of all variables of this library begin with.
const prefix = "HW_"

// Variables are those of this library that are set. None is empty.
type Variables map[string]string

// Read returns the variables of the environment and, where it has none, those of [File].
// Beside an error, which says what is wrong with the file but not what is in it, there
// is what could be read.
func Read() (Variables, error) {
	found, err := ReadFile()
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		found.set(name, value)
	}
	return found, err
}

// ReadFile returns the variables of [File] alone, for telling where one comes from. Beside
// an error there is what could be read, as with [Read].
func ReadFile() (Variables, error) {
	file, err := readFile()
	found := Variables{}
	for name, value := range file {
		found.set(name, value)
	}
	return found, err
}

func (v Variables) set(name, value string) {
	if strings.HasPrefix(name, prefix) && value != "" {
		v[name] = value
	}
}

// NamesDatabase says that somebody wants a database to be used.
func (v Variables) NamesDatabase() bool {
	for name := range maps.Keys(v) {
		if strings.HasPrefix(name, "HW_DB_") {
			return true
		}
	}
	return false
}

// readFile reads [File]. A folder of that name, as Python makes, is no such file, and
// neither is a pipe, which might have to be waited for.
func readFile() (map[string]string, error) {
	info, err := os.Stat(File)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(File)
	if err != nil {
		return nil, err
	}
	values, err := parse(string(text), os.LookupEnv)
	if err != nil {
		err = fmt.Errorf("%s: %w", File, err)
	}
	return values, err
}
