package browsertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/dashboard"
	"github.com/highway-engine/highway/fleet"
)

// browser is that of all tests.
var browser *Browser

func TestMain(m *testing.M) {
	var err error
	if browser, err = Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "the dashboard is tested in a real browser:", err)
		os.Exit(1)
	}
	code := m.Run()
	browser.Close()
	os.Exit(code)
}

// must ends the test at an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// everybody may do everything, and is called ann.
var everybody = dashboard.Access{
	Read: func(*http.Request) (string, error) { return "ann", nil },
	Act:  func(*http.Request) (string, error) { return "ann", nil },
}

// serve serves a dashboard under a prefix.
func serve(t *testing.T, config dashboard.Config) (url string) {
	t.Helper()
	if config.Access.Read == nil {
		config.Access = everybody
	}
	if config.Every == 0 {
		config.Every = 100 * time.Millisecond
	}
	d, err := dashboard.New(config)
	must(t, err)
	server := httptest.NewServer(http.StripPrefix("/ops", d))
	t.Cleanup(func() {
		must(t, d.Close())
		server.Close()
	})
	return server.URL + "/ops/"
}

// open opens a page, and says at the end what it has run into, if anything that is not excused.
func open(t *testing.T, look Look, url string, but ...string) *Page {
	t.Helper()
	p, err := browser.Open(look)
	must(t, err)
	t.Cleanup(func() {
		for _, what := range p.Problems(but...) {
			t.Errorf("the page ran into: %s", what)
		}
		p.Close()
	})
	must(t, p.Go(url))
	return p
}

// until waits for all of these, one after the other.
func until(t *testing.T, p *Page, expressions ...string) {
	t.Helper()
	for _, e := range expressions {
		must(t, p.Until(e))
	}
}

// get evaluates an expression.
func get[T any](t *testing.T, p *Page, expression string) T {
	t.Helper()
	is, err := Get[T](p, expression)
	must(t, err)
	return is
}

var errDown = errors.New("down")

// A service is five instances that call some resources all the time.
type service struct {
	storage *highway.InMemoryStorage
	down    map[string]*atomic.Bool
	all     map[string][]*highway.CircuitProtector
}

func newService(t *testing.T, keys ...string) *service {
	t.Helper()
	s := &service{storage: highway.NewInMemoryStorage(), down: map[string]*atomic.Bool{}, all: map[string][]*highway.CircuitProtector{}}
	ctx, stop := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	for _, key := range keys {
		down := new(atomic.Bool)
		s.down[key] = down
		for range 5 {
			p, err := highway.NewCircuitProtector(highway.CircuitProtectorPolicy{
				ResourceKey: key, Storage: s.storage, FailureLimit: highway.Fraction(5, 10), SuccessLimit: highway.Fraction(2, 3), Cooldown: 2 * time.Second,
			})
			must(t, err)
			s.all[key] = append(s.all[key], p)
			calls.Go(func() {
				traffic := time.NewTicker(25 * time.Millisecond)
				defer traffic.Stop()
				for ctx.Err() == nil {
					_ = p.Do(ctx, func(context.Context) error {
						if down.Load() {
							return errDown
						}
						return nil
					})
					select {
					case <-traffic.C:
					case <-ctx.Done():
					}
				}
			})
		}
	}
	t.Cleanup(func() {
		stop()
		calls.Wait()
		must(t, s.storage.Close(context.Background()))
	})
	return s
}

// rows makes rows with these keys, as an instance does that uses them.
func rows(t *testing.T, ledger fleet.Ledger, instance string, keys ...string) {
	t.Helper()
	reports := map[string]fleet.Report{}
	for i, key := range keys {
		reports[key] = fleet.Report{Instance: instance, Number: 1, Active: true, Failures: i % 7, Outcomes: 20}
	}
	_, err := ledger.Exchange(t.Context(), instance, reports)
	must(t, err)
}

// rowOf is a JavaScript expression for the row of a key in the list.
func rowOf(key string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('.rows .row')].find((r) => r.key === %q)`, key)
}

// word is a JavaScript expression for the word of its state.
func word(key string) string { return rowOf(key) + `.querySelector('.pill').textContent` }

func is(expression, text string) string { return fmt.Sprintf("%s === %q", expression, text) }

// click clicks what a selector finds.
func click(t *testing.T, p *Page, selector string) {
	t.Helper()
	until(t, p, fmt.Sprintf("document.querySelector(%q)", selector))
	get[bool](t, p, fmt.Sprintf("document.querySelector(%q).click() ?? true", selector))
}

// button clicks the button with a text.
func button(t *testing.T, p *Page, text string) {
	t.Helper()
	find := fmt.Sprintf("[...document.querySelectorAll('button')].find((b) => b.textContent === %q && !b.disabled && b.offsetParent)", text)
	until(t, p, find)
	get[bool](t, p, find+".click() ?? true")
}
