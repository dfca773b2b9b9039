package highwayhttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/highway-engine/highway"
	highwayhttp "github.com/highway-engine/highway/http"
	"github.com/highway-engine/highway/registry"
)

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain := policy
		plain.CountCalls = false
		plain.SuccessLimit = highway.Fraction(2, 3)
		protectors := highway.Must(registry.New(registry.Config{Policy: plain}))
		play := func(key, calls string) {
			p := highway.Must(protectors.Get(key))
			for _, c := range calls {
				permit, err := p.Acquire(background)
				switch {
				case c == '.':
					permit.Success()
				case c == 'x':
					permit.Failure()
				case c == '?' && err != nil:
					t.Fatal(err) // else it is under way
				}
			}
		}
		play("fine", "...")
		play("open", "..xx")
		play("probing", "..xx")
		if err := highway.Must(protectors.Get("probing")).HalfOpen(background); err != nil {
			t.Fatal(err)
		}
		play("probing", ".?")
		play(`held "for now"`, "")
		if err := highway.Must(protectors.Get(`held "for now"`)).Isolate(background); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond)

		counting := policy
		counting.ResourceKey = "shared"
		storage := highway.NewInMemoryStorage()
		defer storage.Close(background)
		counting.Storage = storage
		shared := highway.Must(highway.NewCircuitProtector(counting))
		time.Sleep(time.Second) // it has heard of the storage
		synctest.Wait()
		_ = shared.Do(background, func(context.Context) error { return errors.New("down") })
		all := func(yield func(*highway.CircuitProtector) bool) {
			for p := range protectors.All() {
				if !yield(p) {
					return
				}
			}
			yield(shared)
		}

		w := httptest.NewRecorder()
		highwayhttp.Status(all).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Error(w.Code, w.Header())
		}
		want, err := os.ReadFile("testdata/status.json")
		if err != nil {
			t.Fatal(err)
		}
		// The name of an instance is another each time.
		got := strings.ReplaceAll(w.Body.String(), shared.Snapshot().Fleet.Instance, "INSTANCE")
		if got != string(want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}

		var whole struct{ Protectors []json.RawMessage }
		if err := json.Unmarshal(w.Body.Bytes(), &whole); err != nil || len(whole.Protectors) != 5 {
			t.Error(err, len(whole.Protectors))
		}

		w = httptest.NewRecorder()
		highwayhttp.Status(all).ServeHTTP(w, httptest.NewRequest("HEAD", "/", nil))
		if w.Code != 200 || w.Body.Len() > 0 {
			t.Error(w.Code, w.Body)
		}
		w = httptest.NewRecorder()
		highwayhttp.Status(all).ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader("x")))
		if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Error(w.Code, w.Header())
		}
	})
}
