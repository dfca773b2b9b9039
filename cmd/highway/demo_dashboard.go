package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/highway-engine/highway/cmd/highway/internal/demo"
	"github.com/highway-engine/highway/cmd/highway/internal/serve"
	"github.com/highway-engine/highway/dashboard"
)

// demoDashboard serves the dashboard of a fleet that is there for it, until ctx ends.
func demoDashboard(ctx context.Context, out io.Writer, config demo.Config, listen string) (err error) {
	options := serve.Options{Listen: listen, Here: true}
	if err := options.Check(false); err != nil {
		return err
	}
	board, err := demo.StartBoard(ctx, config)
	if err != nil {
		return failure{err}
	}
	defer func() {
		if closing := board.Close(); closing != nil {
			err = errors.Join(err, failure{closing})
		}
	}()
	// Everybody on this machine may play with it: nothing else hangs on these breakers.
	player := func(*http.Request) (string, error) { return "you", nil }
	d, err := dashboard.New(dashboard.Config{
		Ledger: board.Ledger(), Access: dashboard.Access{Read: player, Act: player}, Hosts: options.Hosts(), Title: "Highway demo", Panel: board.Panel(),
	})
	if err != nil {
		return failure{err}
	}
	if place := board.Place(); place != "" {
		if _, err := fmt.Fprintln(out, place); err != nil {
			return failure{errors.Join(err, d.Close())}
		}
	}
	return serveDashboard(ctx, out, d, options, func(at string) string { return fmt.Sprintf("Open %s\nCtrl-C ends it.\n", at) })
}
