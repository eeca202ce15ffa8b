package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/format"
)

// ruleChanges returns what is different about a rule; nil if nothing is that can change an outcome or a grade. before
// and after are nil where the set does not have the rule.
func ruleChanges(before, after *scorecards.Rule, at time.Time) []string {
	switch {
	case before == nil && after == nil:
		return nil
	case before == nil:
		return []string{"new rule" + inStage(after, at)}
	case after == nil:
		return []string{"rule removed"}
	}
	var changes []string
	differ := func(different bool, text string) {
		if different {
			changes = append(changes, text)
		}
	}
	if b, a := before.StageAt(at), after.StageAt(at); a == format.Retired && b != a {
		return []string{"rule retired"}
	} else if b != a {
		changes = append(changes, fmt.Sprintf("%s, was %s", stage(after, at), stage(before, at)))
	} else {
		differ(a == format.Announced && !before.EnforcedFrom.Equal(after.EnforcedFrom),
			"announced for "+after.EnforcedFrom.Format(time.DateOnly)+", was "+before.EnforcedFrom.Format(time.DateOnly))
	}
	differ(squeeze(before.Expr) != squeeze(after.Expr), "expression changed")
	differ(!reflect.DeepEqual(before.Bands, after.Bands), bandsChanged(before, after))
	differ(squeeze(before.Applies) != squeeze(after.Applies), "applies changed")
	differ(!reflect.DeepEqual(before.Review, after.Review), "review changed")
	differ(before.Level != after.Level, fmt.Sprintf("level %s, was %s", after.Level, before.Level))
	differ(before.Weight != after.Weight, fmt.Sprintf("weight %g, was %g", after.Weight, before.Weight))
	differ(before.Grace != after.Grace, fmt.Sprintf("grace %s, was %s", span(after.Grace), span(before.Grace)))
	differ(before.Freshness != after.Freshness,
		fmt.Sprintf("freshness %s, was %s", span(after.Freshness), span(before.Freshness)))
	differ(before.Waivable != after.Waivable,
		map[bool]string{true: "can be waived", false: "cannot be waived any longer"}[after.Waivable])
	differ(before.Version != after.Version && len(changes) == 0, fmt.Sprintf("version %d, was %d", after.Version,
		before.Version))
	return changes
}

// bandsChanged shows the limits where one band has others.
func bandsChanged(before, after *scorecards.Rule) string {
	if len(before.Bands) == 1 && len(after.Bands) == 1 &&
		squeeze(before.Bands[0].Value) == squeeze(after.Bands[0].Value) {
		limits := func(b format.Band) string {
			if b.Warn == "" {
				return "pass " + b.Pass
			}
			return "pass " + b.Pass + ", warn " + b.Warn
		}
		return "bands changed: " + limits(after.Bands[0]) + "; was " + limits(before.Bands[0])
	}
	return "bands changed"
}

func stage(r *scorecards.Rule, at time.Time) string {
	if s := r.StageAt(at); s != format.Announced {
		return s
	}
	return "announced for " + r.EnforcedFrom.Format(time.DateOnly)
}

// inStage is the stage of a new rule, unless it is in force.
func inStage(r *scorecards.Rule, at time.Time) string {
	if r.StageAt(at) == format.Enforced {
		return ""
	}
	return ", " + stage(r, at)
}

func span(d time.Duration) string {
	switch {
	case d == 0:
		return "none"
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}

// squeeze makes texts equal that differ in white space only.
func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }

// cardChanges returns what is different about a scorecard itself.
func cardChanges(before, after *scorecards.Scorecard) []string {
	switch {
	case before == nil:
		return []string{"new scorecard"}
	case after == nil:
		return []string{"scorecard removed"}
	}
	var changes []string
	if squeeze(before.Filter) != squeeze(after.Filter) {
		changes = append(changes, "filter changed")
	}
	if !slices.Equal(before.Levels, after.Levels) {
		changes = append(changes, "levels "+strings.Join(after.Levels, ", ")+"; were "+strings.Join(before.Levels, ", "))
	}
	if !slices.Equal(before.WaiversFrom, after.WaiversFrom) {
		changes = append(changes, "other waivers count")
	}
	if !reflect.DeepEqual(before.Facts, after.Facts) {
		changes = append(changes, "facts changed")
	}
	return changes
}
