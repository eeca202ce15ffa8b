package server

import (
	"context"
	"sync"
	"time"

	"github.com/dxctl/dxctl/catalog"
)

// dataVersion is a state of everything that answers are made from. Equal versions give equal answers, but for the
// present time.
type dataVersion struct {
	data    string
	catalog *catalog.Catalog // compared as a pointer: reading it again gives another
}

// versions reads the version of the data when answers are asked for, at most every versionAge.
type versions struct {
	read    func(context.Context) (string, error) // Deps.DataVersion
	catalog func() *catalog.Catalog
	now     func() time.Time

	mu      sync.Mutex
	data    string    // "" where it cannot be read
	checked time.Time // when the look began that data is from
	look    *look     // under way, or nil
}

type look struct {
	began time.Time
	done  chan struct{}
}

const (
	versionAge      = 200 * time.Millisecond // how old a version may be
	versionPatience = 100 * time.Millisecond // how long readers wait for a younger one
	versionLimit    = 3 * time.Second        // how old it may be when the store is slow
	versionTimeout  = 10 * time.Second       // of the query
)

func newVersions(deps Deps) *versions {
	return &versions{read: deps.DataVersion, catalog: deps.Catalog, now: time.Now}
}

// current returns the version as a comparable value, nil where it cannot be read: by a user without the right to read
// system.parts, and on a cluster, where a server sees only its own part of the data.
func (v *versions) current(ctx context.Context) any {
	v.mu.Lock()
	now := v.now()
	if now.Sub(v.checked) > versionAge {
		l := v.begin(ctx, now)
		known := now.Sub(v.checked) <= versionLimit
		v.mu.Unlock()
		v.await(l, known)
		v.mu.Lock()
	}
	defer v.mu.Unlock()
	if v.data == "" || v.now().Sub(v.checked) > versionTimeout {
		return nil
	}
	return dataVersion{v.data, v.catalog()}
}

// begin returns the look under way, or starts one. The caller holds the lock.
func (v *versions) begin(ctx context.Context, now time.Time) *look {
	if v.look != nil {
		return v.look
	}
	l := &look{began: now, done: make(chan struct{})}
	v.look = l
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer close(l.done)
		ctx, cancel := context.WithTimeout(ctx, versionTimeout)
		defer cancel()
		data, err := v.read(ctx)
		if err != nil {
			data = ""
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.look, v.data, v.checked = nil, data, l.began
	}()
	return l
}

// await waits for the look; only for a moment where a recent version is known.
func (v *versions) await(l *look, known bool) {
	if !known {
		<-l.done
		return
	}
	timer := time.NewTimer(l.began.Add(versionPatience).Sub(v.now()))
	defer timer.Stop()
	select {
	case <-l.done:
	case <-timer.C:
	}
}
