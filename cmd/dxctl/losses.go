package main

import (
	"context"
	"sync"
	"time"

	"github.com/dxctl/dxctl/store"
)

// lossesAge is how long an answer of the store about its losses is used: /readyz may be asked by anybody, at any rate.
const lossesAge = 10 * time.Second

// losses looks for what the store has lost and logs what is new.
type losses struct {
	mu     sync.Mutex
	p      *platform
	found  []store.Loss
	err    error
	looked time.Time
	logged map[string]bool
}

// look asks the store, unless it was asked a moment ago.
func (l *losses) look(ctx context.Context) ([]store.Loss, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.looked.IsZero() && time.Since(l.looked) < lossesAge {
		return l.found, l.err
	}
	l.found, l.err = l.p.store.Losses(ctx)
	if ctx.Err() != nil {
		return l.found, l.err // of a caller that has no time: the next one asks again
	}
	l.looked = time.Now()
	if l.logged == nil {
		l.logged = map[string]bool{}
	}
	if l.err != nil {
		l.p.log.Warn("the store could not be checked for losses", "error", l.err)
	}
	for _, loss := range l.found {
		if text := loss.String(); !l.logged[text] {
			l.logged[text] = true
			l.p.log.Error("data is lost", "table", loss.Table, "loss", text)
		}
	}
	return l.found, l.err
}

// causes is the check of the store for /readyz.
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
