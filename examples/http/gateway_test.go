package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What is escaped stays so: it is the backend's to read.
func TestGatewayPassesOnWhatItWasAsked(t *testing.T) {
	var got []string
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.RequestURI)
		if strings.Contains(r.URL.Path, "busy") {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer backend.Close()
	gateway, err := NewGateway(map[string]string{"books": backend.URL + "/shelf"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		ask        string
		passed     string // empty: it must not be
		status     int
		retryAfter string
	}{
		{"/books/1", "/shelf/1", 200, ""},
		{"/books/a%3Fadmin=1", "/shelf/a%3Fadmin=1", 200, ""},
		{"/books/a%2Fb?sort=title&page=2", "/shelf/a%2Fb?sort=title&page=2", 200, ""},
		{"/books/%2e%2e/admin", "", 400, ""},
		{"/books/a/..%2F..%2Fadmin", "", 400, ""},
		{"/books/busy", "/shelf/busy", 503, "7"},
		{"/music/1", "", 404, ""},
	} {
		got = nil
		w := httptest.NewRecorder()
		gateway.ServeHTTP(w, httptest.NewRequest("GET", test.ask, nil))
		if w.Code != test.status || w.Header().Get("Retry-After") != test.retryAfter {
			t.Errorf("%s: answered %d, Retry-After %q", test.ask, w.Code, w.Header().Get("Retry-After"))
		}
		if strings.Join(got, " ") != test.passed {
			t.Errorf("%s: the backend was asked for %q", test.ask, got)
		}
	}
}
