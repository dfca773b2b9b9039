package metrics

// Known is how many protectors are remembered.
func Known(r *Reader) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.known)
}
