// Package names has the words for the constants of package fleet that stand in the tables of
// PostgreSQL and in what the command line prints, in the order of the constants. The first
// stands for nothing in particular, but for a state.
package names

// The words.
var (
	States  = []string{"CLOSED", "OPEN", "HALF_OPEN"}
	Holds   = []string{"", "held_open", "isolated", "disabled"}
	Reasons = []string{"", "testified", "cooldown_over", "probes_succeeded", "probes_failed", "commanded", "hold_over", "foreign", "mended"}
)
