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

func lookWrites(_ context.Context, v *visit) Finding {
	switch {
	case v.facts.standby:
		return fault("connect to the primary: correct "+v.says("HW_DB_HOST")+
			", or name all servers there and set PGTARGETSESSIONATTRS=read-write; after a failover, promote this one",
			"the server is a standby, which takes no writes: each process on it is on its own")
	case v.facts.readOnly:
		return fault("find out who has made it so, and why: SELECT * FROM pg_settings WHERE name = 'default_transaction_read_only', and ALTER ROLE or ALTER DATABASE … SET",
			"the server takes no writes: default_transaction_read_only is on")
	}
	return ok("the server takes them")
}
