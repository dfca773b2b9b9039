package highway

import (
	"context"
	"log/slog"
)

// LogStatusChanges returns an OnStatusChange that logs each change: at the level Warn when
// the circuit opens, otherwise at Info. Nil means [slog.Default], as it is then. The
// record gets the change's context, in which handlers find a trace, the message "highway:
// a circuit has changed its state", and the attributes
//
//	resource_key  string  from the policy
//	from, to      string  CLOSED, OPEN or HALF_OPEN
//	reason        string  as String of the Reason gives it
func LogStatusChanges(logger *slog.Logger) func(StatusChange) {
	return func(c StatusChange) {
		level := slog.LevelInfo
		if c.To == Open {
			level = slog.LevelWarn
		}
		key := ""
		if c.Protector != nil {
			key = c.Protector.ResourceKey()
		}
		orDefault(logger).LogAttrs(known(c.Context), level, "highway: a circuit has changed its state",
			slog.String("resource_key", key),
			slog.String("from", c.From.String()),
			slog.String("to", c.To.String()),
			slog.String("reason", c.Reason.String()),
		)
	}
}

// LogAttempts returns an OnAttempt that logs the attempts which failed. Nil means
// [slog.Default], as it is then. The levels and messages are
//
//	Debug  "highway: an attempt has failed, another follows"
//	Warn   "highway: an attempt has failed, no other follows"
//	Debug  "highway: a call was refused, no other follows"
//
// The last is for a call whose first attempt is refused: that its circuit has opened is
// news, that an open circuit refuses is not. The record gets the context of the call, in
// which handlers find a trace, and the attributes
//
//	attempt  int       its number, from 1
//	error    error     what it ended with
//	wait     duration  until the next attempt; only if one follows
func LogAttempts(logger *slog.Logger) func(context.Context, Attempt) {
	return func(ctx context.Context, a Attempt) {
		if a.Err == nil {
			return
		}
		level, message := slog.LevelWarn, "highway: an attempt has failed, no other follows"
		attrs := []slog.Attr{slog.Int("attempt", a.Number), slog.Any("error", a.Err)}
		switch {
		case a.Again:
			level, message = slog.LevelDebug, "highway: an attempt has failed, another follows"
			attrs = append(attrs, slog.Duration("wait", a.Wait))
		case a.Number == 1 && refusalIn(a.Err) != nil:
			level, message = slog.LevelDebug, "highway: a call was refused, no other follows"
		}
		orDefault(logger).LogAttrs(known(ctx), level, message, attrs...)
	}
}

// orDefault is looked up for each record: programs set their default late.
func orDefault(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.Default()
	}
	return logger
}
