package browsertest

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
)

func TestTheKeyboardIsEnough(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	rows(t, storage, "web-1", "mail", "payments", "search")
	p := open(t, Wide, serve(t, dashboard.Config{Ledger: storage}))
	until(t, p, is(word("mail"), "Closed"))
	keys := func(keys string, then ...string) {
		t.Helper()
		must(t, p.Keys(keys))
		until(t, p, then...)
	}
	active := func(key string) string {
		return "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.key === '" + key + "'"
	}
	focused := func(id string) string { return "document.activeElement.id === '" + id + "'" }
	// Only the key, not its character: a driver sends that later than a keyboard does, and
	// then it may get into the field that the key has gone to.
	_, err := Get[bool](p, "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true, cancelable: true}))")
	must(t, err)
	until(t, p, focused("search"))
	keys("ay", "document.querySelectorAll('.rows .row').length === 1")
	keys(kb.Escape, focused("search"), "document.querySelectorAll('.rows .row').length === 3")
	keys(kb.Escape, focused("list"), active("mail"))
	keys(kb.ArrowDown, active("payments"), "document.activeElement.matches(':focus-visible')")
	keys(kb.ArrowDown+kb.ArrowDown, active("search")) // which is the last
	keys(kb.Home, active("mail"))
	keys("j", active("payments"))
	keys(kb.Enter, "location.hash === '#/breaker/payments'", focused("breaker"), "document.title.startsWith('payments')", "!document.querySelector('.actions button').disabled")
	keys(kb.Tab, "document.activeElement.className === 'back'")
	keys(kb.Tab, "document.activeElement.textContent === 'Open for …'", "getComputedStyle(document.activeElement).outlineStyle !== 'none'")
	keys(kb.Enter, "document.querySelector('dialog[open]')", focused("for"))
	keys(kb.Escape, "!document.querySelector('dialog[open]')", "document.activeElement.textContent === 'Open for …'")
	keys(kb.Enter, focused("for"))
	keys("2m"+kb.Tab+kb.Tab+kb.Tab+kb.Tab+kb.Tab+kb.Tab, focused("reason"))
	keys("by hand"+kb.Enter, "!document.querySelector('dialog[open]')", is("document.querySelector('.hero .pill').textContent", "Held open"))
	keys(kb.Escape, "location.hash === '#/'", focused("list"), active("payments"))
}

func TestAScreenReaderFindsItsWay(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	rows(t, storage, "web-1", "payments")
	p := open(t, Narrow, serve(t, dashboard.Config{Ledger: storage}))
	until(t, p, is(word("payments"), "Closed"),
		"document.querySelector('header, main, aside') && document.querySelectorAll('main:not([hidden])').length === 1",
		"document.querySelector('[role=grid][aria-label][aria-rowcount=\"2\"] [role=row] > [role=columnheader]')",
		"document.querySelector('.rows[role=rowgroup] > [role=row][aria-rowindex=\"2\"] > [role=rowheader]')",
		"document.querySelector('[aria-live=polite]') && document.querySelector('#live[role=status]')",
		"[...document.querySelectorAll('input, select')].every((i) => i.labels.length && i.labels[0].textContent.trim())",
		"[...document.querySelectorAll('button')].every((b) => b.textContent.trim() || b.ariaLabel)",
		"document.documentElement.scrollWidth <= innerWidth") // nothing sticks out
}
