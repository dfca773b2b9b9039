package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A settings value is that of a report.
type settings struct {
	Failures, Window, Successes, Probes int
	Cooldown                            int64 // in microseconds
}

func (s settings) String() string {
	return fmt.Sprintf("opens at %d of %d, closes at %d of %d, cooldown %v", s.Failures, s.Window, s.Successes, s.Probes,
		time.Duration(s.Cooldown)*time.Microsecond)
}

// lookSettings compares those with which live instances work.
func lookSettings(ctx context.Context, v *visit) Finding {
	type group struct {
		Key       string
		Settings  []byte
		Instances []string
	}
	all, err := table(ctx, v, pgx.RowToStructByPos[group], `
		WITH live AS (SELECT r.* FROM `+v.in()+`hw_reports r
			JOIN `+v.in()+`hw_instances i ON i.instance = r.instance AND i.life = r.life
			WHERE clock_timestamp() - i.seen <= `+alive+` AND r.active)
		SELECT resource_key, settings::text, array_agg(instance ORDER BY instance) FROM live
		WHERE resource_key IN (SELECT resource_key FROM live GROUP BY resource_key HAVING count(DISTINCT settings) > 1)
		GROUP BY resource_key, settings ORDER BY resource_key, count(*) DESC, settings::text`)
	if err != nil {
		return v.trouble(err)
	}
	var keys []string
	said := map[string][]string{}
	for _, g := range all {
		var s settings
		if err := json.Unmarshal(g.Settings, &s); err != nil {
			return v.trouble(err)
		}
		var names []string
		for _, name := range g.Instances {
			names = append(names, fmt.Sprintf("%q", name))
		}
		if !slices.Contains(keys, g.Key) {
			keys = append(keys, g.Key)
		}
		said[g.Key] = append(said[g.Key], fmt.Sprintf("%s (%s)", s, some(names, 3)))
	}
	if len(keys) == 0 {
		return ok("the live instances agree")
	}
	var disputes []string
	for _, key := range keys {
		disputes = append(disputes, fmt.Sprintf("%q: %s", key, strings.Join(said[key], ", against ")))
	}
	return warning("finish the deployment, or give all programs the same settings for a key: it does no harm to the fleet, but each opens by its own",
		"instances disagree about %s; %s", plural(len(keys), "key"), some(disputes, 3))
}
