// Package schema holds the tables and functions of the postgres storage, and sets them up.
// Only the setup runs DDL; the storage itself never does.
package schema

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Version is that of the tables and functions here.
const Version = 2

// Default is the schema that is meant where none is named.
const Default = "public"

// Table is the document's table, in whatever schema.
const Table = "hw_circuit_breakers"

var (
	//go:embed tables.sql
	tables string
	//go:embed functions.sql
	functions string
	//go:embed reading.sql
	reading string
	//go:embed triggers.sql
	triggers string
)

// Check says whether name can be the name of a schema: 1 to 63 bytes of UTF-8, and none of
// the server's own.
func Check(name string) error {
	switch {
	case name == "":
		return errors.New("schema: the name must not be empty")
	case len(name) > 63:
		return fmt.Errorf("schema: a name has at most 63 bytes, this one has %d", len(name))
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return errors.New("schema: the name must be UTF-8 without zero bytes")
	case strings.HasPrefix(name, "pg_") || name == "information_schema":
		return fmt.Errorf("schema: %q is the server's own", name)
	}
	return nil
}
