package demo

import (
	"strings"
	"testing"
	"time"
)

func TestValidateNamesFlagValueAndRule(t *testing.T) {
	good := Config{Instances: 5, Duration: 20 * time.Second, Outage: 10 * time.Second, Seed: 1}
	tests := []struct {
		name   string
		change func(*Config)
		want   string // no error when empty
	}{
		{"as it is", func(*Config) {}, ""},
		{"one instance", func(c *Config) { c.Instances = 1 }, ""},
		{"most instances", func(c *Config) { c.Instances = MaxInstances }, ""},
		{"shortest", func(c *Config) { c.Duration, c.Outage = MinDuration, 0 }, ""},
		{"longest", func(c *Config) { c.Duration = MaxDuration }, ""},
		{"outage by default", func(c *Config) { c.Outage = 0 }, ""},
		{"seed 0", func(c *Config) { c.Seed = 0 }, ""},
		{"nobody sick", func(c *Config) { c.Sick = 0 }, ""},
		{"all but one sick", func(c *Config) { c.Sick = 4 }, ""},
		{"all sick", func(c *Config) { c.Sick = 5 }, "--sick 5: it must be from 0 to 4, fewer than the instances"},
		{"fewer than nobody sick", func(c *Config) { c.Sick = -1 }, "--sick -1: it must be from 0 to 4, fewer than the instances"},
		{"the only one sick", func(c *Config) { c.Instances, c.Sick = 1, 1 }, "--sick 1: it must be from 0 to 0, fewer than the instances"},
		{"no instances", func(c *Config) { c.Instances = 0 }, "--instances 0: it must be from 1 to 1000"},
		{"too many instances", func(c *Config) { c.Instances = 1001 }, "--instances 1001: it must be from 1 to 1000"},
		{"in memory", func(c *Config) { c.Storage = Memory }, ""},
		{"most instances in PostgreSQL", func(c *Config) { c.Storage, c.Instances = Postgres, MaxPostgres }, ""},
		{"too many in PostgreSQL", func(c *Config) { c.Storage, c.Instances = Postgres, 101 },
			"--instances 101: it must be at most 100 with --storage postgres, as each has connections of its own"},
		{"another storage", func(c *Config) { c.Storage = "redis" }, "--storage redis: it must be memory or postgres"},
		{"too short", func(c *Config) { c.Duration, c.Outage = 999*time.Millisecond, 0 }, "--duration 999ms: it must be from 1s to 1h"},
		{"too long", func(c *Config) { c.Duration = time.Hour + 1 }, "--duration 1h0m0.000000001s: it must be from 1s to 1h"},
		{"outage below zero", func(c *Config) { c.Outage = -1 }, "--outage -1ns: it must be more than 0, or 0 for half of the duration"},
		{"nothing but outage", func(c *Config) { c.Outage = c.Duration }, "--outage 20s: it must be less than the duration, which is 20s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := good
			test.change(&c)
			err := c.Validate()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %q, want no error", err)
			case test.want != "" && (err == nil || err.Error() != test.want):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestValidateNamesEveryBadFlag(t *testing.T) {
	err := Config{Instances: -1, Duration: -time.Second, Outage: -time.Second}.Validate()
	for _, flag := range []string{"--instances -1", "--duration -1s", "--outage -1s"} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%v does not name %s", err, flag)
		}
	}
}

func TestCooldownAndIntervalFitTheRun(t *testing.T) {
	tests := []struct {
		config             Config
		cooldown, interval time.Duration
	}{
		{Config{Instances: 5, Duration: time.Second}, 100 * time.Millisecond, 25 * time.Millisecond},
		{Config{Instances: 5, Duration: 12 * time.Second}, 500 * time.Millisecond, 25 * time.Millisecond},
		{Config{Instances: 5, Duration: time.Hour}, 2 * time.Second, 25 * time.Millisecond},
		{Config{Instances: 200, Duration: time.Second}, 600 * time.Millisecond, 150 * time.Millisecond},
		{Config{Instances: 1000, Duration: 20 * time.Second}, 2 * time.Second, 750 * time.Millisecond},
	}
	for _, test := range tests {
		c := test.config.withDefaults()
		if got := c.cooldown(); got != test.cooldown {
			t.Errorf("%+v: cooldown %v, want %v", c, got, test.cooldown)
		}
		if got := c.interval(); got != test.interval {
			t.Errorf("%+v: interval %v, want %v", c, got, test.interval)
		}
	}
}
