package postgrestest

import (
	"context"
	"testing"
)

// New starts a server that ends with the test. The test fails when there is none to be
// had, and says what to install.
func New(t testing.TB, options ...Options) *Server {
	t.Helper()
	var o Options
	switch len(options) {
	case 0:
	case 1:
		o = options[0]
	default:
		t.Fatal("postgrestest: New takes one Options at most")
	}
	if o.Logf == nil {
		o.Logf = t.Logf
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() && s.Log() != "" {
			t.Logf("the end of the server's log:\n%s", s.Log())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("PostgreSQL from %s", s.From())
	return s
}

// Database makes a database that ends with the test, and returns its DSN.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name, dsn, err := s.create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// A server that was stopped takes its databases with it when it closes.
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if s.answers() {
			if err := s.drop(ctx, name); err != nil {
				t.Error(err)
			}
		}
	})
	return dsn
}
