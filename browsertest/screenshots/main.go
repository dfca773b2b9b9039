// Command screenshots plays with "highway demo --dashboard" in a real browser, and writes down
// how that looks: light and dark, wide and narrow. "make screenshots" and "make picture" call it.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/highway-engine/highway/browsertest"
)

func main() {
	folder := flag.String("into", "", "folder for all pictures")
	picture := flag.String("picture", "", "file for the one in the README alone")
	flag.Parse()
	log.SetFlags(0)
	if (*folder == "") == (*picture == "") {
		log.Fatal("either -into or -picture says where to")
	}
	if err := run(context.Background(), *folder, *picture); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, folder, picture string) error {
	url, end, err := demo(ctx)
	if err != nil {
		return err
	}
	defer end()
	browser, err := browsertest.Start(ctx)
	if err != nil {
		return err
	}
	defer browser.Close()
	page, err := browser.Open(browsertest.Wide)
	if err != nil {
		return err
	}
	if err := errors.Join(page.Go(url), play(page)); err != nil {
		return err
	}
	if picture != "" {
		look := browsertest.Wide
		look.Height = 720
		return shoot(page, look, picture)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := all(page, folder, "list"); err != nil {
		return err
	}
	if err := errors.Join(page.Go(url+"#/breaker/search"), page.Until("document.querySelectorAll('.instances tbody tr').length >= 5 && document.querySelector('.history li')")); err != nil {
		return err
	}
	if err := all(page, folder, "breaker"); err != nil {
		return err
	}
	if _, err := browsertest.Get[bool](page, "document.querySelector('.actions button').click() ?? true"); err != nil {
		return err
	}
	return all(page, folder, "dialog")
}

// demo starts the demo, and says where it is. Who has called end has nothing left of it.
func demo(ctx context.Context) (url string, end func(), err error) {
	binary := filepath.Join(os.TempDir(), fmt.Sprintf("highway-%d", os.Getpid()))
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/highway").CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("%w: %s", err, out)
	}
	command := exec.CommandContext(ctx, binary, "demo", "--dashboard", "--sick", "1")
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := command.Start(); err != nil {
		return "", nil, err
	}
	end = func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
	}
	defer os.Remove(binary) // it runs all the same
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if at, ok := strings.CutPrefix(lines.Text(), "Open "); ok {
			return at, end, nil
		}
	}
	end()
	return "", nil, errors.New("the demo does not say where it is")
}

// play makes something of everything to be seen.
func play(page *browsertest.Page) error {
	send := func(path, body string) string {
		return fmt.Sprintf("fetch(%q, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(%s)}).then((r) => r.ok)", path, body)
	}
	act := func(key, action, reason string) string {
		return fmt.Sprintf(`fetch('api/circuit?key=%[1]s').then((r) => r.json()).then((d) => %[2]s)`, key,
			send("api/act", fmt.Sprintf("{key: %q, action: %q, reason: %q, seen: d.circuit.seen}", key, action, reason)))
	}
	row := func(key string) string {
		return fmt.Sprintf("[...document.querySelectorAll('.rows .row')].find((r) => r.key === %q)", key)
	}
	pause := func(seconds int) string {
		return fmt.Sprintf("new Promise((done) => setTimeout(() => done(true), %d))", seconds*1000)
	}
	for _, step := range []string{
		pause(14), // the instances report their first failures
		send("panel/state", "{server: 'payments', phase: 'slow'}"), pause(16), send("panel/state", "{server: 'payments', phase: 'healthy'}"),
		pause(12),
		act("currency rates", "isolate", "INC-7: the provider sends rates of last year"),
		pause(4),
		send("panel/state", "{server: 'search', phase: 'failing'}"), pause(14),
		send("panel/state", "{server: 'inventory', phase: 'slow'}"), pause(5),
	} {
		ok, err := browsertest.Get[bool](page, step)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("refused: %s", step)
		}
	}
	return page.Until(row("search") + ".dataset.look === 'open' && " + row("inventory") + ".dataset.look === 'open'")
}

// all takes pictures of a page in all looks.
func all(page *browsertest.Page, folder, name string) error {
	for _, look := range []struct {
		name string
		browsertest.Look
	}{{"wide", browsertest.Wide}, {"narrow", browsertest.Narrow}} {
		for _, dark := range []bool{false, true} {
			scheme := "light"
			if look.Dark = dark; dark {
				scheme = "dark"
			}
			if err := shoot(page, look.Look, filepath.Join(folder, fmt.Sprintf("%s-%s-%s.png", name, look.name, scheme))); err != nil {
				return err
			}
		}
	}
	return nil
}

// shoot takes one picture, once the page has drawn itself anew.
func shoot(page *browsertest.Page, look browsertest.Look, file string) error {
	if err := page.See(look); err != nil {
		return err
	}
	const drawn = "new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true))), 500))"
	if _, err := browsertest.Get[bool](page, drawn); err != nil {
		return err
	}
	png, err := page.Picture()
	if err != nil {
		return err
	}
	return os.WriteFile(file, png, 0o644)
}
