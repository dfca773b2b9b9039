package highway

import "sync/atomic"

// A RetryBudget keeps retries to a share of calls, so that they cannot multiply the
// load on a resource that is already failing. Policies share a budget by holding the
// same one.
//
// Each call pays a part of a retry in, each retry takes a whole one out, and what is
// paid in beyond the burst is lost. Therefore, at any time, there have been at most
// share × calls + burst retries. It is the token scheme of gRPC's retry throttling
// (gRFC A6) with the share counted on calls instead of successes. A budget is safe
// for concurrent use; while it is full a call writes nothing to it.
type RetryBudget struct {
	tokens atomic.Int64 // in parts: a call pays in perCall, a retry takes perRetry
	full   int64

	perCall, perRetry int64
}

// NewRetryBudget returns a full budget. Share is the retries allowed per calls made,
// such as Fraction(1, 10); burst, from 1 to [MaxWindow], is how many retries can be
// saved up, which is also how many there can be before the first calls have paid in.
func NewRetryBudget(share Limit, burst int) (*RetryBudget, error) {
	p := problems{policy: "RetryBudget"}
	p.check(share.given, "share", share, "it must be given")
	p.checkLimit("share", share)
	p.check(burst >= 1 && burst <= MaxWindow, "burst", burst, "it must be between 1 and 1000000")
	if err := p.err(); err != nil {
		return nil, err
	}
	b := &RetryBudget{
		perCall:  int64(share.count),
		perRetry: int64(share.of),
		full:     int64(burst) * int64(share.of),
	}
	b.tokens.Store(b.full)
	return b, nil
}

// payIn is called once for each call, before it is made.
func (b *RetryBudget) payIn() {
	if b != nil {
		b.put(b.perCall)
	}
}

// giveBack is called for a retry that was taken out and not made.
func (b *RetryBudget) giveBack() {
	if b != nil {
		b.put(b.perRetry)
	}
}

func (b *RetryBudget) put(amount int64) {
	for {
		tokens := b.tokens.Load()
		if tokens >= b.full || b.tokens.CompareAndSwap(tokens, min(tokens+amount, b.full)) {
			return
		}
	}
}

// take is called before each retry and says whether it may be made.
func (b *RetryBudget) take() bool {
	if b == nil {
		return true
	}
	for {
		tokens := b.tokens.Load()
		if tokens < b.perRetry {
			return false
		}
		if b.tokens.CompareAndSwap(tokens, tokens-b.perRetry) {
			return true
		}
	}
}
