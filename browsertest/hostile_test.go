package browsertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
	"github.com/highway-engine/highway/internal/operate"
)

// hostile are keys that somebody has thought about.
var hostile = []string{
	`<img src=x onerror="document.title='had'">`,
	`"><script>document.title='had'</script>`,
	`javascript:document.title='had'`,
	`' onmouseover='document.title="had"`,
	"rtl \u202egnp.exe",
	"bell \a, escape \x1b[2J, newline \n, delete \x7f",
	"%2e%2e/../#/breaker/?key=&amp;",
	"عربى עברית 🚦 zero\u200bwidth",
	"\xff\xfe no text",
}

func TestHostileTextStaysText(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	instance := `<svg onload="document.title='had'">` + "\u202e"
	rows(t, storage, instance, hostile...)
	for _, key := range hostile {
		_, err := operate.Do(t.Context(), storage, operate.Order{Key: key, Action: operate.Isolate, By: `<b onclick=x>"o'brien"`, Note: `<iframe src=javascript:alert(1)>`})
		must(t, err)
	}
	p := open(t, Wide, serve(t, dashboard.Config{Ledger: storage, Title: "<i>mine</i>"}))
	until(t, p, fmt.Sprintf("document.querySelectorAll('.rows .row').length === %d", len(hostile)), "document.title === '<i>mine</i>'")
	text := get[string](t, p, "document.getElementById('rows').textContent + document.getElementById('timeline').textContent")
	for _, want := range []string{hostile[0], hostile[1], hostile[2], hostile[3], "rtl ⟨U+202E⟩gnp.exe", "␇", "␛[2J", "␊", "␡", "zero⟨U+200B⟩width", "bytes fffe", "<iframe src=javascript:alert(1)>", `Ordered by <b onclick=x>"o'brien"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for i := range hostile {
		find := fmt.Sprintf("[...document.querySelectorAll('.rows .row')].sort((a, b) => a.offsetTop - b.offsetTop)[%d].querySelector('a').getAttribute('href')", i)
		must(t, p.Go(get[string](t, p, "location.href.split('#')[0] + "+find)))
		until(t, p, "document.querySelector('.hero .pill.big').textContent === 'Isolated'",
			"document.querySelector('.instances tbody th').textContent.startsWith('<svg onload')",
			"document.querySelector('.history .note').textContent === '<iframe src=javascript:alert(1)>'")
		button(t, p, "Close")
		until(t, p, "document.querySelector('dialog[open] h2').textContent.startsWith('Close ')")
		get[string](t, p, `(document.getElementById('reason').value = '<u>why</u>')`)
		click(t, p, "dialog button.main")
		until(t, p, "document.querySelector('.hero .pill.big').textContent === 'Closed'", "!document.querySelector('dialog[open]')")
		must(t, p.Keys("\u001b"))
		until(t, p, fmt.Sprintf("document.querySelectorAll('.rows .row').length === %d && location.hash === '#/'", len(hostile)))
	}
	if had := get[bool](t, p, "document.title.includes('had') || !!document.querySelector('iframe, main img, script:not([src]), .rows svg[onload], b[onclick]')"); had {
		t.Error("text has become markup")
	}
}

func TestANameIsWrittenAsItIs(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	rows(t, storage, "web-1", "payments", "mail")
	for _, o := range []operate.Order{{Key: "payments", Action: operate.Isolate}, {Key: "payments", Action: operate.Release}, {Key: "payments", Action: operate.Close}, {Key: "mail", Action: operate.Delete}} {
		o.By = "root@vm"
		_, err := operate.Do(t.Context(), storage, o)
		must(t, err)
	}
	p := open(t, Wide, serve(t, dashboard.Config{Ledger: storage}))
	until(t, p, "document.querySelectorAll('.timeline li').length >= 4")
	text := get[string](t, p, "document.querySelector('.timeline').innerText")
	if !strings.Contains(text, "Ordered by root@vm") || !strings.Contains(text, "Deleted by root@vm") || strings.Contains(text, "Root@vm") {
		t.Error(text)
	}
	lines := get[[]string](t, p, "[...document.querySelectorAll('.timeline .muted')].map((l) => getComputedStyle(l, '::first-letter').textTransform + ' ' + l.textContent)")
	for _, line := range lines {
		said, ok := strings.CutPrefix(line, "none ")
		if !ok || said[0] < 'A' || said[0] > 'Z' {
			t.Errorf("%q", line)
		}
	}
}
