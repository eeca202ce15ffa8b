package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/dxctl/dxctl/store"
)

// lossesAge is how long a result of the store's check for losses is reused: anyone may request /readyz, at any rate.
const lossesAge = 10 * time.Second

// losses looks for data that the store has lost, and logs new losses.
type losses struct {
	store *store.Store
	log   *slog.Logger

	mu     sync.Mutex
	found  []store.Loss
	err    error
	looked time.Time
	logged map[string]bool
}

// look checks the store, unless the last result is younger than lossesAge.
func (l *losses) look(ctx context.Context) ([]store.Loss, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.looked.IsZero() && time.Since(l.looked) < lossesAge {
		return l.found, l.err
	}
	l.found, l.err = l.store.Losses(ctx)
	if ctx.Err() != nil {
		return l.found, l.err // the caller gave up: the next one checks again
	}
	l.looked = time.Now()
	if l.logged == nil {
		l.logged = map[string]bool{}
	}
	if l.err != nil {
		l.log.Warn("checking the store for losses failed", "error", l.err)
	}
	for _, loss := range l.found {
		if text := loss.String(); !l.logged[text] {
			l.logged[text] = true
			l.log.Error("data lost", "table", loss.Table, "loss", text)
		}
	}
	return l.found, l.err
}

// causes returns the losses, for /readyz.
func (l *losses) causes(ctx context.Context) []string {
	found, err := l.look(ctx)
	var causes []string
	for _, loss := range found {
		causes = append(causes, loss.String())
	}
	if err != nil {
		causes = append(causes, err.Error())
	}
	return causes
}
