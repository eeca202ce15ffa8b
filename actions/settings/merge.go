package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Merge returns the change that makes what two changes of one setting make, both planned on the same value: services of
// one repository need different things of it. An environment gets the reviewers of both, of whom one suffices, so that
// each can approve the deployments of the other. It returns an error if these are more than GitHub allows, if the
// changes were planned on different values, or if they contain invalid JSON.
func Merge(a, b Change) (Change, error) {
	c := a
	c.Rules = slices.Clone(a.Rules)
	for _, rule := range b.Rules {
		if !slices.Contains(c.Rules, rule) {
			c.Rules = append(c.Rules, rule)
		}
	}
	var err error
	switch {
	case a.Setting != b.Setting || wholly(a.Setting) && !bytes.Equal(a.Before, b.Before):
		return a, fmt.Errorf("the %s changed while it was planned; plan again", b.Setting)
	case environmentOf(a.Setting) != "":
		c.After, err = mergedReviewers(a.After, b.After)
	case a.Setting == Ruleset:
		c.After, err = mergedRulesets(a.After, b.After)
	default: // of the settings that are set by the key, each change has its keys
		if c.Before, err = mergedObjects(a.Before, b.Before); err == nil {
			c.After, err = mergedObjects(a.After, b.After)
		}
	}
	if err != nil {
		return a, fmt.Errorf("merging two changes of the %s: %w", a.Setting, err)
	}
	switch {
	case covers(b.After, c.After):
		c.Why = b.Why
	case !covers(a.After, c.After):
		c.Why = a.Why + "; " + b.Why
	}
	return c, nil
}

// SharesReviewers reports whether a merged change of an environment has more reviewers than one of the two that it was
// made of.
func SharesReviewers(merged, a, b Change) bool {
	return environmentOf(merged.Setting) != "" &&
		(!bytes.Equal(merged.After, a.After) || !bytes.Equal(merged.After, b.After))
}

func mergedReviewers(a, b json.RawMessage) (json.RawMessage, error) {
	var one, other environmentBody
	for text, into := range map[*json.RawMessage]*environmentBody{&a: &one, &b: &other} {
		if err := json.Unmarshal(*text, into); err != nil {
			return nil, fmt.Errorf("reading an environment: %w", err)
		}
	}
	for _, reviewer := range other.Reviewers {
		if !slices.Contains(one.Reviewers, reviewer) {
			one.Reviewers = append(one.Reviewers, reviewer)
		}
	}
	if n := len(one.Reviewers); n > maxReviewers {
		return nil, fmt.Errorf("an environment has at most %d reviewers, and together they name %d", maxReviewers, n)
	}
	return canonical(one), nil
}

func mergedObjects(a, b json.RawMessage) (json.RawMessage, error) {
	all := map[string]any{}
	for _, text := range []json.RawMessage{b, a} {
		if err := json.Unmarshal(text, &all); err != nil {
			return nil, fmt.Errorf("reading a value: %w", err)
		}
	}
	return canonical(all), nil
}

// mergedRulesets returns the stricter of each parameter of two rulesets that differ in what was added to them.
func mergedRulesets(a, b json.RawMessage) (json.RawMessage, error) {
	var r, other ruleset
	for text, into := range map[*json.RawMessage]*ruleset{&a: &r, &b: &other} {
		if err := json.Unmarshal(*text, into); err != nil {
			return nil, fmt.Errorf("reading a ruleset: %w", err)
		}
	}
	for _, more := range other.Rules {
		one := r.rule(more.Type)
		for name, value := range more.Parameters {
			one.stricter(name, value)
		}
	}
	return r.value(), nil
}

// stricter sets a parameter if that makes the rule stricter, or if it has none.
func (r *rule) stricter(name string, value any) {
	now := r.Parameters[name]
	switch value := value.(type) {
	case bool:
		on, _ := now.(bool)
		r.set(name, on || value)
	case float64:
		n, _ := now.(float64)
		r.set(name, max(n, value))
	case []any:
		list, _ := now.([]any)
		list = slices.Clone(list)
		for _, one := range value {
			if !slices.ContainsFunc(list, func(has any) bool { return coversAny(has, one) }) {
				list = append(list, one)
			}
		}
		r.set(name, list)
	default:
		if now == nil {
			r.set(name, value)
		}
	}
}
