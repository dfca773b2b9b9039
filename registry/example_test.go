package registry_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
)

func Example() {
	hosts := highway.Must(registry.New(registry.Config{
		Policy: highway.CircuitProtectorPolicy{ // the template
			FailureLimit: highway.Fraction(3, 10),
			Cooldown:     30 * time.Second,
		},
		Overrides: map[string]highway.Settings{
			"payments.example.com": {Cooldown: 5 * time.Second}, // the rest is the template's
		},
	}))

	for _, host := range []string{"search.example.com", "payments.example.com", "search.example.com"} {
		protector, err := hosts.Get(host) // makes it on first use
		if err != nil {
			fmt.Println(err)
			continue
		}
		_ = protector.Do(context.Background(), func(context.Context) error { return nil })
	}
	for protector := range hosts.All() {
		fmt.Println(protector.ResourceKey(), protector.Status(), protector.Settings().Cooldown)
	}
	// Output:
	// payments.example.com CLOSED 5s
	// search.example.com CLOSED 30s
}

func ExampleRegistry_Get_full() {
	hosts := highway.Must(registry.New(registry.Config{Limit: 1}))
	_ = highway.Must(hosts.Get("a.example.com")).Isolate(context.Background())

	_, err := hosts.Get("b.example.com")
	var full *registry.FullError
	if errors.As(err, &full) {
		fmt.Println(full) // make the call unprotected, or not at all
	}
	// Output: highway: the registry has no place for "b.example.com": all 1 protectors were found open, half-open or held
}

func ExampleRegistry_Update() {
	hosts := highway.Must(registry.New(registry.Config{}))
	search := highway.Must(hosts.Get("search.example.com"))

	settings, err := registry.Parse([]byte(`{
		"template":  {"cooldown": "1m"},
		"overrides": {"search.example.com": {"failure_limit": "3/10"}}
	}`))
	if err == nil {
		err = hosts.Update(settings)
	}
	fmt.Println(err, search.Settings().Cooldown, search.Settings().FailureLimit)

	_, err = registry.Parse([]byte(`{"overrides": {"payments": {"cooldown": "-3s"}}}`))
	fmt.Println(err)
	// Output:
	// <nil> 1m0s 3 of 10
	// highway: settings.overrides.payments.cooldown is "-3s": it must not be negative
}
