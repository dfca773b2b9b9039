// Package config reads the settings of a registry from a file, YAML or JSON, and follows
// the file while the program runs. docs/registry.md says what is in it.
package config
