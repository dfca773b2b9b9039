package schema

import (
	"fmt"
	"slices"
)

// document are the columns that the table must have to be the document's, and of which
// kinds they may be.
var document = []struct {
	name  string
	kinds []string
}{
	{"resource_key", []string{"character varying", "text"}},
	{"state", []string{"character varying", "text"}},
	{"failure_count", []string{"integer", "bigint"}},
	{"open_until", []string{"timestamp without time zone"}},
	{"updated_at", []string{"timestamp without time zone"}},
}

// oldest is the oldest version of the server that has what the SQL uses.
const oldest = 140000

// Check says why Install would not work on what was found.
func (f Found) Check() error {
	switch {
	case f.number < oldest:
		return fmt.Errorf("schema: the server is PostgreSQL %s, and it must be 14 or newer", f.Server)
	case f.Version > Version:
		return fmt.Errorf("schema: version %d is there, and this program knows %d: use a newer one", f.Version, Version)
	case !f.Table:
		return nil
	case f.kind != "r":
		return fmt.Errorf("schema: %s is there and is no ordinary table: rename it, or choose another schema", Table)
	}
	for _, c := range document {
		switch kind, there := f.columns[c.name]; {
		case !there:
			return fmt.Errorf("schema: there is a table %s without the column %s, so it is somebody else's: "+
				"rename it, or choose another schema", Table, c.name)
		case !slices.Contains(c.kinds, kind):
			return fmt.Errorf("schema: the column %s of the table %s is %s, and must be %s: change its type, rename the table, "+
				"or choose another schema", c.name, Table, kind, c.kinds[0])
		}
	}
	for _, c := range want(f.quoted).columns {
		if kind, there := f.columns[c.name]; there && kind != c.kind {
			return fmt.Errorf("schema: the table %s has a column %s of its own, of the type %s: "+
				"rename it, or choose another schema", Table, c.name, kind)
		}
	}
	if !f.unique {
		return fmt.Errorf("schema: the table %s has no unique index on resource_key alone: "+
			"make it the primary key, rename the table, or choose another schema", Table)
	}
	return nil
}

// rights says what whoever has looked is not allowed to do.
func (f Found) rights(s Setup) error {
	switch {
	case !f.owns:
		return fmt.Errorf("schema: the table %s belongs to %q, and only that role or a superuser can change it: "+
			"set up as one of them, not as %q", Table, f.owner, f.User)
	case !f.mayCreate && f.Schema:
		return fmt.Errorf("schema: %q may not create anything in the schema %q: set up as its owner or as a superuser, "+
			"who can also GRANT CREATE ON SCHEMA", f.User, s.name())
	case !f.mayCreate:
		return fmt.Errorf("schema: %q may not create the schema %q: set up as the owner of the database or as a superuser, "+
			"who can also GRANT CREATE ON DATABASE", f.User, s.name())
	}
	return nil
}
