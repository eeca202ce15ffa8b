package main

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load asks one dashboard.
type load struct {
	opt    options
	client *http.Client
}

func newLoad(opt options) *load {
	return &load{opt: opt, client: &http.Client{
		Timeout: 90 * time.Second,
		Transport: &http.Transport{
			MaxIdleConnsPerHost: opt.connections, MaxConnsPerHost: max(opt.connections, readers), DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// get returns the answer's body; any other status than 200 or a redirect is an error.
func (l *load) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.opt.url+path, nil)
	if err != nil {
		return nil, err
	}
	if l.opt.gzip {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read to its end
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s: status %s: %.200s", path, resp.Status, body)
	}
	return body, err
}

var link = regexp.MustCompile(`href="(/[^"#]*)[^"]*"`)

// starts are the pages whose links are followed: those of the navigation, and of the API the addresses that it lists.
var starts = []string{
	"/",
	"/services",
	"/time-to-first-deploy",
	"/events/deployments",
	"/ledger",
	"/definitions",
	"/unmapped",
}

// addresses returns what the starts link to, without assets, without the lists in another order, and without the many
// lists behind single figures.
func (l *load) addresses(ctx context.Context) ([]string, error) {
	plain := newLoad(options{url: l.opt.url, connections: 1})
	var found []string
	add := func(address string) {
		if !slices.Contains(found, address) {
			found = append(found, address)
		}
	}
	for _, start := range starts {
		add(start)
		body, err := plain.get(ctx, start)
		if err != nil {
			return nil, err
		}
		for _, m := range link.FindAllSubmatch(body, -1) {
			address := html.UnescapeString(string(m[1]))
			if strings.HasPrefix(address, "/assets/") || strings.Contains(address, "sort=") ||
				strings.HasPrefix(address, "/events/") && strings.Contains(address, "?") {
				continue
			}
			add(address)
			if service, ok := strings.CutPrefix(address, "/services/"); ok {
				add("/api/v1/services/" + service)
			}
			if kind, ok := strings.CutPrefix(address, "/events/"); ok && !strings.HasSuffix(kind, ".csv") {
				add("/events/" + kind + ".csv")
				add("/api/v1/events/" + kind)
			}
		}
	}
	for _, address := range []string{
		"services",
		"metrics",
		"metrics/time-to-first-deploy",
		"metrics/deployment-frequency",
		"ledger",
	} {
		add("/api/v1/" + address)
	}
	add("/events/deployments?service=payment-service") // the lists behind figures: one of each
	add("/events/deployments.csv?service=payment-service")
	slices.Sort(found)
	return found, nil
}

// readers is how many ask at once for a page that nobody has asked for.
const readers = 50

// herd reports how long one reader waits for a cold page, and how long the slowest of many who ask for another at once.
func (l *load) herd(ctx context.Context) (string, error) {
	wait := func(path string, n int) (slowest time.Duration, err error) {
		var mu sync.Mutex
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				began := time.Now()
				_, failure := l.get(ctx, path)
				mu.Lock()
				defer mu.Unlock()
				slowest = max(slowest, time.Since(began))
				if failure != nil {
					err = failure
				}
			})
		}
		all.Wait()
		return slowest, err
	}
	// Windows that nobody asks for otherwise, so that nothing is kept of them.
	one, err := wait("/time-to-first-deploy?from=2001-01-02", 1)
	if err != nil {
		return "", err
	}
	many, err := wait("/time-to-first-deploy?from=2001-01-03", readers)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(
		"cold page: %.0f ms for one reader, %.0f ms for the slowest of %d at once",
		ms(one),
		ms(many),
		readers,
	), nil
}

// measurement is what one address did.
type measurement struct {
	first  time.Duration   // the request that computes the answer
	took   []time.Duration // of the others, in order
	all    time.Duration
	bytes  int // of one answer
	failed int
}

func (m measurement) rate() float64 { return float64(len(m.took)) / m.all.Seconds() }

func (m measurement) quantile(q float64) time.Duration {
	if len(m.took) == 0 {
		return 0
	}
	return m.took[min(int(q*float64(len(m.took))), len(m.took)-1)]
}

// measure asks once, and then over all connections until the requests or the time are used up.
func (l *load) measure(ctx context.Context, address string) measurement {
	var m measurement
	began := time.Now()
	body, err := l.get(ctx, address)
	m.first, m.bytes = time.Since(began), len(body)
	if err != nil {
		m.failed++
	}
	ctx, cancel := context.WithTimeout(ctx, l.opt.time)
	defer cancel()
	var left atomic.Int64
	left.Store(int64(l.opt.requests))
	var mu sync.Mutex
	var all sync.WaitGroup
	began = time.Now()
	for range l.opt.connections {
		all.Go(func() {
			var took []time.Duration
			failed := 0
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				asked := time.Now()
				_, err := l.get(ctx, address)
				if err != nil && ctx.Err() == nil {
					failed++
				} else if err == nil {
					took = append(took, time.Since(asked))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			m.took, m.failed = append(m.took, took...), m.failed+failed
		})
	}
	all.Wait()
	m.all = time.Since(began)
	slices.Sort(m.took)
	return m
}
