package named

import (
	"encoding/json"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/pathlock"
)

// goldenPath has the facts of the golden path that the lock file in the directory of the service names.
var goldenPath = []entry{
	{Definition{
		Name:        "repository.golden_path.followed",
		Type:        event.BoolFact,
		True:        "the repository follows a golden path",
		False:       "the repository follows no golden path",
		Description: pathlock.File + " in the directory of the service names the golden path that its files come from.",
	}, func(r *reader) value {
		lock, reason := r.lock()
		if reason != "" {
			return unknown(reason)
		}
		return known(lock.Follows())
	}},
	{Definition{
		Name:        "repository.golden_path.name",
		Type:        event.StringFact,
		Label:       "the golden path",
		Description: "Name of the golden path in " + pathlock.File + "; empty if the repository follows none.",
	}, func(r *reader) value {
		lock, reason := r.lock()
		if reason != "" {
			return unknown(reason)
		}
		return known(lock.Path.Name)
	}},
	{Definition{
		Name:        "repository.golden_path.version",
		Type:        event.StringFact,
		Label:       "the version of the golden path",
		Description: "Version of the golden path in " + pathlock.File + "; empty if the repository follows none.",
	}, func(r *reader) value {
		lock, reason := r.lock()
		if reason != "" {
			return unknown(reason)
		}
		return known(lock.Path.Version)
	}},
	{Definition{
		Name:  "repository.golden_path.drift",
		Type:  event.ListFact,
		Label: "the files that drifted from the golden path",
		Description: "Files with mode managed in " + pathlock.File + " that somebody changed or deleted since the golden " +
			"path wrote them, without those that are declined.",
		Places: true,
	}, func(r *reader) value {
		if _, reason := r.lock(); reason != "" {
			return unknown(reason)
		}
		var p places
		for _, problem := range r.GoldenPaths.Drift[r.Dir] {
			p.add(problem.At, "%s", problem.Reason)
		}
		return p.value("")
	}},
	{Definition{
		Name:  "repository.golden_path.declined",
		Type:  event.ListFact,
		Label: "what the repository declines",
		Description: "Rules and files that " + pathlock.File + " declines, each as JSON with reason, by and until (the " +
			"last day); also those that have ended.",
	}, func(r *reader) value {
		lock, reason := r.lock()
		if reason != "" {
			return unknown(reason)
		}
		var all []string
		for _, d := range lock.Declined {
			if text, err := json.Marshal(NewDecline(d)); err == nil {
				all = append(all, string(text))
			}
		}
		return elements(all, "")
	}},
}

// Decline is an element of the fact repository.golden_path.declined.
type Decline struct {
	Rule   string `json:"rule,omitempty"` // id; one of Rule, File and All is set
	File   string `json:"file,omitempty"`
	All    bool   `json:"all,omitempty"`
	Reason string `json:"reason"`
	By     string `json:"by"`
	Until  string `json:"until"` // the last day, such as 2027-03-31
}

// NewDecline returns the element for an entry of a lock file.
func NewDecline(d pathlock.Declined) Decline {
	return Decline{
		Rule: d.Rule, File: d.File, All: d.All, Reason: d.Reason, By: d.By, Until: d.Until.Format(time.DateOnly),
	}
}

// DeclinedFact is the name of the fact that has what a repository declines.
const DeclinedFact = "repository.golden_path.declined"

// Declines returns what declines a rule at a time, in words: "declined until 2027-03-31: reason"; "" if nothing does.
// elements are those of [DeclinedFact].
func Declines(elements []string, rule string, now time.Time) string {
	var lock pathlock.Lock
	for _, text := range elements {
		var d Decline
		if json.Unmarshal([]byte(text), &d) != nil {
			continue
		}
		until, err := time.Parse(time.DateOnly, d.Until)
		if err != nil {
			continue
		}
		lock.Declined = append(lock.Declined, pathlock.Declined{
			Rule: d.Rule, File: d.File, All: d.All, Reason: d.Reason, By: d.By, Until: until,
		})
	}
	if d := lock.Declines(rule, "", now); d != nil {
		return d.String()
	}
	return ""
}

// lock returns the lock file in the directory of the service, which is empty without one, or why it is not known.
func (r *reader) lock() (*pathlock.Lock, string) {
	if lock := r.GoldenPaths.Locks[r.Dir]; lock != nil {
		return lock, ""
	}
	if reason := r.doubt(r.GoldenPaths.Problems[r.Dir]); reason != "" {
		return nil, reason
	}
	return &pathlock.Lock{}, ""
}
