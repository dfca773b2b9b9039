// Command fleet measures what it costs, and how soon it works, that a fleet shares its
// breakers through PostgreSQL. It starts private servers on the loopback: PostgreSQL, and
// for the comparison Redis. Run it in the folder benchmarks:
//
//	go run ./fleet             measures and prints, in some seven minutes
//	go run ./fleet -write      also rewrites the figures in README.md
//	go run ./fleet -only news  measures one part
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/highway-engine/highway/benchmarks/internal/markdown"
)

// A part is one thing that is measured.
type part struct {
	name, title string
	measure     func(ctx context.Context) (findings, error)
}

// findings are what has come of it: text for the document, and targets.
type findings struct {
	text    string
	targets []target
}

var parts = []part{
	{"path", "Call path", callPath},
	{"statements", "Statements", statements},
	{"news", "News", news},
	{"peers", "The same outage", peers},
	{"hour", "An hour of reports", hour},
	{"sizing", "What a fleet costs the database", sizing},
}

func main() {
	write := flag.Bool("write", false, "rewrite the figures in README.md")
	only := flag.String("only", "", "measure these parts only: `names` with commas")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := report(ctx, *only, *write); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func report(ctx context.Context, only string, write bool) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if write && len(chosen) < len(parts) {
		return errors.New("-write needs all parts")
	}
	log := &logged{lines: map[string]int{}}
	slog.SetDefault(slog.New(log))
	var all []target
	var sections strings.Builder
	for _, p := range chosen {
		start := time.Now()
		found, err := p.measure(ctx)
		if err != nil {
			log.flush()
			fmt.Print(sections.String()) // it took long
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: took %v\n", p.name, time.Since(start).Round(time.Second))
		log.flush()
		all = append(all, found.targets...)
		fmt.Fprintf(&sections, "### %s\n\n%s\n", p.title, strings.TrimSpace(found.text)+"\n")
	}
	text := fmt.Sprintf("Measured on %s with %s on %s/%s, GOMAXPROCS %d, %s.\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0),
		strings.Join(servers(), ", "))
	if len(all) > 0 {
		text += fmt.Sprintf("### Fleet targets\n\n%s\n%s\n", tally(all), targetTable(all))
	}
	text += sections.String()
	fmt.Print(text)
	if !write {
		return nil
	}
	return markdown.Rewrite("README.md", "fleet", text)
}

func choose(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	var chosen []part
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no part %q", name)
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, nil
}
