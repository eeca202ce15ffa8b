package report

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// HealthCheck is something that can be wrong while dxctl goes on serving: a degraded service. Each cause is shown by
// /readyz, whose status stays 200, and counted by the gauge dxctl_degraded{check="<Name>"}.
//
// A part that observes its own state as it works keeps it in a [Conditions] and hands over that one's Causes; a part
// that has to look (the store) does so in Causes, which runs at every /readyz and every scrape of /metrics, side by
// side with itself, and must be cheap and return when ctx ends. The list of checks is in cmd/dxctl/app/health.go.
type HealthCheck struct {
	Name string // a short word, the label of the gauge: "store", "collectors", "inbox"
	// Causes returns a sentence per thing that is wrong: what, since when or why, and how it is repaired. Nil when
	// nothing is. Anyone who can reach the server reads them: no secrets.
	Causes func(ctx context.Context) []string
}

// Conditions holds what is wrong now, by the object that it is about (a source, a file, a worker; "" when there is only
// one). The zero value is ready to use, and safe for concurrent use.
type Conditions struct {
	mu       sync.Mutex
	byObject map[string]string
}

// Set records that something is wrong with object, in place of what was recorded before; nil that nothing is any
// longer.
func (c *Conditions) Set(object string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		delete(c.byObject, object)
		return
	}
	if c.byObject == nil {
		c.byObject = map[string]string{}
	}
	c.byObject[object] = err.Error()
}

// Causes returns what is wrong, by object in alphabetical order. It fits [HealthCheck].
func (c *Conditions) Causes(context.Context) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var causes []string
	for _, object := range slices.Sorted(maps.Keys(c.byObject)) {
		causes = append(causes, c.byObject[object])
	}
	return causes
}

// Cause is one thing that is wrong, as /readyz shows it.
type Cause struct {
	Check string `json:"check"`
	Cause string `json:"cause"`
}

// Degraded runs every check and returns what is wrong.
func (r *Reader) Degraded(ctx context.Context) []Cause {
	causes := []Cause{}
	for _, check := range r.deps.Checks {
		for _, text := range check.Causes(ctx) {
			causes = append(causes, Cause{check.Name, strings.TrimSpace(text)})
		}
	}
	return causes
}

// Checks are the checks that Degraded runs.
func (r *Reader) Checks() []HealthCheck { return r.deps.Checks }

// GradeCount is how many rules of a level have an outcome for a service, as last graded.
type GradeCount struct {
	Entity    string    `ch:"entity"`
	Scorecard string    `ch:"scorecard"`
	Level     string    `ch:"level"`
	Outcome   string    `ch:"outcome"`
	N         uint64    `ch:"n"`
	At        time.Time `ch:"at"` // of the latest
}

// GradeCounts counts the stored grades.
func (r *Reader) GradeCounts(ctx context.Context) ([]GradeCount, error) {
	var rows []GradeCount
	err := r.deps.Store.Select(ctx, &rows, `SELECT entity, scorecard, level, outcome, count() AS n, max(evaluated_at) AS at
		FROM grades GROUP BY entity, scorecard, level, outcome`, nil)
	if err != nil {
		return nil, fmt.Errorf("counting the grades: %w", err)
	}
	return rows, nil
}
