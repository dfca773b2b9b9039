// Package postgres keeps what a fleet shares in PostgreSQL 14 or later.
//
// Importing it is enough where the environment or a file .env says where the database is:
// see [Environment]. Then every protector that has a ResourceKey and names no Storage is
// on one storage of the process. [Open] and [New] make others.
//
// The tables and functions are made by "highway setup"; this package never runs DDL.
// An exchange or a change is one round trip, and works through a pooler in transaction
// mode, as nothing depends on a session. Changes are told by LISTEN and NOTIFY, on a
// connection of its own that is tested end to end; where that is dead, or cannot be had,
// the protectors look for themselves, once a second.
//
// No call fails because of the database, and none waits for it but one that asks the
// fleet for a probe, a quarter of a second at most: see package [fleet]. How all this is
// set up, watched and tuned is in docs/postgresql.md.
package postgres
