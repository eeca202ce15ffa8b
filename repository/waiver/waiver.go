// Package waiver reads waivers: exceptions of a rule for a service, each with a reason, a person and a last day. They
// are files in git, so that whoever approves changes there approves them.
package waiver

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/strictyaml"
)

// APIVersion and Kind are the first keys of every file.
const (
	APIVersion = "dxctl.dev/v1"
	Kind       = "Waivers"
)

// RepositoryFile is the file of a repository that has the waivers of its services.
const RepositoryFile = ".dxctl/waivers.yaml"

const (
	// MaxDays is how far ahead the last day of a waiver may be: a year. An exception that is needed for longer is asked
	// for again.
	MaxDays = 366
	// NoticeDays is how long before its end a waiver is announced.
	NoticeDays = 14
	// MaxCount is how many waivers a file may have.
	MaxCount = 5_000
	// MaxNote is how long the note of a waiver may be, in bytes.
	MaxNote = 1_000
)

// Origin is where a waiver is written. A scorecard says which origins count for it.
type Origin string

// The origins.
const (
	// FromScorecards are the files that scorecards.waivers of dx.yaml names: next to the scorecards, where the platform
	// team approves changes.
	FromScorecards Origin = "scorecards"
	// FromRepository is RepositoryFile in the repository of the service.
	FromRepository Origin = "repository"
)

// Origins are all origins.
var Origins = []Origin{FromScorecards, FromRepository}

// Reasons are why a rule may be waived, with the sentence that explains each.
var Reasons = []struct{ Word, Meaning string }{
	{"accepted-risk", "The risk is known and accepted until the end."},
	{"planned", "The work is planned and will be done before the end."},
	{"replaced-soon", "The service, or what the rule asks about, is retired or replaced before the end."},
	{"done-differently", "What the rule wants is met in a way that it does not see."},
	{"wrong-verdict", "The rule's verdict is wrong for this service; the rule is being corrected."},
	{"blocked", "Somebody else must act first."},
}

// ReasonWords returns the words of Reasons.
func ReasonWords() []string {
	words := make([]string, len(Reasons))
	for i, r := range Reasons {
		words[i] = r.Word
	}
	return words
}

// Waiver is an exception of a rule until the end of a day. It is for one service, or for those whose directories lie in
// a path of a repository.
type Waiver struct {
	Scorecard  string    `json:"scorecard,omitempty"` // "": every one that has the rule
	Rule       string    `json:"rule"`
	Service    string    `json:"service,omitempty"`    // entity ref; "" with Path
	Repository string    `json:"repository,omitempty"` // host/owner/name or owner/name, in lower case; "": the one that has the file
	Path       string    `json:"path,omitempty"`       // directory of the repository; "." is all of it; "" with Service
	Reason     string    `json:"reason"`               // a word of Reasons
	Note       string    `json:"note"`                 // why, in words
	By         string    `json:"by"`                   // who asked for it
	Since      time.Time `json:"since,omitzero"`       // first day, UTC; zero: from the beginning
	Until      time.Time `json:"until"`                // last day, UTC: it holds to the end of this day
	Origin     Origin    `json:"origin"`
	File       string    `json:"file"`
	Line       int       `json:"line"`
}

// Place returns where the waiver is written: "waivers/shop.yaml:4".
func (w *Waiver) Place() string { return fmt.Sprintf("%s:%d", w.File, w.Line) }

// End returns the first moment at which the waiver no longer holds.
func (w *Waiver) End() time.Time { return w.Until.AddDate(0, 0, 1) }

// State is what a waiver does at a moment. Only dates and the place of the waiver decide it:
//
//	too long ──▶ (later) ──▶ upcoming ──▶ active ──▶ ending ──▶ expired
//
// Where the origin does not count for the scorecard, it is requested instead of upcoming, active or ending; where the
// rule cannot be waived, it is refused.
type State string

// What a waiver does at a moment.
const (
	Upcoming  State = "upcoming"  // before its first day
	Active    State = "active"    // it holds
	Ending    State = "ending"    // it holds, and ends within NoticeDays
	Expired   State = "expired"   // its last day is over
	Requested State = "requested" // it is written where it does not count, and changes no grade
	Refused   State = "refused"   // the rule cannot be waived
	TooLong   State = "too long"  // it ends more than MaxDays ahead, and changes no grade
)

// Holds reports whether a waiver in the state excuses the service.
func (s State) Holds() bool { return s == Active || s == Ending }

// StateAt returns the state at a moment. counts: whether the origin counts for the scorecard; waivable: whether the
// rule can be waived.
func (w *Waiver) StateAt(now time.Time, counts, waivable bool) State {
	switch {
	case !now.Before(w.End()):
		return Expired
	case !waivable:
		return Refused
	case w.Until.After(now.AddDate(0, 0, MaxDays)):
		return TooLong
	case !counts:
		return Requested
	case now.Before(w.Since):
		return Upcoming
	case w.End().Sub(now) <= NoticeDays*24*time.Hour:
		return Ending
	}
	return Active
}

// DaysLeft returns how many days are left after the present one.
func (w *Waiver) DaysLeft(now time.Time) int {
	return max(int(w.Until.Sub(now.UTC().Truncate(24*time.Hour)).Hours()/24), 0)
}

// Covers reports whether the waiver is about a rule of a scorecard.
func (w *Waiver) Covers(scorecard, rule string) bool {
	return w.Rule == rule && (w.Scorecard == "" || w.Scorecard == scorecard)
}

// file is a file as it is written.
type file struct {
	APIVersion string    `yaml:"apiVersion"`
	Kind       string    `yaml:"kind"`
	Waivers    []written `yaml:"waivers"`
}

type written struct {
	Rule       string `yaml:"rule"`
	Service    string `yaml:"service,omitempty"`
	Repository string `yaml:"repository,omitempty"`
	Path       string `yaml:"path,omitempty"`
	Reason     string `yaml:"reason"`
	Note       string `yaml:"note"`
	By         string `yaml:"by"`
	Since      string `yaml:"since,omitempty"`
	Until      string `yaml:"until"`
}

// Parse reads the waivers of a file. name is its name as shown to people. A waiver with mistakes is left out; the
// others are returned with the errors of it, each a [strictyaml.Mistake] with its place.
func Parse(data []byte, name string, origin Origin) ([]Waiver, []error) {
	docs, err := strictyaml.Read(name, data)
	p := parser{name: name, origin: origin}
	p.add(err)
	for _, d := range docs {
		p.document(d)
	}
	return p.waivers, p.errs
}

type parser struct {
	name    string
	origin  Origin
	where   strictyaml.Positions
	waivers []Waiver
	errs    []error
}

func (p *parser) add(err error) {
	for _, m := range strictyaml.Mistakes(err) {
		p.errs = append(p.errs, m)
	}
}

func (p *parser) fail(at, format string, args ...any) {
	line, column := p.where.Place(at)
	p.errs = append(p.errs, strictyaml.Mistake{
		File: p.name, Line: line, Column: column, Message: fmt.Sprintf(format, args...),
	})
}

func (p *parser) document(d strictyaml.Document) {
	var f file
	where, err := d.Decode(&f)
	p.where = where
	p.add(err)
	if f.APIVersion != APIVersion || f.Kind != Kind {
		p.fail("kind", "apiVersion is %q and kind is %q; write apiVersion: %s and kind: %s", f.APIVersion, f.Kind,
			APIVersion, Kind)
		return
	}
	if len(f.Waivers) > MaxCount {
		p.fail("waivers", "the file has %d waivers; at most %d are read, so write several files", len(f.Waivers), MaxCount)
		f.Waivers = f.Waivers[:MaxCount]
	}
	for i := range f.Waivers {
		before := len(p.errs)
		w := p.waiver(fmt.Sprintf("waivers[%d]", i), &f.Waivers[i])
		if len(p.errs) == before {
			p.waivers = append(p.waivers, w)
		}
	}
}

// waiver converts a waiver, and reports its mistakes.
func (p *parser) waiver(at string, f *written) Waiver {
	w := Waiver{Reason: f.Reason, Note: strings.TrimSpace(f.Note), By: strings.TrimSpace(f.By), Origin: p.origin,
		File: p.name}
	w.Line, _ = p.where.Place(at)
	w.Scorecard, w.Rule = "", f.Rule
	if scorecard, rule, ok := strings.Cut(f.Rule, "/"); ok {
		w.Scorecard, w.Rule = scorecard, rule
	}
	if strings.TrimSpace(w.Rule) == "" {
		p.fail(at+".rule", "the waiver has no rule; write for example rule: delivery/ci-fast-and-green")
	}
	p.target(at, f, &w)
	if !slices.Contains(ReasonWords(), f.Reason) {
		hint := ""
		if near := spelling.Nearest(f.Reason, ReasonWords()); near != "" {
			hint = fmt.Sprintf(" (did you mean %s?)", near)
		}
		p.fail(at+".reason", "reason %q is not one of %s%s", f.Reason, strings.Join(ReasonWords(), ", "), hint)
	}
	if w.Note == "" {
		p.fail(at+".note", "the waiver has no note; say in a sentence why the rule is waived")
	}
	if len(w.Note) > MaxNote {
		p.fail(at+".note", "the note has %d bytes; at most %d are read", len(w.Note), MaxNote)
	}
	if w.By == "" {
		p.fail(at+".by", "the waiver does not say who asked for it; write for example by: user:default/ana")
	}
	w.Until = p.day(at+".until", f.Until, "until")
	if f.Until == "" {
		p.fail(at+".until", "the waiver has no end; write its last day, such as until: 2027-03-31")
	}
	w.Since = p.day(at+".since", f.Since, "since")
	if !w.Since.IsZero() && !w.Until.IsZero() && w.Until.Before(w.Since) {
		p.fail(at+".until", "the waiver ends on %s, before it begins on %s", f.Until, f.Since)
	}
	return w
}

func (p *parser) day(at, text, key string) time.Time {
	if text == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		p.fail(at, "%s %q is not a day; write it as 2027-03-31", key, text)
	}
	return day
}

// target sets what the waiver is for.
func (p *parser) target(at string, f *written, w *Waiver) {
	switch {
	case f.Service != "" && f.Path != "":
		p.fail(at+".path", "the waiver has a service and a path; write one of them")
	case f.Service != "":
		ref, err := identifier.ParseRef(f.Service, "component", "default")
		if err != nil {
			p.fail(at+".service", "%v", err)
			return
		}
		w.Service = ref.String()
	case f.Path != "":
		w.Path = path.Clean(strings.Trim(f.Path, "/"))
		if f.Path == "/" {
			w.Path = "."
		}
		if w.Path == ".." || strings.HasPrefix(w.Path, "../") {
			p.fail(at+".path", "path %q lies outside the repository", f.Path)
		}
	default:
		p.fail(at, "the waiver is for nobody; write service: component:default/shop, or the path of a repository")
	}
	w.Repository = strings.ToLower(strings.TrimSuffix(strings.Trim(f.Repository, "/"), ".git"))
	w.Repository = strings.TrimPrefix(strings.TrimPrefix(w.Repository, "https://"), "http://")
	switch {
	case w.Repository != "" && w.Path == "":
		p.fail(at+".repository", "the waiver has a repository without a path in it; write path: . for all of it")
	case p.origin == FromRepository && w.Repository != "":
		p.fail(at+".repository", "a waiver in %s is for the repository that it is in; leave repository out", RepositoryFile)
	case p.origin == FromScorecards && w.Repository == "" && w.Path != "":
		p.fail(at+".path", "path %q is in no repository; write for example repository: github.com/acme/shop", f.Path)
	}
}

// Sorted returns the waivers by their end, then by their place.
func Sorted(waivers []Waiver) []Waiver {
	return slices.SortedStableFunc(slices.Values(waivers), func(a, b Waiver) int {
		return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}
