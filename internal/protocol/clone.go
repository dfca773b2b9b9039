package protocol

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Clone returns a member in the same state that shares nothing with m but the random
// numbers, for searches that try several futures.
func (m *Member) Clone() *Member {
	c := *m
	c.local = m.local.Clone()
	c.row = clone(m.row)
	c.leases = maps.Clone(m.leases)
	c.dismissed = slices.Clone(m.dismissed)
	if p := m.link.proposal; p != nil {
		c.link.proposal = &proposal{from: p.from, row: clone(p.row)}
	}
	return &c
}

// Fingerprint is the same for two members of the same settings that will do the same.
// Numbers of requests and reports are left out: they only tell old from new.
func (m *Member) Fingerprint() string {
	c := *m
	c.settings, c.random, c.born, c.marked = Settings{}, nil, time.Time{}, false
	c.asked, c.link.sent, c.link.reported, c.link.failures, c.link.active, c.link.proposal = 0, 0, 0, 0, false, nil
	if !c.link.waiting {
		c.link.sentAt, c.link.change = time.Time{}, false
	}
	if !c.lastCall.IsZero() {
		c.lastCall = c.born.Add(1)
	}
	c.row = clone(m.row)
	c.row.Remaining = 0
	for i := range c.row.Probes {
		c.row.Probes[i].Remaining = 0
	}
	text := fmt.Sprintf("%v", c)
	if p := m.link.proposal; p != nil {
		text += fmt.Sprintf("%v", *p)
	}
	return text
}
