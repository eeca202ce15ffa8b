package format

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards/controls"
	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/spelling"
)

// Stages in the life of a rule.
const (
	Draft     = "draft"     // evaluated by tests only
	Announced = "announced" // evaluated and shown, counted in no grade
	Enforced  = "enforced"
	Retired   = "retired" // no longer evaluated; its id stays taken
)

var (
	statuses = []string{Draft, Announced, Enforced, Retired}
	efforts  = []string{"minutes", "hours", "days"}
	types    = []event.FactType{event.BoolFact, event.ListFact, event.NumberFact, event.StringFact, event.TimeFact}
)

// MaxRules is how many rules a scorecard may have.
const MaxRules = 500

// idPattern is that of names and ids.
var idPattern = regexp.MustCompile(`^[a-z0-9]+([-_.][a-z0-9]+)*$`)

const idWords = "lower-case letters and digits with single -, _ or . between them"

// fail adds a mistake at path, unless the value there could not be decoded: what follows from that is no mistake of its
// own.
func (d *Document) fail(path, format string, args ...any) {
	undecoded := path + ": cannot use "
	if slices.ContainsFunc(d.problems, func(p Problem) bool { return strings.HasPrefix(p.Message, undecoded) }) {
		return
	}
	d.problems = append(d.problems, d.At(path, fmt.Sprintf(format, args...)))
}

// that adds a mistake at path unless ok.
func (d *Document) that(ok bool, path, format string, args ...any) {
	if !ok {
		d.fail(path, format, args...)
	}
}

// check adds the mistakes of the document that need no expression to be compiled.
func (d *Document) check() {
	d.that(d.APIVersion == APIVersion || d.wrong("apiVersion"), "apiVersion", "apiVersion is %s; this dxctl reads %s",
		shown(d.APIVersion), APIVersion)
	d.that(d.Kind == Kind || d.wrong("kind"), "kind", "kind is %s; write kind: %s", shown(d.Kind), Kind)
	d.that(d.wrong("name") || idPattern.MatchString(d.Name) && len(d.Name) <= 100, "name",
		"name is %s; write at most 100 %s", shown(d.Name), idWords)
	d.that(versionAllowed(d.Version), "version", "version is not a whole number from 1 to %d", maxVersion)
	d.that(len(d.Rules) <= MaxRules, "rules", "the scorecard has %d rules; at most %d are allowed", len(d.Rules), MaxRules)
	d.checkOwner("owner", d.Owner)
	d.checkFacts()
	d.checkLevels()
	d.checkWaivers()
	d.checkGate()
	if len(d.Rules) == 0 && !d.wrong("rules") {
		d.fail("name", "the scorecard has no rules; write at least one under rules")
	}
	lines := map[string]int{}
	for i := range d.Rules {
		d.checkRule(fmt.Sprintf("rules[%d]", i), &d.Rules[i], lines)
	}
}

// maxVersion is the highest version of a scorecard and of a rule: the store has 32 bits for it.
const maxVersion = math.MaxInt32

func versionAllowed(v *int) bool { return v == nil || *v >= 1 && *v <= maxVersion }

// shown is a value in quotes, or that it is missing.
func shown(value string) string {
	if value == "" {
		return "missing"
	}
	return strconv.Quote(value)
}

// wrong reports whether the file has a value at path, or below it, that could not be decoded.
func (d *Document) wrong(path string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool {
		rest, ok := strings.CutPrefix(p.Message, path)
		return ok && rest != "" && strings.ContainsRune(":[.", rune(rest[0]))
	})
}

// checkWaivers checks the places whose waivers count. An empty list is allowed: then no rule can be waived.
func (d *Document) checkWaivers() {
	if d.Waivers == nil {
		return
	}
	d.that(d.Has("waivers.from"), "waivers", "waivers does not say which count; write from: [%s], or [] for none",
		waiver.FromScorecards)
	for i, from := range d.Waivers.From {
		d.that(slices.Contains(waiver.Origins, from), fmt.Sprintf("waivers.from[%d]", i),
			"waivers.from: %q is not one of %s (the files of scorecards.waivers), %s (%s in the repository of the service)",
			from, waiver.FromScorecards, waiver.FromRepository, waiver.RepositoryFile)
	}
}

// checkGate checks what rules without a verdict mean for gates.
func (d *Document) checkGate() {
	if d.Gate == nil {
		return
	}
	d.that(d.Has("gate.unknown") || d.Has("gate.stale") || d.wrong("gate"), "gate",
		"gate is empty; write unknown or stale, or remove it")
	means := []string{GateUnknown, GatePass, GateFail}
	for _, key := range []struct{ path, value string }{{"gate.unknown", d.Gate.Unknown}, {"gate.stale", d.Gate.Stale}} {
		d.that(!d.Has(key.path) || d.wrong(key.path) || slices.Contains(means, key.value), key.path,
			"%s: %q is not one of %s%s", key.path, key.value, strings.Join(means, ", "), meant(key.value, means))
	}
}

func (d *Document) checkOwner(path, owner string) {
	if owner == "" {
		return
	}
	if ref, err := identifier.ParseRef(owner, "group", ""); err != nil {
		d.fail(path, "%v", err)
	} else {
		d.that(ref.Kind == "group" || ref.Kind == "user", path,
			"owner %q is a %s; write a group or a user, such as group:default/platform", owner, ref.Kind)
	}
}

func (d *Document) checkFacts() {
	known := facts.Definitions(nil)
	lines := map[string]int{}
	for i, f := range d.Facts {
		path := fmt.Sprintf("facts[%d]", i)
		d.that(f.Name != "", path, "the fact has no name; write for example name: security.score")
		d.that(slices.Contains(types, f.Type), path+".type", "fact %q: type is %s; write one of %s", f.Name,
			shown(string(f.Type)), typeNames())
		if _, ok := known[f.Name]; ok {
			d.fail(path+".name", "fact %s is one that dxctl gives itself; give yours another name", f.Name)
		}
		if strings.HasPrefix(f.Name, LevelPrefix) {
			d.fail(path+".name", "fact %s: names that begin with %s are levels of scorecards; give yours another name",
				f.Name, LevelPrefix)
		}
		if line, ok := lines[f.Name]; ok && f.Name != "" {
			d.fail(path+".name", "fact %s is declared at line %d already", f.Name, line)
		} else {
			lines[f.Name] = d.Line(path)
		}
	}
}

func typeNames() string {
	names := make([]string, 0, len(types))
	for _, t := range types {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

func (d *Document) checkLevels() {
	if len(d.Levels) == 0 && !d.wrong("levels") {
		d.fail("name", "the scorecard has no levels; write for example levels: [bronze, silver, gold]")
	}
	for i, level := range d.Levels {
		path := fmt.Sprintf("levels[%d]", i)
		if strings.TrimSpace(level) == "" {
			d.fail(path, "the level has no name")
			continue
		}
		ofLevel := func(r Rule) bool { return r.Level == level && r.Status != Retired }
		same := func(other string) bool { return strings.EqualFold(other, level) }
		if slices.ContainsFunc(d.Levels[:i], same) {
			d.fail(path, "level %q is listed twice", level)
			continue
		}
		d.that(!strings.EqualFold(level, "none"), path,
			"level %q: none is what a service without a level has; choose another name", level)
		d.that(d.wrong("rules") || slices.ContainsFunc(d.Rules, ofLevel), path,
			"level %q has no rule, so every service would have it; add a rule with level: %s, or remove the level", level, level)
	}
}

func (d *Document) checkRule(path string, r *Rule, lines map[string]int) {
	d.that(d.wrong(path+".id") || idPattern.MatchString(r.ID) && len(r.ID) <= 100, path+".id",
		"rule id is %s; write at most 100 %s", shown(r.ID), idWords)
	if line, ok := lines[r.ID]; ok {
		d.fail(path+".id", "rule %s is defined at line %d already; give each rule an id of its own", r.ID, line)
	} else {
		lines[r.ID] = d.Line(path + ".id")
	}
	d.that(versionAllowed(r.Version), path+".version", "rule %s: version is not a whole number from 1 to %d", r.ID,
		maxVersion)
	d.that(slices.Contains(d.Levels, r.Level) || d.wrong(path+".level") || d.wrong("levels"), path+".level",
		"rule %s: level %q is not one of %s%s", r.ID, r.Level, strings.Join(d.Levels, ", "), meant(r.Level, d.Levels))
	d.that(slices.Contains(efforts, r.Effort) || d.wrong(path+".effort"), path+".effort",
		"rule %s: effort is %s, which is not one of %s", r.ID, shown(r.Effort), strings.Join(efforts, ", "))
	d.that(strings.TrimSpace(r.Title) != "" || d.wrong(path+".title"), path, "rule %s has no title", r.ID)
	d.checkOwner(path+".owner", r.Owner)
	d.that(r.Weight == nil || *r.Weight > 0 && *r.Weight <= 1e6, path+".weight",
		"rule %s: the weight is not a number above 0 and up to 1000000", r.ID)
	d.checkLife(path, r)
	d.checkVerdict(path, r)
	d.checkHelp(path, r)
}

func meant(word string, known []string) string {
	if near := spelling.Nearest(word, known); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	return ""
}

func (d *Document) checkLife(path string, r *Rule) {
	d.that(r.Status == "" || slices.Contains(statuses, r.Status), path+".status",
		"rule %s: status %q is not one of %s", r.ID, r.Status, strings.Join(statuses, ", "))
	if r.Status == Announced {
		d.that(r.EnforcedFrom != "", path+".status",
			"rule %s is announced without a date; write the day from which it counts, as enforced_from: 2027-02-01", r.ID)
	} else {
		d.that(r.EnforcedFrom == "", path+".enforced_from",
			"rule %s: enforced_from is the date of an announced rule; write status: announced or remove the date", r.ID)
	}
	if r.EnforcedFrom != "" {
		_, err := ParseDate(r.EnforcedFrom)
		d.that(err == nil, path+".enforced_from", "rule %s: enforced_from: %v", r.ID, err)
	}
	for _, span := range []struct{ key, text string }{{"grace", r.Grace}, {"freshness", r.Freshness}} {
		if span.text != "" {
			_, err := ParseSpan(span.text)
			d.that(err == nil, path+"."+span.key, "rule %s: %s: %v", r.ID, span.key, err)
		}
	}
}

func (d *Document) checkVerdict(path string, r *Rule) {
	expr := strings.TrimSpace(r.Expr) != ""
	switch {
	case expr && len(r.Bands) > 0:
		d.fail(path+".bands", "rule %s has expr and bands; use one of them", r.ID)
	case !expr && d.Has(path+".expr"):
		d.fail(path+".expr", "rule %s: expr is empty", r.ID)
	case !expr && len(r.Bands) == 0 && r.Review == nil && !d.wrong(path+".bands") && !d.wrong(path+".review"):
		d.fail(path, "rule %s has no expr; write expr, bands or review", r.ID)
	}
	for i, band := range r.Bands {
		d.checkBand(d.BandPath(path, i), r.ID, band)
	}
	d.that(len(r.Bands) > 0 || !d.Has(path+".bands") || d.wrong(path+".bands"), path+".bands",
		"rule %s: bands is empty", r.ID)
	if r.Review != nil {
		d.that(strings.TrimSpace(r.Review.Note) != "", path+".review",
			"rule %s: review has no note; say in a sentence what to look at", r.ID)
		decided := expr || len(r.Bands) > 0
		d.that(!decided || r.Review.When != "", path+".review",
			"rule %s: review has no when; with expr or bands, say when a person must look", r.ID)
		d.that(decided || r.Review.When == "", path+".review.when",
			"rule %s: review.when needs expr or bands, which decide where it is false", r.ID)
	}
	d.that(r.AppliesNote == "" || r.Applies != "", path+".applies_note",
		"rule %s: applies_note explains applies, which the rule does not have", r.ID)
}

// BandPath returns the path of the band i of the rule at path, which the file may have without a list around it.
func (d *Document) BandPath(path string, i int) string {
	if listed := fmt.Sprintf("%s.bands[%d]", path, i); d.Has(listed) {
		return listed
	}
	return path + ".bands"
}

func (d *Document) checkBand(path, id string, b Band) {
	d.that(strings.TrimSpace(b.Value) != "", path, "rule %s: bands has no value", id)
	pass, err := ParseLimit(b.Pass)
	d.that(err == nil, path+".pass", "rule %s: pass: %v", id, err)
	if b.Warn == "" {
		return
	}
	warn, warnErr := ParseLimit(b.Warn)
	d.that(warnErr == nil, path+".warn", "rule %s: warn: %v", id, warnErr)
	if err == nil && warnErr == nil {
		d.that(pass.Operator[0] == warn.Operator[0] || pass.Operator == "==", path+".warn",
			"rule %s: pass is %q and warn is %q; compare both in one direction", id, b.Pass, b.Warn)
	}
}

func (d *Document) checkHelp(path string, r *Rule) {
	if a := r.Action; a != nil {
		d.that(len(a.Kind) > 0 || d.wrong(path+".action.kind"), path+".action",
			"rule %s: the action has no kind; write one of %s", r.ID, strings.Join(ActionKinds, ", "))
		for _, kind := range a.Kind {
			d.that(slices.Contains(ActionKinds, kind), path+".action.kind",
				"rule %s: action kind %q is not one of %s", r.ID, kind, strings.Join(ActionKinds, ", "))
		}
	}
	d.checkControls(path, r)
	for i, link := range r.Links {
		at := fmt.Sprintf("%s.links[%d]", path, i)
		d.that(strings.TrimSpace(link.Title) != "", at, "rule %s: the link has no title", r.ID)
		u, err := url.Parse(link.URL)
		d.that(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "", at+".url",
			"rule %s: link %q is not an address; begin it with https://", r.ID, link.URL)
		d.that(err != nil || u.User == nil, at+".url", "rule %s: a link contains a user name or a password, which everybody "+
			"who sees the rule would see; remove it", r.ID)
	}
}

// checkControls checks the controls of public standards that a rule names.
func (d *Document) checkControls(path string, r *Rule) {
	for i, c := range r.Controls {
		at := fmt.Sprintf("%s.controls[%d]", path, i)
		standard, known := controls.Lookup(c.Standard)
		d.that(known || d.wrong(at), at+".standard", "rule %s: standard %s is not one of %s%s", r.ID, shown(c.Standard),
			strings.Join(controls.Names(), ", "), meant(c.Standard, controls.Names()))
		d.that(!known || slices.Contains(standard.IDs(), c.Control), at+".control",
			"rule %s: %s %s has no control %s%s", r.ID, standard.Title, standard.Version, shown(c.Control),
			meant(c.Control, standard.IDs()))
		d.that(c.Shows == ShowsWhole || c.Shows == ShowsPart || d.wrong(at), at+".shows",
			"rule %s: shows is %s; write %s if the rule shows all of the control, and %s otherwise", r.ID, shown(c.Shows),
			ShowsWhole, ShowsPart)
		same := func(o Shows) bool { return o.Standard == c.Standard && o.Control == c.Control }
		d.that(!slices.ContainsFunc(r.Controls[:i], same), at, "rule %s: control %s is listed twice", r.ID, c.Control)
	}
}

// The name of the fact of a scorecard's level is LevelPrefix, the name of the scorecard, LevelSuffix.
const (
	LevelPrefix = "scorecard."
	LevelSuffix = ".level"
)

// LevelFact returns the name of the fact of a scorecard's level.
func LevelFact(scorecard string) string { return LevelPrefix + scorecard + LevelSuffix }

// ScorecardOf returns the scorecard of which name is the level.
func ScorecardOf(name string) (scorecard string, ok bool) {
	rest, prefixed := strings.CutPrefix(name, LevelPrefix)
	scorecard, suffixed := strings.CutSuffix(rest, LevelSuffix)
	return scorecard, prefixed && suffixed && scorecard != ""
}
