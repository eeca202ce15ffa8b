package server

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/web/answers"
)

// resultCache caches the results of the engines, because several pages show the same number. It never gives a stale
// one: what is allowed to be stale is the whole answer, and a new answer made of old results would pass for new.
//
// The grades of a past time are as large as those of the present, and there are as many of them as times that somebody
// asks for. One is kept, apart, so that asking for past times never drops what every page needs.
type resultCache struct {
	versions *versions
	cache    *answers.Cache[any]
	past     *answers.Cache[any]
}

func newResultCache(v *versions, m *answers.Metrics) *resultCache {
	cfg := answers.Config{
		Name: "figures", MaxEntries: maxResults, MaxBytes: resultBytes, MaxAge: freshFor, Blind: blindFor,
		Timeout: QueryLimit, ErrorAge: errorAge,
	}
	past := cfg
	past.Name, past.MaxEntries = "past grades", 1
	return &resultCache{versions: v, cache: answers.New[any](cfg, m), past: answers.New[any](past, m)}
}

// Get returns the value cached under the key, or computes it once for all who ask.
func (c *resultCache) Get(ctx context.Context, key string, compute func(context.Context) (any, error)) (any, error) {
	cache := c.cache
	if strings.HasPrefix(key, report.PastGrades) {
		cache = c.past
	}
	got, err := cache.Get(ctx, answers.Ask[any]{
		Key: key, Version: c.versions.current(ctx),
		Compute: func(ctx context.Context) (any, int64, error) {
			value, err := compute(ctx)
			if err != nil {
				return nil, 0, err
			}
			return value, sizeOf(value), nil
		},
	})
	return got.Value, err
}

// gradedBytes is about how much memory the grades of a service take. Their JSON is larger: it repeats the rules' texts.
const gradedBytes = 10_000

// sizeOf is about how much memory a result takes, in bytes: the length of its JSON. The grades of all services are one
// result, as large as the catalog, which is in memory too; they count for at most what a result may have, so that a
// large catalog is not graded anew for every page.
func sizeOf(value any) int64 {
	if reports, ok := value.([]scorecards.Report); ok {
		return min(gradedBytes*int64(len(reports)), resultBytes/4)
	}
	var n counter
	if err := json.NewEncoder(&n).Encode(value); err != nil {
		return resultBytes // not cached
	}
	return int64(n)
}

type counter int64

// Write counts.
func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
}
