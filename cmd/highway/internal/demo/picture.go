package demo

// Picture is the run as the live view shows it now, in a window of the given size, for
// the picture in the README.
func Picture(run *Run, width, height int) string { return view(run.frame(), width, height) }
