// Command chaos runs a fleet of processes on a PostgreSQL server of its own, makes every
// fault that it knows while the fleet's resource fails and recovers, and checks the
// promises of the fleet on what has happened. It ends with a table and, if a promise was
// broken or a fault could not be made, with exit code 1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	if actsAsInstance() {
		return
	}
	var o options
	flag.DurationVar(&o.lasts, "for", 10*time.Minute, "how long to run")
	flag.IntVar(&o.instances, "instances", 10, "how many processes are the fleet")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "chooses the faults that are combined")
	only := flag.String("only", "", "make only these faults, by their names with commas between them")
	flag.Parse()
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	o.logf = func(format string, arguments ...any) {
		fmt.Printf(time.Now().Format("15:04:05.000 ")+format+"\n", arguments...)
	}
	if inside, code := ownMounts(); !inside {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	result, err := play(ctx, o)
	if result != nil {
		result.print(os.Stdout)
	}
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	case !result.kept():
		os.Exit(1)
	}
}
