package faultproxy_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/highway-engine/highway/postgres/internal/faultproxy"
)

// modes are the ways in which a client executes a statement with an argument.
var modes = map[string]pgx.QueryExecMode{
	"simple":    pgx.QueryExecModeSimpleProtocol,
	"prepared":  pgx.QueryExecModeCacheStatement,
	"described": pgx.QueryExecModeDescribeExec,
	"at once":   pgx.QueryExecModeExec,
}

func TestAnAnswerIsLost(t *testing.T) {
	const insert = "INSERT INTO kept VALUES ($1)"
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			connection, other := r.connect(r.dsn), r.connect(r.dsn)
			r.do(connection, insert, mode, 1)
			r.proxy.LoseAnswer(faultproxy.Once(faultproxy.Containing("insert into KEPT")))
			r.do(connection, "SELECT $1::int", mode, 1)
			r.counted(faultproxy.LostAnswer, 0)
			r.fails(connection, insert, mode, 2)
			r.counted(faultproxy.LostAnswer, 1)
			r.kept(2)
			r.do(other, insert, mode, 3)
			r.kept(3)
		})
	}
}

func TestTheAnswerToACommitIsLost(t *testing.T) {
	r := newRig(t)
	connection := r.connect(r.dsn)
	r.proxy.LoseAnswer(faultproxy.Containing("commit"))
	tx, err := connection.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO kept VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	r.kept(0)
	if err := tx.Commit(t.Context()); err == nil {
		t.Error("answered")
	}
	r.kept(1)
	r.counted(faultproxy.LostAnswer, 1)
	r.proxy.LoseAnswer(nil)
	r.do(r.connect(r.dsn), "BEGIN; COMMIT", pgx.QueryExecModeSimpleProtocol)
}

// Statements that are sent together are answered together.
func TestTheAnswerToABatchIsLost(t *testing.T) {
	r := newRig(t)
	connection := r.connect(r.dsn)
	r.proxy.LoseAnswer(faultproxy.Containing("VALUES (2)"))
	var batch pgx.Batch
	batch.Queue("INSERT INTO kept VALUES (1)")
	batch.Queue("INSERT INTO kept VALUES (2)")
	if err := connection.SendBatch(t.Context(), &batch).Close(); err == nil {
		t.Error("answered")
	}
	r.kept(2)
	r.counted(faultproxy.LostAnswer, 1)
}

func TestWhatIsAskedIsLost(t *testing.T) {
	const insert = "INSERT INTO kept VALUES ($1)"
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			connection := r.connect(r.dsn)
			r.do(connection, insert, mode, 1)
			before := r.proxy.Statements()
			r.proxy.LoseAsked(faultproxy.Once(faultproxy.Containing("insert")))
			r.fails(connection, insert, mode, 2)
			r.do(r.connect(r.dsn), "SELECT 1", pgx.QueryExecModeSimpleProtocol)
			r.kept(1)
			r.counted(faultproxy.LostAsked, 1)
			if n := r.proxy.Statements() - before; n != 1 {
				t.Errorf("%d statements have arrived, want that after it", n)
			}
		})
	}
}
