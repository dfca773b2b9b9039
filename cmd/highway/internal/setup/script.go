package setup

import (
	"strings"

	"github.com/highway-engine/highway/postgres/schema"
)

// Script is the SQL that sets up, to be run in the database by hand.
func Script(database string, s schema.Setup) string {
	create := strings.NewReplacer("\n", " ", "\r", " ").Replace(schema.CreateDatabaseSQL(database))
	return "-- Run this in the database, which, if it is not there yet, comes from\n-- " + create + ";\n\n" + s.Script()
}
