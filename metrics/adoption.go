package metrics

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Adoption is how many services follow a golden path.
type Adoption struct {
	Definition Definition      `json:"definition"`
	Services   int             `json:"services"` // of which it is known
	Adopters   int             `json:"adopters"` // of Services
	Unknown    int             `json:"unknown"`  // further services
	Share      *float64        `json:"share"`    // Adopters / Services; nil: nothing is known
	Paths      []PathAdoption  `json:"paths"`    // ordered by name and version
	Subjects   []AdoptionState `json:"subjects"` // every service, ordered by ref
}

// PathAdoption is how many services follow a version of a golden path.
type PathAdoption struct {
	Name     string `json:"name"`
	Version  string `json:"version"` // "": the golden path has none
	Services int    `json:"services"`
	Drifted  int    `json:"drifted"` // of Services: some files differ from what the golden path wrote
	// DriftUnknown is how many of Services it is not known of whether their files differ.
	DriftUnknown int `json:"drift_unknown"`
}

// The states of a service.
const (
	Follows       = "follows"
	FollowsNone   = "follows none"
	FollowUnknown = "unknown"
)

// AdoptionState is whether a service follows a golden path.
type AdoptionState struct {
	Service    string     `json:"service"` // entity ref
	Name       string     `json:"name"`
	Team       string     `json:"team"`  // owner in the catalog
	State      string     `json:"state"` // follows, follows none or unknown
	Reason     string     `json:"reason"`
	GoldenPath string     `json:"golden_path"` // "" unless it follows one
	Version    string     `json:"version"`
	Drift      *int       `json:"drift"`       // files that differ from what the golden path wrote; nil: not known
	Declined   *int       `json:"declined"`    // rules and files that it declines; nil: not known
	ObservedAt *time.Time `json:"observed_at"` // nil: never
}

type adoptionRow struct {
	Service    string     `ch:"service"`
	Name       string     `ch:"name"`
	Team       string     `ch:"team"`
	Followed   *uint8     `ch:"followed"` // 0 or 1
	GoldenPath string     `ch:"golden_path"`
	Version    string     `ch:"version"`
	Drift      *uint64    `ch:"drift"`
	Declined   *uint64    `ch:"declined"`
	Reason     string     `ch:"reason"`
	ObservedAt *time.Time `ch:"observed_at"`
}

func (r adoptionRow) state() AdoptionState {
	s := AdoptionState{
		Service: r.Service, Name: r.Name, Team: r.Team, State: FollowsNone, GoldenPath: r.GoldenPath, Version: r.Version,
		Drift: count(r.Drift), Declined: count(r.Declined),
	}
	if r.ObservedAt != nil {
		at := r.ObservedAt.UTC()
		s.ObservedAt = &at
	}
	switch {
	case r.Followed == nil:
		s.State, s.Reason = FollowUnknown, cmp.Or(r.Reason, "no source reads the files of its repository")
	case *r.Followed == 1:
		s.State = Follows
	}
	return s
}

// count returns a count as an int; nil if it is not known.
func count(n *uint64) *int {
	if n == nil {
		return nil
	}
	return pointer(int(*n))
}

// Adoption returns which services of the catalog follow a golden path, by the latest facts of their files.
func (e *Engine) Adoption(ctx context.Context) (Adoption, error) {
	var rows []adoptionRow
	d, err := e.query(ctx, GoldenPathAdoptionID, &rows, map[string]any{"now": e.now().UTC()})
	if err != nil {
		return Adoption{}, err
	}
	a := Adoption{Definition: d, Paths: []PathAdoption{}, Subjects: []AdoptionState{}}
	for _, r := range rows {
		s := r.state()
		a.Subjects = append(a.Subjects, s)
		switch s.State {
		case FollowUnknown:
			a.Unknown++
			continue
		case Follows:
			a.Adopters++
			a.count(s)
		}
		a.Services++
	}
	slices.SortFunc(a.Paths, func(x, y PathAdoption) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Version, y.Version))
	})
	if a.Services > 0 {
		a.Share = pointer(float64(a.Adopters) / float64(a.Services))
	}
	return a, nil
}

// count adds an adopter to its golden path.
func (a *Adoption) count(s AdoptionState) {
	i := slices.IndexFunc(a.Paths, func(p PathAdoption) bool { return p.Name == s.GoldenPath && p.Version == s.Version })
	if i < 0 {
		i = len(a.Paths)
		a.Paths = append(a.Paths, PathAdoption{Name: s.GoldenPath, Version: s.Version})
	}
	a.Paths[i].Services++
	switch {
	case s.Drift == nil:
		a.Paths[i].DriftUnknown++
	case *s.Drift > 0:
		a.Paths[i].Drifted++
	}
}
