package setup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/schema"
)

// Run sets up the database of config, if somebody agrees.
func Run(ctx context.Context, c Console, config *pgx.ConnConfig, s schema.Setup, yes bool) error {
	config = config.Copy()
	conn, err := connect(ctx, c, config)
	missing := errors.Is(err, schema.ErrNoDatabase)
	if err != nil && !missing {
		return err
	}
	defer func() { closeConn(conn) }()

	var steps []string
	var found schema.Found
	if missing {
		steps = []string{fmt.Sprintf("create the database %q", config.Database), "in it, create all tables, indexes, functions and triggers"}
		fmt.Fprintf(c.Out, "The server at %s has no database %q. I am %q there.\n", address(config), config.Database, config.User)
	} else {
		if found, err = s.Inspect(ctx, conn); err != nil {
			return schema.Explain(err)
		}
		fmt.Fprintf(c.Out, "PostgreSQL %s at %s, database %q, schema %q: %s. I am %q there.\n",
			found.Server, address(config), config.Database, name(s), words(found), found.User)
		if found.Anybody {
			warn(c, found, s)
		}
		if steps, err = s.Plan(found); err != nil {
			return err
		}
	}
	if len(steps) == 0 {
		_, err := fmt.Fprintln(c.Out, "There is nothing to do.")
		return err
	}
	fmt.Fprintln(c.Out, "To do:")
	for i, step := range steps {
		fmt.Fprintf(c.Out, "  %d. %s\n", i+1, step)
	}
	fmt.Fprintln(c.Out, "Nothing is deleted.")
	if err := c.agree(ctx, yes); err != nil {
		return err
	}

	if missing {
		if err := schema.CreateDatabase(ctx, config); err != nil {
			return err
		}
		if conn, err = schema.Connect(ctx, config); err != nil {
			return err
		}
	}
	if err := s.Install(ctx, conn); err != nil {
		return schema.Explain(err)
	}
	_, err = fmt.Fprintln(c.Out, "Done.")
	return err
}

// warn says that others could have the rights of whoever sets up.
func warn(c Console, f schema.Found, s schema.Setup) {
	quoted := pgx.Identifier{name(s)}.Sanitize()
	fmt.Fprintf(c.Out, `WARNING: every role may create functions in the schema %q, and the triggers would
run them with the rights of their owner. Run REVOKE CREATE ON SCHEMA %s FROM PUBLIC;
`, name(s), quoted)
}

// connect asks for the password if the server wants one and nobody has said it.
func connect(ctx context.Context, c Console, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := schema.Connect(ctx, config)
	if !schema.WrongPassword(err) || config.Password != "" {
		return conn, err
	}
	if c.Secret == nil {
		return nil, fmt.Errorf("no password was given: HW_DB_PASSWORD, PGPASSWORD or --password (%w)", err)
	}
	fmt.Fprintf(c.Out, "Password of %q: ", config.User)
	password, err := c.wait(ctx, c.Secret)
	if err != nil {
		return nil, fmt.Errorf("the password was not read: %w", err)
	}
	config.Password = password
	return schema.Connect(ctx, config)
}

// words say what was found.
func words(f schema.Found) string {
	breakers := fmt.Sprintf("%d breakers", f.Rows)
	if f.Rows == 1 {
		breakers = "1 breaker"
	}
	switch {
	case !f.Schema:
		return "no such schema yet"
	case !f.Table:
		return "no table " + schema.Table + " yet"
	case f.Version == 0:
		return "a table " + schema.Table + " that this program has not made, with " + breakers
	}
	return fmt.Sprintf("version %d, with %s", f.Version, breakers)
}

func name(s schema.Setup) string { return first(s.Schema, schema.Default) }

func closeConn(conn *pgx.Conn) {
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
