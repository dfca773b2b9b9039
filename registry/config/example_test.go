package config_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/highway-engine/highway"
	"github.com/highway-engine/highway/registry"
	"github.com/highway-engine/highway/registry/config"
)

func Example() {
	folder, err := os.MkdirTemp("", "highway")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "highway.yaml")
	if err := os.WriteFile(path, []byte("template: {cooldown: 1m}\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	hosts := highway.Must(registry.New(registry.Config{}))
	if err := begin(ctx, path, hosts); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(highway.Must(hosts.Get("search.example.com")).Settings().Cooldown)
	// Output: 1m0s
}

// begin is what the guide shows.
func begin(ctx context.Context, path string, hosts *registry.Registry) error {
	settings, err := config.Read(path)
	if err == nil {
		err = hosts.Update(settings)
	}
	if err != nil {
		return err // with the mistakes in the file
	}
	go func() { _ = config.Follow(ctx, path, hosts, config.Options{}) }() // until ctx ends
	return nil
}
