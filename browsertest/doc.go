// Package browsertest opens the dashboard in a real browser. It is a module of its own for what
// that takes, and has nothing for users.
package browsertest
