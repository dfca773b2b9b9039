package memory

import (
	"iter"
	"slices"
)

// Keys is a set of keys in their order, for reading a page of many from any place. It
// is made of runs, so that to put one in moves few others.
type keys struct {
	runs [][]string // each sorted, none empty, all of one before all of the next
}

// longestRun is where a run is cut in two.
const longestRun = 512

// run is the index of the run that key belongs in, if there are any.
func (k *keys) run(key string) int {
	at, found := slices.BinarySearchFunc(k.runs, key, func(run []string, key string) int {
		switch first := run[0]; {
		case first < key:
			return -1
		case first > key:
			return 1
		}
		return 0
	})
	if !found && at > 0 {
		at-- // key comes after the first of the run before
	}
	return at
}

func (k *keys) insert(key string) {
	if len(k.runs) == 0 {
		k.runs = [][]string{{key}}
		return
	}
	r := k.run(key)
	at, found := slices.BinarySearch(k.runs[r], key)
	if found {
		return
	}
	run := slices.Insert(k.runs[r], at, key)
	k.runs[r] = run
	if len(run) > longestRun {
		half := len(run) / 2
		second := slices.Clone(run[half:])
		clear(run[half:])
		k.runs[r] = run[:half]
		k.runs = slices.Insert(k.runs, r+1, second)
	}
}

func (k *keys) remove(key string) {
	if len(k.runs) == 0 {
		return
	}
	r := k.run(key)
	at, found := slices.BinarySearch(k.runs[r], key)
	if !found {
		return
	}
	k.runs[r] = slices.Delete(k.runs[r], at, at+1)
	if len(k.runs[r]) == 0 {
		k.runs = slices.Delete(k.runs, r, r+1)
	}
}

// after returns up to limit keys after the given one.
func (k *keys) after(key string, limit int) []string {
	var page []string
	if len(k.runs) == 0 {
		return nil
	}
	for r := k.run(key); r < len(k.runs) && len(page) < limit; r++ {
		at, found := slices.BinarySearch(k.runs[r], key)
		if found {
			at++
		}
		run := k.runs[r][at:]
		page = append(page, run[:min(len(run), limit-len(page))]...)
	}
	return page
}

// from is the given key, if it is there, and those after it.
func (k *keys) from(key string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if len(k.runs) == 0 {
			return
		}
		first := k.run(key)
		at, _ := slices.BinarySearch(k.runs[first], key)
		for r := first; r < len(k.runs); r++ {
			for _, key := range k.runs[r][at:] {
				if !yield(key) {
					return
				}
			}
			at = 0
		}
	}
}
