package doctor

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// alive is for how long an instance may be silent.
const alive = "interval '10 seconds'"

// lookInstances tells who lives in this namespace, and in others.
func lookInstances(ctx context.Context, v *visit) Finding {
	type instance struct {
		Namespace, Name string
		Live            bool
	}
	all, err := table(ctx, v, pgx.RowToStructByPos[instance], `SELECT namespace, instance, clock_timestamp() - seen <= `+alive+
		` FROM `+v.in()+`hw_instances ORDER BY namespace, instance`)
	if err != nil {
		return v.trouble(err)
	}
	var here, spaces, notes []string
	others, silent := map[string]int{}, 0
	for _, i := range all {
		switch {
		case !i.Live:
			silent++
		case i.Namespace == v.namespace:
			here = append(here, fmt.Sprintf("%q", i.Name))
		default:
			if others[i.Namespace]++; others[i.Namespace] == 1 {
				spaces = append(spaces, i.Namespace)
			}
		}
	}
	for _, space := range spaces {
		notes = append(notes, fmt.Sprintf("%s in %s: another fleet, which shares nothing with this one", plural(others[space], "live instance"), spaceName(space)))
	}
	if silent > 0 {
		notes = append(notes, plural(silent, "instance")+" fell silent within the last hour or so")
	}
	switch {
	case len(here) == 0 && len(spaces) > 0:
		v.nobody = "nobody is in " + spaceName(v.namespace)
		return warning("set HW_NAMESPACE, or --namespace here, to that of the programs",
			"%s, and others are elsewhere", v.nobody).with(notes...)
	case len(here) == 0:
		v.nobody = "nobody is in " + spaceName(v.namespace)
		return warning("start the programs, or run this before they are there without --strict; one that runs and is not seen lacks the import of package postgres, or the variables",
			"no program is running that uses these tables: %s", v.nobody).with(notes...)
	}
	return ok("%s: %s", plural(len(here), "live instance"), some(here, 5)).with(notes...)
}

func spaceName(namespace string) string {
	if namespace == "" {
		return "the fleet without a namespace"
	}
	return fmt.Sprintf("the namespace %q", namespace)
}
