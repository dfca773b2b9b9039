package postgres_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/postgres"
)

// A storage that the environment does not describe. Opening it does not wait for the
// database.
func ExampleOpen() {
	ctx := context.Background()
	storage, err := postgres.Open(ctx, "postgres://payments@db.example.com/highway?sslmode=verify-full",
		postgres.WithNamespace("staging"),
		postgres.WithStatus(func(s postgres.Status) {
			slog.Info("the fleet's database", "reachable", s.Reachable, "notified", s.Notified, "error", s.Err)
		}))
	if err != nil {
		panic(err)
	}
	defer storage.Close(ctx)

	fmt.Println(storage)
	// Output: postgres db.example.com:5432/highway
}

// Requests go through a pooler in transaction mode. Notifications do not come through it.
func ExampleWithListener() {
	ctx := context.Background()
	storage, err := postgres.Open(ctx, "postgres://payments@pgbouncer.example.com:6432/highway",
		postgres.WithListener("postgres://payments@db.example.com/highway"))
	if err != nil {
		panic(err)
	}
	defer storage.Close(ctx)

	fmt.Println(storage)
	// Output: postgres pgbouncer.example.com:6432/highway
}

// A pool that the program has anyway. It stays the program's to close.
func ExampleNew() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://payments@db.example.com/payments?sslmode=verify-full")
	if err != nil {
		panic(err)
	}
	defer pool.Close()
	storage, err := postgres.New(pool, postgres.WithSchema("highway"))
	if err != nil {
		panic(err)
	}
	defer storage.Close(ctx)

	protector := highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: "payment_service",
		Storage:     storage,
	}))
	fmt.Println(protector.Status())
	// Output: CLOSED
}
