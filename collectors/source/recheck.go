package source

import "context"

type recheckKey struct{}

// Recheck makes a collect under the returned context read again what was read a short time ago, because somebody waits
// for the current state of a scope. What the source shows to be unchanged need not be transferred.
func Recheck(ctx context.Context) context.Context { return context.WithValue(ctx, recheckKey{}, true) }

// Rechecks reports whether the collect was asked for by [Recheck].
func Rechecks(ctx context.Context) bool { return ctx.Value(recheckKey{}) != nil }
