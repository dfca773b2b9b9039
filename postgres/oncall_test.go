package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/fleet"
	"github.com/highway-engine/highway/postgres"
)

// isolate lets no call of the fleet through to a resource, until somebody releases it.
func isolate(ctx context.Context, dsn, key string, options ...postgres.Option) error {
	storage, err := postgres.Open(ctx, dsn, options...)
	if err != nil {
		return err
	}
	defer storage.Close(context.WithoutCancel(ctx))
	protector, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey: key,
		Storage:     storage,
	})
	if err != nil {
		return err
	}
	return protector.Isolate(ctx) // nil says that it is done
}

// TestTheProgramForPeople does what the page says, or says that it has not.
func TestTheProgramForPeople(t *testing.T) {
	s := newStored(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := isolate(ctx, dsn(t), "mail", s.options...); err != nil {
		t.Fatal(err)
	}
	if row := s.look(t, "mail", 1).Row; row.Hold != fleet.Isolated || row.State != fleet.Open {
		t.Errorf("the row is %+v", row)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := isolate(ctx, "postgres://nobody@127.0.0.1:1/nothing", "mail"); !errors.Is(err, highway.ErrNotDone) {
		t.Errorf("without a database: %v", err)
	}
	if err := isolate(ctx, "postgres://:x", "mail"); err == nil {
		t.Error("a string that makes no sense is taken")
	}
}
