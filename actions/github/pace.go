package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
)

// Limits are how much is asked of a host. GitHub allows 5,000 requests an hour, and of requests that create content 80
// a minute and 500 an hour; it asks for a second between writes
// (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api).
type Limits struct {
	PerHour       int           // requests
	WritesPerHour int           // requests that create content
	Pause         time.Duration // between writes; it keeps within the limit of a minute
	ReadEvery     time.Duration // between reads: a minute allows 900 points, of which a read takes one
}

// PublishedLimits leave some room for what else uses the credentials.
var PublishedLimits = Limits{PerHour: 4800, WritesPerHour: 490, Pause: time.Second, ReadEvery: 100 * time.Millisecond}

// Pace lets requests begin such that they keep within limits: in any hour, not only in those of the host. Requests
// begin one after the other. It is safe for concurrent use.
type Pace struct {
	limits Limits
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	others func() []time.Time // when other processes wrote since it was last called; nil: none do
	tell   func(time.Duration)

	mutex    sync.Mutex
	requests []time.Time // the last PerHour ones
	writes   []time.Time // the last WritesPerHour ones
}

// NewPace returns a pace. now and sleep are the clock; sleep ends with the context.
func NewPace(limits Limits, now func() time.Time, sleep func(context.Context, time.Duration) error) *Pace {
	return &Pace{limits: limits, now: now, sleep: sleep}
}

// Tell sets what is called before a wait of more than a minute, with its length.
func (p *Pace) Tell(tell func(time.Duration)) { p.tell = tell }

// Spent counts writes that another process made before. A time that is later than now counts as now.
func (p *Pace) Spent(at time.Time, writes int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if now := p.now(); at.After(now) {
		at = now
	}
	for range writes {
		p.count(at, true)
	}
}

// Wait returns when a request may begin.
func (p *Pace) Wait(ctx context.Context, write bool) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for {
		p.countOthers(write)
		now := p.now()
		at := p.next(now, write)
		wait := at.Sub(now)
		if wait <= 0 {
			p.count(at, write)
			return nil
		}
		if p.tell != nil && wait > time.Minute {
			p.tell(wait)
		}
		if err := p.sleep(ctx, wait); err != nil {
			return err
		}
		if p.others == nil || wait < time.Minute {
			p.count(at, write)
			return nil
		} // what other processes wrote meanwhile counts
	}
}

func (p *Pace) countOthers(write bool) {
	if p.others == nil || !write {
		return
	}
	for _, at := range p.others() {
		p.count(at, true)
	}
	slices.SortFunc(p.writes, time.Time.Compare)
	slices.SortFunc(p.requests, time.Time.Compare)
}

// next returns when a request may begin.
func (p *Pace) next(now time.Time, write bool) time.Time {
	at := later(now, p.requests, p.limits.PerHour, time.Hour)
	if !write {
		return later(at, p.requests, 1, p.limits.ReadEvery)
	}
	at = later(at, p.writes, p.limits.WritesPerHour, time.Hour)
	return later(at, p.writes, 1, p.limits.Pause)
}

// later returns a time at which one more request keeps within n in a period.
func later(at time.Time, times []time.Time, n int, period time.Duration) time.Time {
	if n <= 0 || len(times) < n {
		return at
	}
	if free := times[len(times)-n].Add(period); free.After(at) {
		return free
	}
	return at
}

func (p *Pace) count(at time.Time, write bool) {
	keep := func(times []time.Time, n int) []time.Time {
		times = append(times, at)
		return times[max(0, len(times)-max(n, 1)):]
	}
	p.requests = keep(p.requests, p.limits.PerHour)
	if write {
		p.writes = keep(p.writes, p.limits.WritesPerHour)
	}
}

// Forecast returns how long requests take at least, if all reads come before the writes.
func (l Limits) Forecast(reads, writes int) time.Duration {
	start := time.Unix(0, 0)
	now := start
	p := NewPace(l, nil, nil)
	for i := range reads + writes {
		now = p.next(now, i >= reads)
		p.count(now, i >= reads)
	}
	return now.Sub(start)
}

// Paced returns the host with requests that wait for a pace.
func (h *Host) Paced(p *Pace) *Host {
	paced := *h
	paced.client = h.client.Before(p.Wait)
	return &paced
}

func (h *Host) get(ctx context.Context, path string, into any) error {
	_, err := h.client.Get(ctx, path, "", into)
	return err
}

func (h *Host) send(ctx context.Context, method, path string, body, into any) error {
	err := h.client.Send(ctx, method, path, body, into)
	if client.Status(err) == http.StatusNotFound {
		right := "a token needs the scope repo, workflow for files of workflows, " +
			"and the role write or admin in the repository"
		if h.app {
			right = "the App's installation needs the repository and the permission to write what was sent"
		}
		err = fmt.Errorf("%w (GitHub answers so, too, if a right is missing: %s)", err, right)
	}
	return err
}
