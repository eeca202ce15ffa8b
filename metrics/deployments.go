package metrics

import (
	"context"
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
)

// DeployQuery asks for deployments.
type DeployQuery struct {
	Service     string // entity ref; empty is every service, also those that the catalog does not know
	Environment string // empty is Production
	Window      Window
	Bucket      Grouping // Day, Week or Month; empty is Week
}

// Series is a count over time. Buckets without deployments are zero, not absent; where no source was ever asked for
// deployments nothing is known, and the values are nil.
type Series struct {
	Definition   Definition     `json:"definition"`
	Buckets      []Bucket       `json:"buckets"`
	PerWeek      *float64       `json:"per_week"` // over the covered part of the window; nil: not known
	N            int            `json:"n"`
	Undated      int            `json:"undated"` // successful deployments without any time; in no bucket and not in N
	LastAt       *time.Time     `json:"last_at"` // latest in the window
	Missing      []Missing      `json:"missing"` // what was never collected, when that is why values are nil
	Completeness []Completeness `json:"completeness"`
}

// Bucket is one span of a series.
type Bucket struct {
	Start time.Time `json:"start"`
	Value *float64  `json:"value"` // nil: not known, because all of it lies before the collected history or after now
	N     int       `json:"n"`
	// the span is cut by the window, by now, or by the beginning of the collected history
	Partial bool `json:"partial"`
}

// Split is the series of one service or of the services of one team.
type Split struct {
	Key    string `json:"key"` // service, or owner; empty: the service has none
	Series Series `json:"series"`
}

type deployRow struct {
	Key     string     `ch:"key"`
	Bucket  time.Time  `ch:"bucket"`
	N       uint64     `ch:"n"`
	Undated uint64     `ch:"undated"`
	LastAt  *time.Time `ch:"last_at"`
}

// DeploymentFrequency counts successful deployments per bucket.
func (e *Engine) DeploymentFrequency(ctx context.Context, q DeployQuery) (Series, error) {
	splits, err := e.deployments(ctx, q, "")
	if err != nil {
		return Series{}, err
	}
	return splits[0].Series, nil
}

// DeploymentsBy is DeploymentFrequency for every service or every owning team on its own, the most frequent first. All
// have the same buckets. Services and teams without deployments in the window are not in it.
func (e *Engine) DeploymentsBy(ctx context.Context, q DeployQuery, by Grouping) ([]Split, error) {
	if err := by.oneOf("deployments", Service, Team); err != nil {
		return nil, err
	}
	splits, err := e.deployments(ctx, q, by)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(splits, func(a, b Split) int { return b.Series.N - a.Series.N })
	return splits, nil
}

// deployments returns a split per key; with an empty by exactly one.
func (e *Engine) deployments(ctx context.Context, q DeployQuery, by Grouping) ([]Split, error) {
	if q.Environment == "" {
		q.Environment = Production
	}
	if q.Bucket == "" {
		q.Bucket = Week
	}
	if err := q.Bucket.oneOf("deployment frequency", Day, Week, Month); err != nil {
		return nil, err
	}
	c, err := e.cover(ctx, q.Window, event.KindDeployment)
	if err == nil {
		err = c.limit(q.Bucket)
	}
	if err != nil {
		return nil, err
	}
	var rows []deployRow
	d, err := e.query(ctx, DeploymentFrequencyID, &rows, map[string]any{
		"environment": q.Environment,
		"service":     q.Service,
		"key":         string(by),
		"bucket":      string(q.Bucket),
		"from":        c.From,
		"to":          c.To,
	})
	if err != nil {
		return nil, err
	}
	completeness, err := e.Completeness(ctx, DeploymentFrequencyID, q.Service)
	if err != nil {
		return nil, err
	}
	collected, err := e.collected(ctx, q.Service, event.KindDeployment)
	if err != nil {
		return nil, err
	}
	without := collected.missing(q.Service, event.KindDeployment)
	byKey := map[string][]deployRow{}
	var keys []string
	for _, row := range rows {
		if byKey[row.Key] == nil {
			keys = append(keys, row.Key)
		}
		byKey[row.Key] = append(byKey[row.Key], row)
	}
	if by == "" && len(keys) == 0 {
		keys = []string{""}
	}
	splits := make([]Split, 0, len(keys))
	for _, key := range keys {
		s := fill(byKey[key], c, q.Bucket, len(without) == 0)
		s.Definition, s.Completeness, s.Missing = d, completeness, without
		splits = append(splits, Split{Key: key, Series: s})
	}
	return splits, nil
}

// fill lays the rows of one key over all buckets of the window. Unless the records were collected no value is known.
func fill(rows []deployRow, c coverage, by Grouping, collected bool) Series {
	var s Series
	counts := map[time.Time]int{}
	for _, row := range rows {
		s.Undated += int(row.Undated)
		counts[row.Bucket.UTC()] += int(row.N)
		s.N += int(row.N)
		if row.LastAt != nil && (s.LastAt == nil || row.LastAt.After(*s.LastAt)) {
			s.LastAt = row.LastAt
		}
	}
	for start := by.start(c.From); start.Before(c.To); start = by.next(start) {
		n, end := counts[start], by.next(start)
		b := Bucket{Start: start, N: n, Partial: !c.covers(start, end)}
		if collected && c.touches(start, end) {
			b.Value = pointer(float64(n))
		}
		s.Buckets = append(s.Buckets, b)
	}
	if collected {
		s.PerWeek = pointer(float64(s.N) / c.weeks())
	}
	return s
}
