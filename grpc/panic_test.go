package highwaygrpc_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/highway-engine/highway"
	highwaygrpc "github.com/highway-engine/highway/grpc"
	"github.com/highway-engine/highway/internal/logtest"
)

// TestAFailureThatPanicsCountsAsFailed. The panic goes on, but that of a stream is logged.
func TestAFailureThatPanicsCountsAsFailed(t *testing.T) {
	log := logtest.Capture(t)
	for name, call := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log.Take()
				r := protectors(t, touchy)
				n := connect(t, highwaygrpc.ClientConfig{Protectors: r, Failure: func(codes.Code) bool { panic("mine") }})
				n.service.answer(errors.New("bad"))
				func() {
					defer func() {
						if p := recover(); (p == "mine") != (name == "unary") {
							t.Errorf("it panics with %v", p)
						}
					}()
					if err := call(t.Context(), n); status.Code(err) != codes.Unknown {
						t.Error(err)
					}
				}()
				if got := counted(theProtector(t, r)); got != asFailure {
					t.Errorf("it counts as %v", got)
				}
				if got := strings.Contains(log.String(), "panic=mine"); got == (name == "unary") {
					t.Errorf("logged: %s", log)
				}
			})
		})
	}
}

// TestAStreamThatNobodyReads ends on a goroutine of gRPC, where a panic would end everything.
func TestAStreamThatNobodyReads(t *testing.T) {
	log := logtest.Capture(t)
	for name, panics := range map[string]func(*highwaygrpc.ClientConfig, *highway.CircuitProtectorPolicy){
		"Failure": func(c *highwaygrpc.ClientConfig, _ *highway.CircuitProtectorPolicy) {
			c.Failure = func(codes.Code) bool { panic("mine") }
		},
		"ShouldHandle": func(_ *highwaygrpc.ClientConfig, p *highway.CircuitProtectorPolicy) {
			p.ShouldHandle = func(error) bool { panic("mine") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log.Take()
				config, policy := highwaygrpc.ClientConfig{}, touchy
				panics(&config, &policy)
				config.Protectors = protectors(t, policy)
				n := hanging(t, config)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := n.FullDuplexCall(ctx); err != nil {
					t.Fatal(err)
				}
				<-ctx.Done()
				synctest.Wait()
				if got := counted(theProtector(t, config.Protectors)); got != asFailure {
					t.Errorf("it counts as %v", got)
				}
				if !strings.Contains(log.String(), "panic=mine") {
					t.Errorf("logged: %s", log)
				}
			})
		})
	}
}
