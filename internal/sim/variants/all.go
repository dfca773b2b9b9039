package variants

const (
	hear    = "protocol/hear.go"
	link    = "protocol/link.go"
	member  = "protocol/member.go"
	pool    = "protocol/pool.go"
	probing = "protocol/probing.go"
	machine = "circuit/machine.go"
	storage = "memory/memory.go"
	entry   = "memory/entry.go"
)

// All are the variants.
var All = []Variant{
	{"S1", "a change needs the incarnation only", []Edit{
		{storage, "if from == e.row.Identity {", "if from.Incarnation == e.row.Incarnation {"},
	}},
	{"S2", "the storage moves a deadline", []Edit{
		{entry, "row.Remaining = e.deadline.left(now)", "row.Remaining = max(e.deadline.left(now), time.Second)"},
	}},
	{"S2", "an adopted deadline is earlier than the stored one", []Edit{
		{hear, "m.until = now.Add(row.Remaining)", "m.until = now.Add(row.Remaining / 2)"},
		{hear, "m.local.Follow(row.State, hold, why, row.Remaining, now)", "m.local.Follow(row.State, hold, why, row.Remaining/2, now)"},
	}},
	{"S3", "an old answer is taken", []Edit{
		{link, "if !m.link.waiting || number != m.link.sent {\n\t\treturn false", "if false {\n\t\treturn false"},
	}},
	{"S3", "results of an earlier epoch enter the window", []Edit{
		{machine, "if epoch != m.epoch || m.state != Closed {", "if m.state != Closed {"},
		{machine, "return epoch == m.epoch && m.state == Closed", "return m.state == Closed"},
	}},
	{"S4", "an instance that is cut off does not wait for the deadline", []Edit{
		{member, "case m.refuses(now):\n\t\treturn Ticket{}, false", "case m.refuses(now) && m.link.up:\n\t\treturn Ticket{}, false"},
		{hear, "m.local.Follow(row.State, hold, why, row.Remaining, now)", "m.local.Follow(row.State, hold, why, 0, now)"},
	}},
	{"S5", "more leases than places", []Edit{
		{probing, "if places <= 0 {", "if places <= -2 {"},
	}},
	{"S5", "a lease is used twice", []Edit{
		{member, "m.probe.state = probeRunning\n", ""},
	}},
	{"S5", "a lease is used that was given back", []Edit{
		{probing, "m.probe.state = probeReturned // before it is: no call may use it any more (S5)", "changed = giveBack(&to, m.settings.Instance, m.probe.number) || changed"},
	}},
	{"S6", "a probe reports after its lease", []Edit{
		{member, "m.probe.number == t.Lease && now.Before(m.probe.expires)", "m.probe.number == t.Lease"},
		{
			probing, "changed := m.expireLeases(&to, now)",
			"changed := m.probe.state == probeEnded && settle(&to, m.settings.Instance, m.probe.number, m.probe.result)\n\tchanged = m.expireLeases(&to, now) || changed",
		},
	}},
	{"S7", "evidence is counted by the time of admission", []Edit{
		{member, "Lease uint64        // of the fleet, or none", "Lease uint64\n\tabout fleet.Accusation"},
		{member, "Probe: p}, ok", "Probe: p, about: m.witness.About}, ok"},
		{member, "defer m.testify(o == circuit.Failure, now)", "if t.about == m.witness.About {\n\t\t\tdefer m.testify(o == circuit.Failure, now)\n\t\t}"},
	}},
	{"S7", "a refuted suspicion starts again", []Edit{
		{hear, "m.endSuspicion(now)\n\t}\n\t// What a suspect", "m.trip.number++\n\t}\n\t// What a suspect"},
	}},
	{"S7", "the suspect testifies itself", []Edit{
		{pool, "if r.Instance == s.Instance || !v.Concerns(*r) {", "if !v.Concerns(*r) {"},
	}},
	{"S7", "one testimony has no bounds", []Edit{
		{pool, "c.sum += min(max(r.Testimony.Sum, c.lowest), c.highest)", "c.sum += 3 * max(r.Testimony.Sum, c.lowest)"},
	}},
	{"S7", "one instance opens the fleet again", []Edit{
		{probing, "(live < 3 || failers(r) >= 2)", "true"},
	}},
	{"S7", "a new instance trusts that it is alone", []Edit{
		{hear, "if c.active < 3 && (now.Sub(m.born) < startUp ||", "if c.active < 3 && (now.Sub(m.born) < 0 ||"},
	}},
	{"S8", "a person's word does not keep the circuit closed", []Edit{
		{hear, "hold = circuit.Disabled", "hold = circuit.NoHold"},
	}},
	{"S8", "isolation ends by itself", []Edit{
		{member, "return m.row.Hold == fleet.Isolated || m.row.State", "return m.row.State"},
		{probing, "if row.Hold == fleet.Isolated || row.State", "if row.State"},
	}},
	{"S9", "without the storage calls are refused", []Edit{
		{member, "p, ok := m.local.Admit(now)", "p, ok := m.local.Admit(now)\n\tok = ok && m.link.up"},
	}},
	{"S10", "blocking counts from the sending", []Edit{
		{hear, "m.until = now.Add(row.Remaining)", "m.until = m.link.sentAt.Add(row.Remaining)"},
		{hear, "m.local.Follow(row.State, hold, why, row.Remaining, now)", "m.local.Follow(row.State, hold, why, row.Remaining, m.link.sentAt)"},
	}},
	{"S10", "a clock set back makes deadlines longer", []Edit{
		{entry, "return min(d.at.Sub(now), d.full)", "return d.at.Sub(now)"},
	}},
	{"S11", "a late change makes the row again", []Edit{
		{storage, "if s.entries[key] == nil {\n\t\treturn fleet.Row{}", "if s.entries[key] == nil {\n\t\ts.touch(key, now).row.Identity = from\n\t} else if false {\n\t\treturn fleet.Row{}"},
	}},
	{"S11", "a row made again is the one before", []Edit{
		{storage, "s.incarnations++\n", "s.incarnations = 1\n"},
	}},
	{"S11", "what was lost is remembered", []Edit{
		{hear, "if knew && number <= m.asked && !before", "if knew && !before"},
	}},
	{"S12", "keys share their reports", []Edit{
		{storage, "e := s.touch(key, now)\n\t\ts.removeSilent(e)", "e := s.touch(\"all\", now)\n\t\ts.removeSilent(e)"},
	}},
	{"L1", "nobody polls", []Edit{
		{link, "l.due = now.Add(m.jittered(m.poll()))", "l.due = now.Add(time.Hour)"},
	}},
	{"L2", "leases do not end", []Edit{
		{probing, "return p.Remaining <= 0 || ok && !now.Before(ends)", "return ok && !now.Before(ends) && false"},
	}},
	{"L3", "probes never suffice", []Edit{
		{probing, "countOf(r, fleet.Succeeded) >= terms.Successes", "countOf(r, fleet.Succeeded) > terms.Probes"},
	}},
	{"L3", "an OPEN waits for the storage's clock only", []Edit{
		{probing, "row.Remaining > 0 && now.Before(m.until)", "row.Remaining > 0"},
	}},
	{"L4", "failures are not counted", []Edit{
		{member, "m.local.Record(t.Epoch, o == circuit.Failure, now)", "m.local.Record(t.Epoch, false, now)"},
	}},
	{"L5", "reconnects are not spread", []Edit{
		{link, "return time.Duration(float64(d) * (0.8 + 0.4*m.random.Float64()))", "return d"},
	}},
	{"L6", "a full window trips", []Edit{
		{machine, "m.window.fillsWith(failed) >= m.settings.Failures", "m.window.fillsWith(failed) >= 0"},
	}},
}
