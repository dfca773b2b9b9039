package doctor

import "context"

// lookWrites goes by what the server says of itself, and tries nothing.
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
