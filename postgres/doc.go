// Package postgres keeps what a fleet shares in PostgreSQL.
package postgres
