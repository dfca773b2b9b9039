package demo

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestServerBehavesAsItsPhaseSays(t *testing.T) {
	defer goleak.VerifyNone(t)
	var now atomic.Int32
	s, err := startServer(func() phase { return phase(now.Load()) })
	if err != nil {
		t.Fatal(err)
	}
	transport := newTransport()
	get := func(p phase, timeout time.Duration) (status int, took time.Duration, err error) {
		now.Store(int32(p))
		client := http.Client{Transport: transport, Timeout: timeout}
		start := time.Now()
		response, err := client.Get(s.url)
		if err != nil {
			return 0, time.Since(start), err
		}
		response.Body.Close()
		return response.StatusCode, time.Since(start), nil
	}

	const patient = 30 * time.Second
	if status, _, err := get(healthy, patient); status != http.StatusOK || err != nil {
		t.Errorf("healthy: got %d, %v, want 200", status, err)
	}
	if status, _, err := get(failing, patient); status != http.StatusServiceUnavailable || err != nil {
		t.Errorf("failing: got %d, %v, want 503", status, err)
	}
	if status, took, err := get(slow, patient); status != http.StatusOK || err != nil || took < slowAnswer {
		t.Errorf("slow: got %d, %v after %v, want 200 after %v", status, err, took, slowAnswer)
	}
	if _, took, err := get(slow, clientTimeout); !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: a client of the demo got %v after %v, want a timeout", err, took)
	}
	if status, _, err := get(healthy, patient); status != http.StatusOK || err != nil {
		t.Errorf("healthy again: got %d, %v, want 200", status, err)
	}

	transport.CloseIdleConnections()
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
