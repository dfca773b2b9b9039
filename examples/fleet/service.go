package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"

	// Every protector with a ResourceKey is one with its namesakes in all processes that
	// have the same HW_DB_DSN, or HW_DB_HOST and HW_DB_PASSWORD, in their environment.
	_ "github.com/highway-engine/highway/postgres"
)

// serve is one instance of a shop. It takes orders at /order and pays for them at the
// provider. It ends when orders, which nobody writes to, does.
func serve(provider string, orders io.Reader, out io.Writer) error {
	payments, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
		ResourceKey:  "payments",
		FailureLimit: highway.Fraction(5, 10),
		Cooldown:     time.Second,
	})
	if err != nil {
		return err
	}
	pay := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, provider, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("the provider says %s", response.Status)
		}
		return nil
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /order", func(w http.ResponseWriter, r *http.Request) {
		switch err := payments.Do(r.Context(), pay); {
		case err == nil:
			fmt.Fprintln(w, "paid")
		case highwayhttp.WriteRefusal(w, err): // 503, and when to come back
		default:
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, payments.Status())
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, orders)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
	}()
	fmt.Fprintln(out, "http://"+listener.Addr().String())
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}
