package circuit

// A Window remembers the last outcomes of a fixed number of calls, one bit each.
// Adding one costs the same whatever the size.
type Window struct {
	failed   []uint64 // a ring: bit i tells whether outcome i failed
	size     int
	next     int // where the next outcome goes; once full, also the oldest one
	len      int
	failures int
}

// NewWindow returns an empty window of size outcomes, which must be positive.
func NewWindow(size int) Window {
	return Window{failed: make([]uint64, (size+63)/64), size: size}
}

// Add puts one outcome in and, when the window is full, drops the oldest.
func (w *Window) Add(failed bool) {
	word, bit := w.next>>6, uint64(1)<<(w.next&63)
	if w.len < w.size {
		w.len++
	} else if w.failed[word]&bit != 0 {
		w.failures--
	}
	if failed {
		w.failed[word] |= bit
		w.failures++
	} else {
		w.failed[word] &^= bit
	}
	if w.next++; w.next == w.size {
		w.next = 0
	}
}

// fillsWith is how many failures a full window would hold after Add(failed), or -1 if
// it would not be full.
func (w *Window) fillsWith(failed bool) int {
	if w.len+1 < w.size {
		return -1
	}
	n := w.failures
	if failed {
		n++
	}
	if w.Full() && w.failed[w.next>>6]>>(w.next&63)&1 != 0 {
		n--
	}
	return n
}

// resize makes it a window of size outcomes, which keeps the last ones that fit.
func (w *Window) resize(size int) {
	if size == w.size {
		return
	}
	last := NewWindow(size)
	for i := max(0, w.len-size); i < w.len; i++ {
		last.Add(w.Failed(i))
	}
	*w = last
}

// Clear forgets every outcome.
func (w *Window) Clear() {
	clear(w.failed)
	w.next, w.len, w.failures = 0, 0, 0
}

// Size is how many outcomes the window can hold.
func (w *Window) Size() int { return w.size }

// Len is how many outcomes the window holds.
func (w *Window) Len() int { return w.len }

// Failures is how many of them failed.
func (w *Window) Failures() int { return w.failures }

// Full says whether the window holds as many outcomes as it can.
func (w *Window) Full() bool { return w.len == w.size }

// Failed says whether outcome i failed; outcome 0 is the oldest.
func (w *Window) Failed(i int) bool {
	if w.Full() {
		if i += w.next; i >= w.size {
			i -= w.size
		}
	}
	return w.failed[i>>6]>>(i&63)&1 != 0
}

// Clone returns a window that shares nothing with w.
func (w *Window) Clone() Window {
	c := *w
	c.failed = append([]uint64(nil), w.failed...)
	return c
}
