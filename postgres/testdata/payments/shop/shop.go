// Package shop has its protector in a package variable, as programs do. It is initialised
// before the driver, which waits for those that it imports.
package shop

import "github.com/highway-engine/highway"

// Payments is made before anybody knows of PostgreSQL.
var Payments = highway.Must(highway.NewCircuitProtector(highway.CircuitProtectorPolicy{ResourceKey: "payments"}))
