// Package protocol is one instance's side of a fleet's circuit, as pure code: what a
// [Member] knows, an event and an instant give what it does next. It reads no clock,
// takes no lock and does no I/O. The engine carries its messages to the storage, the
// simulator does so in virtual time, and both run this.
//
// A member corresponds with the storage one request at a time. An exchange hands in its
// report and brings back a view; from the view it may want a change of the row, which it
// then asks for on the condition that the row is still the one it decided on (S1, S3).
// Whoever has the answer that completes the evidence makes the change: nobody leads.
package protocol
