// Package postgrestest runs PostgreSQL servers for tests: private ones, with faults.
//
// [New] starts a server for a test and ends it afterwards, [Start] does so for a program.
// Where the server comes from, in this order, and [Server.From] says which:
//
//   - HW_TEST_DATABASE_URL, an existing server. It gets a database of its own for the test.
//     Tests that do something to the server itself do not use it.
//   - PostgreSQL as it is installed on this machine.
//   - A download of some 25 MB, checked and kept in the user's cache folder.
//
// HW_TEST_POSTGRES in the environment says otherwise: it is a folder with PostgreSQL's
// programs, or "download".
//
// A private server lives in a temporary folder, listens on the loopback only, asks for
// a random password and does not outlive its process. A crash of the machine may
// cost its data, unless [Options.Durable].
package postgrestest
