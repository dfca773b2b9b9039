package dashboard_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
	"github.com/highway-engine/highway/fleet"
)

func TestAnActionIsKeptWithWhoAndWhy(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	use(t, storage, "payments")
	d := newDashboard(t, dashboard.Config{Ledger: storage})
	w := ask(d, "POST", "/api/act", `{"key": "payments", "action": "open", "for": "5m", "reason": "INC-7 <b>", "seen": "`+seenOf(t, d, "payments")+`"}`)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"changed":true`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	past, err := storage.History(t.Context(), fleet.HistoryQuery{Key: "payments"})
	if err != nil || len(past) == 0 || past[0].By != "ann" || past[0].Note != "INC-7 <b>" || past[0].Hold != fleet.HeldOpen {
		t.Errorf("%+v, %v", past, err)
	}
	w = ask(d, "POST", "/api/act", `{"key": "payments", "action": "delete", "reason": "moved", "seen": "`+seenOf(t, d, "payments")+`"}`)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"deleted":true`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = ask(d, "POST", "/api/act", isolate("1.0"))
	if w.Code != http.StatusConflict && w.Code != http.StatusNotFound {
		t.Errorf("what is gone: %d %s", w.Code, w.Body)
	}
}

func TestWhoHasSeenSomethingOlderIsToldSo(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	use(t, storage, "payments")
	d := newDashboard(t, dashboard.Config{Ledger: storage})
	seen := seenOf(t, d, "payments")
	if w := ask(d, "POST", "/api/act", isolate(seen)); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w := ask(d, "POST", "/api/act", isolate(seen))
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `"kind":"overtaken"`) || !strings.Contains(w.Body.String(), `"hold":"isolated"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestSenselessActionsSayWhatIsWrong(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	use(t, storage, "payments")
	d := newDashboard(t, dashboard.Config{Ledger: storage})
	nobody := newDashboard(t, dashboard.Config{Ledger: storage, Access: dashboard.Access{
		Read: anybody.Read, Act: func(*http.Request) (string, error) { return "a\nb", nil },
	}})
	with := func(field, value string) string {
		all := map[string]string{"key": `"payments"`, "action": `"close"`, "reason": `"r"`, "seen": `"1.0"`}
		all[field] = value
		var parts []string
		for name, value := range all {
			parts = append(parts, `"`+name+`": `+value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{with("key", `""`), 400, `"field":"key"`},
		{with("key", `"`+strings.Repeat("k", 256)+`"`), 400, `"field":"key"`},
		{with("key", `"\u0000zz"`), 400, `"field":"key"`},
		{with("action", `"reboot"`), 400, `"field":"action","value":"reboot"`},
		{with("action", `"open"`), 400, `"field":"for"`},
		{with("for", `"soon"`), 400, `"field":"for","value":"soon"`},
		{with("for", `"5m"`), 400, `"field":"for","value":"5m0s"`},
		{with("reason", `" "`), 400, `"field":"reason"`},
		{with("reason", `"a\u0000b"`), 400, `"field":"reason"`},
		{with("reason", `"`+strings.Repeat("r", 1001)+`"`), 400, `"field":"reason"`},
		{with("seen", `""`), 400, `"field":"seen"`},
		{with("seen", `"0.0"`), 400, `"field":"seen"`},
		{with("seen", `"-1.x"`), 400, `"field":"seen"`},
		{with("reason", "7"), 400, "this is no action"},
		{with("by", `"eve"`), 400, `unknown field`},
		{with("key", `"payments"`) + "{}", 400, "more than one"},
		{"", 400, "this is no action"},
		{"null", 400, `"field":"key"`},
		{"[]", 400, "this is no action"},
		{`{"reason": "` + strings.Repeat("r", 20_000) + `"}`, 413, "at most 16384 bytes"},
	} {
		if w := ask(d, "POST", "/api/act", c.body); w.Code != c.code || !strings.Contains(w.Body.String(), c.want) || w.Body.Len() > 1500 {
			t.Errorf("%.100s: %d %s, want %s", c.body, w.Code, w.Body, c.want)
		}
	}
	if w := ask(nobody, "POST", "/api/act", isolate("1.0")); w.Code != 400 || !strings.Contains(w.Body.String(), `"field":"who"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(d, "POST", "/api/act", isolate("1.0"), header("Content-Type", "text/plain")); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, c := range [][2]string{{"GET", "/api/act"}, {"POST", "/api/me"}, {"DELETE", "/"}, {"PUT", "/login"}, {"GET", "/logout"}, {"POST", "/main.js"}} {
		if w := ask(newDashboard(t, dashboard.Config{Access: dashboard.Tokens(readToken, actToken)}), c[0], c[1], "", bearer(actToken)); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: %d, %v", c[0], c[1], w.Code, w.Header())
		}
	}
	past, err := storage.History(t.Context(), fleet.HistoryQuery{})
	if err != nil || len(past) != 0 {
		t.Errorf("something was done: %+v, %v", past, err)
	}
}

// A broken ledger fails at what it is told to.
type broken struct {
	fleet.Ledger
	look, change error
}

func (b *broken) Look(ctx context.Context, key string) (fleet.Detail, error) {
	if b.look != nil {
		return fleet.Detail{}, b.look
	}
	return b.Ledger.Look(ctx, key)
}

func (b *broken) Change(ctx context.Context, key string, from fleet.Identity, row fleet.Row) (fleet.Row, error) {
	if b.change != nil {
		return fleet.Row{}, b.change
	}
	return b.Ledger.Change(ctx, key, from, row)
}

func TestAnActionSaysWhetherItIsDone(t *testing.T) {
	ledger := &broken{Ledger: highway.NewInMemoryStorage()}
	use(t, ledger, "payments")
	d := newDashboard(t, dashboard.Config{Ledger: ledger})
	seen := seenOf(t, d, "payments")
	for _, c := range []struct {
		broken broken
		code   int
		kind   string
	}{
		{broken{look: errAway}, http.StatusServiceUnavailable, "not done"},
		{broken{change: errAway}, http.StatusBadGateway, "unknown"},
		{broken{change: errors.Join(fleet.ErrRefused, errAway)}, http.StatusServiceUnavailable, "not done"},
		{broken{}, http.StatusOK, ""},
	} {
		ledger.look, ledger.change = c.broken.look, c.broken.change
		w := ask(d, "POST", "/api/act", isolate(seen))
		if w.Code != c.code || c.kind != "" && !strings.Contains(w.Body.String(), `"kind":"`+c.kind+`"`) {
			t.Errorf("%d %s, want %d, %s", w.Code, w.Body, c.code, c.kind)
		}
	}
}
