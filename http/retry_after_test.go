package highwayhttp_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
)

// now is when a synctest bubble begins.
const now = "Sat, 01 Jan 2000 00:00:00 GMT"

func TestRetryAfter(t *testing.T) {
	const year = 365 * 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			retryAfter, date string
			want             time.Duration
		}{
			{"", "", 0},
			{"5", "", 5 * time.Second},
			{"0", "", 0},
			{"007", "", 7 * time.Second},
			{"-5", "", 0},
			{"+5", "", 0},
			{"1.5", "", 0},
			{"5s", "", 0},
			{"soon", "", 0},
			{"31536001", "", year},
			{"99999999999999999999999999", "", year},
			{"Sat, 01 Jan 2000 00:01:00 GMT", "", time.Minute},
			{"Saturday, 01-Jan-00 00:01:00 GMT", "", time.Minute}, // the old forms too
			{"Sat Jan  1 00:01:00 2000", "", time.Minute},
			{"Sat, 01 Jan 2000 00:01:00 CET", "", 0},
			{"Fri, 31 Dec 1999 23:59:00 GMT", "", 0},
			{now, "", 0},
			{"Fri, 31 Dec 9999 23:59:59 GMT", "", year},
			// A host whose clock is a day fast.
			{"Sun, 02 Jan 2000 00:01:00 GMT", "Sun, 02 Jan 2000 00:00:30 GMT", 30 * time.Second},
			{"Sat, 01 Jan 2000 00:01:00 GMT", "yesterday", time.Minute},
		} {
			var got error
			strict := policy
			strict.ShouldHandle = func(err error) bool { got = err; return true }
			transport := newTransport(t, highwayhttp.Config{Base: base(func(req *http.Request) (*http.Response, error) {
				resp := answer(req, 503, "")
				if test.retryAfter != "" {
					resp.Header.Set("Retry-After", test.retryAfter)
				}
				if test.date != "" {
					resp.Header.Set("Date", test.date)
				}
				return resp, nil
			})}, strict)
			if _, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil)); err != nil {
				t.Fatal(err)
			}
			var status *highwayhttp.StatusError
			if !errors.As(got, &status) || status.RetryAfter() != test.want {
				t.Errorf("%q at %q: got %v, want %v", test.retryAfter, test.date, got, test.want)
			}
		}
	})
}

func TestStatusErrorNamesHostAndWait(t *testing.T) {
	var got error
	strict := policy
	strict.ShouldHandle = func(err error) bool { got = err; return true }
	transport := newTransport(t, highwayhttp.Config{Base: base(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 599, "")
		resp.Header.Set("Retry-After", "90")
		return resp, nil
	})}, strict)
	// Of the request only what is no secret.
	if _, err := transport.RoundTrip(newRequest(t, "", "http://user:pass@host:81/path?query", nil)); err != nil {
		t.Fatal(err)
	}
	if want := "highway: GET to host:81: the response has status 599 and asks to retry after 1m30s"; got == nil || got.Error() != want {
		t.Errorf("got %v, want %s", got, want)
	}
	bare := &highwayhttp.StatusError{StatusCode: 503}
	if got, want := bare.Error(), "highway: the response has status 503 Service Unavailable"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The wait that a host asks for is a retry's shortest, and a cooldown's.
func TestRetryAfterIsObeyed(t *testing.T) {
	for _, test := range []struct {
		retryAfter               string
		shortest, longest, opens time.Duration
	}{
		{"", time.Second, time.Second, time.Minute},
		{"20", 20 * time.Second, 22 * time.Second, time.Minute},
		{"Sat, 01 Jan 2000 00:00:20 GMT", 20 * time.Second, 22 * time.Second, time.Minute},
		{"Fri, 31 Dec 1999 00:00:00 GMT", time.Second, time.Second, time.Minute},
		{"some day", time.Second, time.Second, time.Minute},
		{"300", -1, 0, 5 * time.Minute},        // too long for a retry
		{"999999999", -1, 0, 10 * time.Minute}, // a host cannot switch itself off for years
	} {
		synctest.Test(t, func(t *testing.T) {
			var times []time.Time
			strict := policy
			strict.FailureLimit = highway.Fraction(2, 2)
			strict.Cooldown = time.Minute
			transport := newTransport(t, highwayhttp.Config{
				Retry: &highway.RetryWithBackoffPolicy{MaxRetries: 1, Backoff: highway.FixedDelay{Delay: time.Second}},
				Base: base(func(req *http.Request) (*http.Response, error) {
					times = append(times, time.Now())
					resp := answer(req, 503, "busy")
					if test.retryAfter != "" {
						resp.Header.Set("Retry-After", test.retryAfter)
					}
					return resp, nil
				}),
			}, strict)
			p := protectorOf(transport, "http://host")
			resp, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil))
			if err != nil || readAll(t, resp) != "busy" {
				t.Fatal(resp, err)
			}
			if test.shortest < 0 {
				if len(times) != 1 {
					t.Errorf("%q: %d attempts", test.retryAfter, len(times))
				}
				if _, err := transport.RoundTrip(newRequest(t, "GET", "http://host", nil)); err != nil {
					t.Fatal(err)
				}
			} else if wait := times[1].Sub(times[0]); wait < test.shortest || wait > test.longest {
				t.Errorf("%q: waited %v", test.retryAfter, wait)
			}
			wantStatus(t, p, highway.Open)
			if opens := p.Snapshot().RetryAfter; opens < test.opens || opens > test.opens+time.Second {
				t.Errorf("%q: opened for %v, want %v", test.retryAfter, opens, test.opens)
			}
		})
	}
}
