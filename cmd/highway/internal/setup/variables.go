package setup

import "github.com/highway-engine/highway/internal/environment"

// variables gives the variables of this library, of the environment or of the file .env,
// and "" for one that is not set.
func variables() (func(name string) string, error) {
	found, err := environment.Read()
	return func(name string) string { return found[name] }, err
}
