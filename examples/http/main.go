// Http is a gateway with a breaker for each of its backends. One of them fails and comes
// back; the other does not notice.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"time"

	"github.com/highway-engine/highway"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	var down atomic.Bool
	books := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer books.Close()
	music := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer music.Close()

	changed := make(chan highway.CircuitState, 100)
	handler, err := NewGateway(map[string]string{"books": books.URL, "music": music.URL},
		func(c highway.StatusChange) { changed <- c.To })
	if err != nil {
		return err
	}
	gateway := httptest.NewServer(handler)
	defer gateway.Close()

	get := func(path string) string {
		answer, e := ask(ctx, gateway.URL+path)
		if e != nil && err == nil {
			err = e
		}
		return answer
	}
	// Until comes back when the breaker has got into the state.
	until := func(state highway.CircuitState) {
		for err == nil {
			get("/books/1")
			select {
			case to := <-changed:
				fmt.Fprintln(out, "  the breaker of books is", to)
				if to == state {
					return
				}
			case <-time.After(time.Millisecond):
			}
		}
	}

	fmt.Fprintln(out, "All is well:")
	fmt.Fprintln(out, "  books:", get("/books/1"))
	fmt.Fprintln(out, "  music:", get("/music/1"))

	fmt.Fprintln(out, "The server of books fails:")
	down.Store(true)
	until(highway.Open)
	fmt.Fprintln(out, "  books:", get("/books/1"))
	fmt.Fprintln(out, "  music:", get("/music/1"))

	fmt.Fprintln(out, "It is back:")
	down.Store(false)
	until(highway.Closed)
	fmt.Fprintln(out, "  books:", get("/books/1"))

	fmt.Fprintln(out, "What /breakers says:")
	for line := range strings.Lines(get("/breakers")) {
		fmt.Fprint(out, "  ", line)
	}
	return err
}

// ask returns the status of an answer, and its text or when to ask again.
func ask(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if after := response.Header.Get("Retry-After"); after != "" {
		return response.Status + ", Retry-After: " + after, err
	}
	return response.Status + " " + string(text), err
}
