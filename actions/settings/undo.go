package settings

import (
	"encoding/json"
	"slices"
)

// Undo returns the changes that restore what was there before, and what is left because somebody has changed it since.
// A setting that is as it was before is met. changes are those that were applied, in their order.
func Undo(s State, changes []Change) Planned {
	var p Planned
	for _, c := range slices.Backward(changes) {
		now, read := s.Values[c.Setting]
		switch {
		case c.RulesetID != 0 && c.RulesetID != s.RulesetID && s.Others[c.RulesetID] != "":
			p.Left = append(p.Left, Left{c.Setting, "somebody has renamed our ruleset to " + s.Others[c.RulesetID]})
		case c.RulesetID != 0 && s.RulesetID != 0 && c.RulesetID != s.RulesetID:
			p.Left = append(p.Left, Left{c.Setting, "our ruleset was deleted since, and another one has its name: it is left " +
				"as it is"})
		case !read && s.Refused[c.Setting] != "":
			p.Left = append(p.Left, Left{c.Setting, "GitHub does not offer it here: " + s.Refused[c.Setting]})
		case !read && s.gone(c.Setting):
			p.Left = append(p.Left, Left{c.Setting, "somebody has deleted it since"})
		case !read:
			p.Unread = append(p.Unread, Left{c.Setting, s.whyUnread(c.Setting)})
		case covers(now, c.Before):
			p.Met = append(p.Met, c.Setting)
		case !covers(now, c.After):
			p.Left = append(p.Left, Left{c.Setting, "somebody has changed it since: it is left as it is"})
		default:
			back := Change{Setting: c.Setting, Rules: c.Rules, Why: "restore what was there before: " + c.Why, After: c.Before}
			if back.Before = c.After; wholly(c.Setting) { // GitHub has its own order and defaults
				back.Before = now
			}
			p.Changes = append(p.Changes, back)
		}
	}
	return p
}

// covers reports whether a value has all that another one has. Objects may have more keys: GitHub adds its defaults to
// what was sent.
func covers(now, want json.RawMessage) bool {
	var a, b any
	if json.Unmarshal(now, &a) != nil || json.Unmarshal(want, &b) != nil {
		return false
	}
	return coversAny(a, b)
}

func coversAny(now, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		has, ok := now.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range want {
			if there, known := has[key]; !known || !coversAny(there, value) {
				return false
			}
		}
		return true
	case []any: // in any order: GitHub has its own
		has, ok := now.([]any)
		if !ok || len(has) != len(want) {
			return false
		}
		has = slices.Clone(has)
		for _, one := range want {
			i := slices.IndexFunc(has, func(there any) bool { return coversAny(there, one) })
			if i < 0 {
				return false
			}
			has = slices.Delete(has, i, i+1)
		}
		return true
	}
	return now == want
}

// Applied returns a change as it took effect: the value after it is the one that was read since, as far as the change
// set it.
func (c Change) Applied(now State) Change {
	if value, read := now.Values[c.Setting]; read && covers(value, c.After) {
		if wholly(c.Setting) {
			c.After = value
		}
	}
	if c.Setting == Ruleset {
		c.RulesetID = now.RulesetID
	}
	return c
}

// Effective reports whether a setting has the value that a change gave it.
func (c Change) Effective(now State) bool { return covers(now.Values[c.Setting], c.After) }
