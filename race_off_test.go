//go:build !race

package highway_test

const raceEnabled = false
