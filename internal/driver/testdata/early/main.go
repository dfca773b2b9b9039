// A program with a protector in a package variable, which imports no driver.
package main

import "github.com/highway-engine/highway"

var payments = highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "payments"}))

func main() {
	if payments.Snapshot().Fleet.Shared {
		panic("it is in a fleet")
	}
}
