package setup

import "os"

// environment gives the variables of this library, and "" for one that is not set.
func environment() (func(name string) string, error) {
	return os.Getenv, nil
}
