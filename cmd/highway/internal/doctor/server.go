package doctor

import "context"

// oldest is the oldest version of the server that has what the functions use.
const oldest = 140000

func lookServer(_ context.Context, v *visit) Finding {
	switch {
	case v.facts.number < oldest:
		return fault("use PostgreSQL 14 or newer", "the server is PostgreSQL %s", v.facts.version)
	case v.facts.isolation != "read committed":
		return fault(`run ALTER ROLE `+quote(v.facts.user)+` SET default_transaction_isolation = 'read committed'`,
			"the isolation level is %q by default, and the functions refuse all but READ COMMITTED", v.facts.isolation)
	}
	return ok("PostgreSQL %s, READ COMMITTED", v.facts.version)
}
