// Command picture runs the demo and draws its last frame as an SVG, the picture in the
// README. "make picture" calls it.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/highway-engine/highway/cmd/highway/internal/demo"
)

func main() {
	slog.SetLogLoggerLevel(slog.LevelError)
	const columns, rows = 100, 30
	run, err := demo.Start(context.Background(), demo.Config{Instances: 5, Sick: 1, Duration: 20 * time.Second, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := run.Wait(); err != nil {
		log.Fatal(err)
	}
	if err := draw(os.Stdout, demo.Picture(run, columns, rows), columns); err != nil {
		log.Fatal(err)
	}
}
