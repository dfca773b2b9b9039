// Package postgres keeps what a fleet shares in PostgreSQL 14 or later.
//
// The tables and functions are made by "highway setup"; this package never runs DDL.
// An exchange or a change is one round trip, and works through a pooler in transaction
// mode, as nothing depends on a session. Changes are told by LISTEN and NOTIFY, on a
// connection of its own that is tested end to end; where that is dead, or cannot be had,
// the protectors look for themselves, once a second.
//
// No call waits for the database, ever: see package [fleet].
package postgres
