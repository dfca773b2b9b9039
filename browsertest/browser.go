package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// ErrNone says what to install.
var ErrNone = errors.New("there is no browser: install chromium (apt-get install chromium), or Google Chrome")

// find finds a browser.
func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}

// A Browser is a Chromium without a window.
type Browser struct {
	ctx  context.Context
	stop context.CancelFunc
}

// Start starts one. It is used by all tests of a process, each in a profile of its own.
func Start(ctx context.Context) (*Browser, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // it refuses to start as root otherwise, and opens nothing but our own pages
		chromedp.Flag("lang", "en-GB"),
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"), // names that are not this machine's own
		chromedp.Flag("ignore-certificate-errors", true),             // of servers that a test has made
	)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	ctx, stopBrowser := chromedp.NewContext(ctx)
	b := &Browser{ctx: ctx, stop: func() { stopBrowser(); stop() }}
	if err := chromedp.Do(ctx); err != nil {
		b.stop()
		return nil, fmt.Errorf("%s does not start: %w", path, err)
	}
	return b, nil
}

// Close ends it.
func (b *Browser) Close() { b.stop() }

// A Page is one page of it, with cookies that no other has. What it runs into is written down.
type Page struct {
	ctx  context.Context
	stop context.CancelFunc

	mu       sync.Mutex
	problems []string
}

// A Look is how a page is looked at.
type Look struct {
	Width, Height int64
	Dark          bool
	Scale         float64 // pixels of the picture for one of the page; 0 is 1
}

// Wide is a desk.
var Wide = Look{Width: 1360, Height: 850}

// Narrow is a telephone.
var Narrow = Look{Width: 390, Height: 844}

// Open opens an empty page.
func (b *Browser) Open(look Look) (*Page, error) {
	p := &Page{}
	p.ctx, p.stop = chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.hear))
	if err := chromedp.Do(p.ctx); err != nil {
		p.stop()
		return nil, err
	}
	if _, err := chromedp.Call(p.ctx, log.Enable, cdp.Empty{}); err != nil {
		p.stop()
		return nil, err
	}
	return p, p.See(look)
}

// Close closes it.
func (p *Page) Close() { p.stop() }

// See changes how it is looked at.
func (p *Page) See(look Look) error {
	scheme := "light"
	if look.Dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(p.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: look.Width, Height: look.Height, DeviceScaleFactor: max(1, look.Scale), Mobile: look.Width < 600,
	})
	if err != nil {
		return err
	}
	_, err = chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	return err
}

// hear writes down whatever the browser complains about: errors, violations of the policy, and
// whatever the page itself reports as an error or a warning.
func (p *Page) hear(event any) {
	var what string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		what = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			what += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			var args []string
			for _, a := range e.Args {
				args = append(args, string(a.Value)+a.Description)
			}
			what = fmt.Sprintf("console: %v %s", e.Type, strings.Join(args, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			what = fmt.Sprintf("%v: %v %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
	if what != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.problems = append(p.problems, what)
	}
}

// Problems are what the page has run into so far, but for those with one of these texts, which
// a test has made on purpose.
func (p *Page) Problems(but ...string) (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
next:
	for _, what := range p.problems {
		for _, excused := range but {
			if strings.Contains(what, excused) {
				continue next
			}
		}
		all = append(all, what)
	}
	return all
}

// patience is how long one thing may take on a machine that is busy with others.
const patience = 30 * time.Second

// Do does things in the page.
func (p *Page) Do(actions ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, actions...)
}

// Go goes to an address.
func (p *Page) Go(url string) error { return p.Do(chromedp.Navigate(url)) }

// Keys presses keys, one after the other, wherever the focus is.
func (p *Page) Keys(keys string) error { return p.Do(chromedp.KeyEvent(keys)) }

// Get evaluates an expression in a page, and waits for it if it is a promise.
func Get[T any](p *Page, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	is, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, func(e *runtime.EvaluateParams) {
		wait := true
		e.AwaitPromise = &wait
	}))
	if err != nil {
		return is, fmt.Errorf("%.200s: %w", expression, err)
	}
	return is, nil
}

// soon is a promise of whether an expression becomes true within half a second.
const soon = `new Promise((done) => {
	const end = performance.now() + 500;
	(function again() {
		let is = false;
		try { is = !!(%s); } catch {}
		if (is || performance.now() > end) done(is);
		else setTimeout(again, 20);
	})();
})`

// Until waits until an expression is true in the page, which may be another meanwhile.
func (p *Page) Until(expression string) error {
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		var is bool
		if is, err = Get[bool](p, fmt.Sprintf(soon, expression)); is {
			return nil
		}
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
	}
	text, _ := Get[string](p, "location.href + '\\n' + document.body.innerText.slice(0, 3000)")
	return errors.Join(fmt.Errorf("not within %v: %s; the page says:\n%s", patience, expression, text), err)
}

// Picture is the page as a PNG.
func (p *Page) Picture() ([]byte, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}
