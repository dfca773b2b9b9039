package output

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/highway-engine/highway/fleet"
)

func TestJSONSaysWhatThereIs(t *testing.T) {
	for _, c := range circuits() {
		var out strings.Builder
		if err := JSON(&out, CircuitOf(c)); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(strings.TrimSuffix(out.String(), "\n"), hidden) {
			t.Errorf("not safe: %q", out.String())
		}
		var read struct {
			Key, State string
			By, Note   *string
			Rate       *float64 `json:"failure_rate"`
			Remaining  *float64 `json:"remaining_seconds"`
		}
		if err := json.Unmarshal([]byte(out.String()), &read); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(c.Key, "\uFFFD"); read.Key != want {
			t.Errorf("%q is read as %q", want, read.Key)
		}
		if (read.Remaining != nil) != (c.Key == "payments") || (read.Rate != nil) != (c.Outcomes > 0) || (read.By != nil) != (c.Row.By != "") {
			t.Errorf("%s", out.String())
		}
	}
	var out strings.Builder
	if err := JSON(&out, "a\U000e0041&<"); err != nil || out.String() != `"a\udb40\udc41&<"`+"\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	made, deleted := TransitionOf(transitions()[3]), TransitionOf(transitions()[4])
	if made.From != nil || *made.To != "CLOSED" || made.Reason != nil || deleted.To != nil || *deleted.Reason != "deleted" || deleted.At != "2026-11-24T12:00:00.123456Z" {
		t.Errorf("%+v, %+v", made, deleted)
	}
}

func TestVersionsAreRead(t *testing.T) {
	id := fleet.Identity{Incarnation: 1<<63 + 5, Epoch: 1<<64 - 1}
	if got, err := ParseVersion(Version(id)); err != nil || got != id {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "-", "1", "1-", "0-1", "x-1", "1-x", "1-2-3", "\x1b"} {
		if id, err := ParseVersion(text); err == nil || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q is %+v, %v", text, id, err)
		}
	}
}

func TestTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 99 * time.Millisecond: "0s", 1250 * time.Millisecond: "1.2s", 9999 * time.Millisecond: "9.9s",
		10 * time.Second: "10s", 90500 * time.Millisecond: "1m30s", 5 * time.Minute: "5m", 2 * time.Hour: "2h", 26*time.Hour + 59*time.Second: "26h",
		47*time.Hour + 30*time.Minute: "47h30m", 48 * time.Hour: "2d", 75 * time.Hour: "3d3h",
	} {
		if got := Time(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}
