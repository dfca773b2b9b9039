package browsertest

import (
	"fmt"
	"testing"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
	"github.com/highway-engine/highway/internal/operate"
)

func TestFiveThousandBreakersScrollAndFilter(t *testing.T) {
	storage := highway.NewInMemoryStorage()
	var keys []string
	for i := range 5000 {
		keys = append(keys, fmt.Sprintf("tenant-%04d/payments", i))
	}
	rows(t, storage, "web-1", keys...)
	p := open(t, Wide, serve(t, dashboard.Config{Ledger: storage}))
	until(t, p, "document.getElementById('list').getAttribute('aria-rowcount') === '5001'", "document.querySelectorAll('.rows .row').length > 5")

	type measured struct {
		Frames  int
		Elapsed float64
		Longest float64
		Rows    int // the most elements at a time
		Blank   int // frames in which nothing was to be seen
	}
	m := get[measured](t, p, `new Promise((done) => {
		const list = document.getElementById('list'), end = list.scrollHeight, began = performance.now();
		let frames = 0, last = began, longest = 0, rows = 0, blank = 0;
		requestAnimationFrame(function step(now) {
			longest = Math.max(longest, now - last);
			last = now;
			const box = list.getBoundingClientRect();
			if (!document.elementFromPoint(box.left + 200, box.top + 200)?.closest('.row')) blank++;
			rows = Math.max(rows, document.querySelectorAll('.rows .row').length);
			list.scrollTop = end * (++frames / 120);
			if (frames < 120) requestAnimationFrame(step);
			else done({Frames: frames, Elapsed: now - began, Longest: longest, Rows: rows, Blank: blank});
		});
	})`)
	t.Logf("scrolling: %+v, %.0f frames a second", m, float64(m.Frames)/m.Elapsed*1000)
	if m.Rows > 80 {
		t.Errorf("%d rows are elements", m.Rows)
	}
	if m.Elapsed/float64(m.Frames) > 250 { // a machine that is busy has this much time, and more
		t.Errorf("a frame takes %.0f ms", m.Elapsed/float64(m.Frames))
	}
	until(t, p, "document.querySelector('.rows .row[aria-rowindex=\"5001\"]')")

	took := get[float64](t, p, `new Promise((done) => {
		const search = document.getElementById('search'), began = performance.now();
		search.value = '4321 pay';
		search.dispatchEvent(new Event('input'));
		requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
	})`)
	t.Logf("filtering: %.0f ms until it is drawn", took)
	until(t, p, "document.querySelectorAll('.rows .row').length === 1", rowOf("tenant-4321/payments"))
	get[string](t, p, "(document.getElementById('search').value = '', document.getElementById('search').dispatchEvent(new Event('input')), '')")

	// One that changes among so many comes up by itself.
	_, err := operate.Do(t.Context(), storage, operate.Order{Key: "tenant-2500/payments", Action: operate.Isolate, By: "bob"})
	must(t, err)
	until(t, p, is("document.querySelector('[data-filter=held] b').textContent", "1"))
	get[bool](t, p, "document.querySelector('[data-filter=held]').click() ?? true")
	until(t, p, "document.querySelectorAll('.rows .row').length === 1", is(word("tenant-2500/payments"), "Isolated"))
	if many := get[int](t, p, "document.getElementsByTagName('*').length"); many > 4000 {
		t.Errorf("the page has %d elements", many)
	}
}
