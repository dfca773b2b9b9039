package demo

import (
	"strings"
	"testing"

	"github.com/highway-engine/highway/fleet"
)

func TestABoardIsBrokenByHand(t *testing.T) {
	b, err := StartBoard(t.Context(), Config{Instances: 3, Sick: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.set(strings.NewReader(`{"server": "mail", "phase": "slow"}`)); err != nil {
		t.Error(err)
	}
	for opened := false; !opened; {
		detail, err := b.Ledger().Look(t.Context(), "mail")
		if err != nil {
			t.Fatal(err)
		}
		opened = detail.Row.State == fleet.Open
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestABoardThatCannotStartLeavesNothing(t *testing.T) {
	if b, err := StartBoard(t.Context(), Config{Instances: 0}); err == nil {
		t.Error(b.Close(), "a board without instances has started")
	}
}
