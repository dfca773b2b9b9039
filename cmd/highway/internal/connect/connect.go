// Package connect finds the storage of the fleet that a command is about.
package connect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/highway-engine/highway/cmd/highway/internal/setup"
	"github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/schema"
)

// Flags say where the storage is. Without any, the command reads what the library reads.
type Flags struct {
	// Timeout is how long a command waits for the storage.
	Timeout time.Duration

	target            setup.Target
	schema, namespace string
	inUse             string // the namespace of what was opened
	command           *cobra.Command
}

// Patience is what Timeout is unless somebody says otherwise.
const Patience = 5 * time.Second

// Register gives the flags to a command.
func (f *Flags) Register(command *cobra.Command) {
	f.command = command
	f.target.Register(command)
	flags := command.Flags()
	flags.StringVar(&f.schema, "schema", schema.Default, "`name` of the tables' schema")
	flags.StringVar(&f.namespace, "namespace", "", "`name` of the fleet's (default HW_NAMESPACE)")
	flags.DurationVar(&f.Timeout, "timeout", Patience, "how long to wait for the storage")
}

// Open opens the storage, without waiting for it. An error is a mistake in the flags or the
// variables. Who has called close does not use it any more.
func (f *Flags) Open(ctx context.Context) (storage *postgres.Storage, end func(), err error) {
	if f.Timeout <= 0 {
		return nil, nil, fmt.Errorf("--timeout %v: it must be more than 0", f.Timeout)
	}
	variables, err := postgres.FromEnvironment()
	if err != nil {
		return nil, nil, err
	}
	namespace := f.namespace
	if !f.command.Flags().Changed("namespace") {
		namespace = variables.Namespace()
	}
	f.inUse = namespace
	options := []postgres.Option{postgres.WithSchema(f.schema), postgres.WithNamespace(namespace)}
	if f.target != (setup.Target{}) {
		dsn, err := f.target.ConnectionString()
		if err != nil {
			return nil, nil, err
		}
		if storage, err = postgres.Open(ctx, dsn, options...); err != nil {
			return nil, nil, err
		}
		return storage, func() { closeSoon(storage) }, nil
	}
	config, err := variables.Config()
	if !variables.Set() {
		return nil, nil, errors.New("where is the storage? Set HW_DB_HOST and HW_DB_PASSWORD, or HW_DB_DSN, in the environment or in .env, or use --host or --dsn")
	}
	if err != nil {
		return nil, nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	if storage, err = postgres.New(pool, options...); err != nil {
		pool.Close()
		return nil, nil, err
	}
	return storage, func() {
		closeSoon(storage)
		pool.Close()
	}, nil
}

// Namespace is that of the storage that Open has opened last, be it of a flag or of a variable.
func (f *Flags) Namespace() string { return f.inUse }

// closeSoon takes leave of a server that may be away: the process ends anyway.
func closeSoon(storage *postgres.Storage) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = storage.Close(ctx)
}
