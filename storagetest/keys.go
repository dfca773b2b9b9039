package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/highway-engine/highway/fleet"
)

// odd are keys, and names, that something between here and the data might take for
// another, or for a command.
var odd = []string{
	"k", "K", " k", "k ", "k\t", "k\n", "k\r\n", `k\`, `k'`, `k"`, "k`", "k;", "k--", "k/*",
	`'; DROP TABLE hw_circuit_breakers; --`, "k%", "k_", "k*", "k?", "k[a]", "k>", ">", "*",
	"k.l", ".k", "k.", "..", "k:l", "k|l", "k,l", "{k}", "{k}l", "k/l", "k$1", "$1", "%s", "%25k", "k=1&l=2",
	"NULL", "null", "0", "-1", "\u00e9", "e\u0301", "\u212b", "\u00c5", "İi", "世界", "🚦", "\u202ek", "\ufeffk",
}

// hostile are the keys that a storage must hold, whatever it does with them.
func (s *store) hostile() []string {
	longest := s.longest()
	return append(slices.Clone(odd), strings.Repeat("k", longest), strings.Repeat("k", longest-1)+"l", strings.Repeat("世", longest/3))
}

// longest is how many bytes a key has at most.
func (s *store) longest() int {
	if short, ok := s.Storage.(Short); ok {
		return short.LongestKey()
	}
	return fleet.LongestKey
}

// doubtful are keys that a storage may refuse, but not take for another.
var doubtful = []string{"\x00", "k\x00", "k\x00l", "\xff", "k\xc3\x28", "\x01", "\x7f"}

// bad are keys that a storage must refuse.
var bad = []string{"", strings.Repeat("k", fleet.LongestKey+1), strings.Repeat("k", 1<<16)}

var keyTests = []test{
	{"keys are independent, whatever is in them", func(s *store) {
		hostile := s.hostile()
		rows := map[string]fleet.Row{}
		for i, key := range hostile {
			row := open(time.Hour)
			row.Nonce, row.By = uint64(i)+1, key
			rows[key] = s.make(key, row)
		}
		for _, key := range hostile {
			if row := s.row(key); row.Identity != rows[key].Identity || row.By != key {
				s.Errorf("%q: %+v, want %+v", key, row, rows[key])
			}
		}
		s.wantSweep(7, hostile...)
		for i, key := range hostile {
			if i%2 == 0 {
				s.mustChange(key, rows[key].Identity, after(rows[key], 1, fleet.HalfOpen))
			}
		}
		for i, key := range hostile {
			if row := s.row(key); (row.State == fleet.HalfOpen) != (i%2 == 0) {
				s.Errorf("%q: %+v", key, row)
			}
		}
	}},
	{"instances are independent, whatever is in their names", func(s *store) {
		hostile := s.hostile()
		for i, name := range hostile {
			s.exchange(name, "k", fleet.Report{Number: uint64(i) + 1, Suspicion: uint64(i) + 1})
		}
		view := s.view("k")
		if len(view.Reports) != len(hostile) || view.Live != len(hostile)+1 {
			s.Errorf("%d instances, %d reports, %d live", len(hostile), len(view.Reports), view.Live)
		}
		for i, name := range hostile {
			if r := s.report(view, name); r.Suspicion != uint64(i)+1 {
				s.Errorf("%q: %+v", name, r)
			}
		}
	}},
	{"instances and keys do not run together", func(s *store) {
		for _, sep := range []string{":", ".", "/", "|", ",", " ", "_", "-"} {
			s.exchange("a"+sep+"b", "c", fleet.Report{Number: 1, Suspicion: 1})
			s.exchange("a", "b"+sep+"c", fleet.Report{Number: 2, Suspicion: 2})
			if view := s.view("c"); s.report(view, "a"+sep+"b").Suspicion != 1 || has(view, "a") {
				s.Errorf("with %q: %+v", sep, view)
			}
			if view := s.view("b" + sep + "c"); s.report(view, "a").Suspicion != 2 || len(view.Reports) != 1 {
				s.Errorf("with %q: %+v", sep, view)
			}
		}
	}},
	{"a watch tells of keys as they are", func(s *store) {
		hostile := s.hostile()
		for _, key := range hostile[len(hostile)-12:] {
			heard, changed := ear(key)
			end := s.watching(s.Storage, changed)
			s.eventually(fmt.Sprintf("%q", key), heard, func(n uint64) {
				s.suspect("a", key, n)
			})
			_ = end()
		}
	}},
	{"a key is kept as it is, or refused", func(s *store) {
		var held []string
		for i, key := range doubtful {
			row := open(time.Hour)
			row.By = fmt.Sprint(i)
			views, refused := s.Exchange(s.ctx, "a", map[string]fleet.Report{key: {Number: 1}})
			is, err := s.Change(s.ctx, key, views[key].Row.Identity, row)
			switch {
			case (refused == nil) != (err == nil) || (refused == nil) != (len(views) == 1):
				s.Errorf("%q: an exchange says %v, %v, a change %v, %v", key, views, refused, is, err)
			case err == nil:
				held = append(held, key)
			}
		}
		for _, key := range held {
			if row := s.row(key); row.By != fmt.Sprint(slices.Index(doubtful, key)) {
				s.Errorf("%q: %+v", key, row)
			}
		}
		s.wantSweep(3, held...)
	}},
	{"a key that is empty or too long is refused", func(s *store) {
		for _, key := range bad {
			if row, err := s.Change(s.ctx, key, fleet.Identity{}, open(time.Hour)); err == nil {
				s.Errorf("a key of %d bytes: %+v", len(key), row)
			}
		}
		s.wantSweep(3)
	}},
	{"a batch is about all its keys", func(s *store) {
		batch := map[string]fleet.Report{}
		for i := range 500 {
			batch[fmt.Sprint("k", i)] = fleet.Report{Instance: "a", Number: uint64(i) + 1, Active: true}
		}
		s.make("k7", open(time.Hour))
		views, err := s.Exchange(s.ctx, "a", batch)
		if err != nil || len(views) != len(batch) {
			s.Fatalf("%d keys, %d views, %v", len(batch), len(views), err)
		}
		for key, r := range batch {
			if view := views[key]; s.report(view, "a").Number != r.Number || (view.Row.State == fleet.Open) != (key == "k7") {
				s.Errorf("%s: %+v", key, view)
			}
		}
	}},
	{"one bad key loses no other of its batch", func(s *store) {
		s.make("k7", open(time.Hour))
		for n, key := range bad {
			batch := map[string]fleet.Report{key: {Instance: "a", Number: 1}}
			for i := range 50 {
				batch[fmt.Sprint("k", i)] = fleet.Report{Instance: "a", Number: uint64(n) + 1, Suspicion: 1}
			}
			views, err := s.Exchange(s.ctx, "a", batch)
			if _, there := views[key]; err == nil || there || len(views) != 50 {
				s.Errorf("with a key of %d bytes: %d views, %v", len(key), len(views), err)
			}
			for i := range 50 {
				key := fmt.Sprint("k", i)
				if view := views[key]; s.report(view, "a").Number != uint64(n)+1 || (view.Row.State == fleet.Open) != (i == 7) {
					s.Errorf("%s: %+v", key, view)
				}
				s.report(s.view(key), "a")
			}
		}
	}},
}
