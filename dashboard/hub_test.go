package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
)

// A tab is a browser that listens, without a network.
type tab struct {
	*httptest.ResponseRecorder
	ended bool
}

// tabs opens them in a bubble, in which nothing waits for a machine that is busy.
func tabs(t *testing.T, test func(d *dashboard.Dashboard, open func(who string) *tab)) {
	synctest.Test(t, func(t *testing.T) {
		read := func(r *http.Request) (string, error) { return r.Header.Get("Who"), nil }
		d, err := dashboard.New(dashboard.Config{Ledger: highway.NewInMemoryStorage(), Access: dashboard.Access{Read: read}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		test(d, func(who string) *tab {
			is := &tab{ResponseRecorder: httptest.NewRecorder()}
			go func() {
				r := httptest.NewRequest("GET", "/api/events", nil).WithContext(ctx)
				r.Header.Set("Who", who)
				d.ServeHTTP(is, r)
				is.ended = true
			}()
			synctest.Wait()
			return is
		})
		stop()
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNobodyTakesAllPlaces(t *testing.T) {
	tabs(t, func(d *dashboard.Dashboard, open func(who string) *tab) {
		first, second, bob := open("ann"), open("ann"), open("bob")
		for range 19 {
			open("ann")
		}
		if !first.ended || !strings.Contains(first.Body.String(), "event: full\ndata: {\"why\":\"this page is open in so many places") {
			t.Errorf("the oldest of 21 listens, or is not told why it does not: %s", first.Body)
		}
		if second.ended || bob.ended {
			t.Error("more than the oldest is dropped")
		}
		for name := range 8 {
			for range 20 {
				open(fmt.Sprint("with many names ", name))
			}
		}
		for range 19 {
			open("bob")
		}
		if me := ask(d, "GET", "/api/me", "").Body.String(); !strings.Contains(me, `"full":"200 browsers are connected already`) {
			t.Error(me)
		}
		if eve := open("eve"); eve.ended || !second.ended || bob.ended {
			t.Errorf("who has no place does not get the oldest one of those who have most: %d", eve.Code)
		}
	})
}

func TestListenersAreBounded(t *testing.T) {
	tabs(t, func(d *dashboard.Dashboard, open func(who string) *tab) {
		all := make([]*tab, 200)
		for i := range all {
			all[i] = open("")
		}
		if w := open(""); !w.ended || w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		for i, one := range all {
			if one.ended {
				t.Errorf("%d has ended", i)
			}
		}
		if w := open("ann"); w.ended || !all[0].ended {
			t.Errorf("those without a name keep all places: %d %s", w.Code, w.Body)
		}
	})
}
