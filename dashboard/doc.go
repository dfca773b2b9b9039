// Package dashboard is a web page for the circuit breakers of a fleet: their states, live,
// what they have gone through, what they go by, and buttons for whoever is on call.
//
// A [Dashboard] is an [http.Handler] over a [fleet.Ledger], which any service can mount. All
// that the page needs is in the binary; nothing is fetched from elsewhere. It is no instance
// of the fleet, and no call waits for it. See docs/dashboard.md.
package dashboard
