// A program that a person uses to isolate a resource for the whole fleet.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	_ "github.com/highway-engine/highway/postgres"
	"github.com/highway-engine/highway/postgres/testdata/payments/shop"
)

func main() {
	for end := time.Now().Add(10 * time.Second); !shop.Payments.Snapshot().Fleet.Live && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if err := shop.Payments.Isolate(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(shop.Payments.Status())
}
