package edits

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// make looks at what targets of a Makefile run.
func (r *reader) make(args []string, said string, at place) string {
	var targets []string
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-C" && i+1 < len(args) && args[i+1] != placeholder:
			at.dir = path.Join(at.dir, args[i+1])
			i++
		case a == "-j" && i+1 < len(args) && wrapped.MatchString(args[i+1]):
			i++
		case strings.HasPrefix(a, "-j"), slices.Contains([]string{"-s", "-k", "-B", "--no-print-directory"}, a):
		case wrapped.MatchString(a):
			return said // a variable may be a part of a command
		case strings.HasPrefix(a, "-") || a == placeholder:
			return said
		default:
			targets = append(targets, a)
		}
	}
	if !at.known || strings.HasPrefix(at.dir, "../") || at.dir == ".." {
		return said
	}
	for _, base := range []string{"GNUmakefile", "makefile", "Makefile"} {
		name := path.Join(at.dir, base)
		content, ok := r.e.content(name)
		if !ok {
			continue
		}
		rules, ok := parseMakefile(lines(content))
		if !ok || len(content) > maxScript {
			return said
		}
		if len(targets) == 0 {
			if rules.first == "" {
				return said
			}
			targets = []string{rules.first}
		}
		for _, t := range targets {
			if rules.prerequisites[t] == nil {
				return said
			}
			if reason := r.target(name, rules, t, at); reason != "" {
				return r.inside(name, reason)
			}
		}
		return ""
	}
	for _, t := range targets { // a Makefile that the build makes
		if !slices.Contains(usual, t) {
			return said
		}
	}
	return ""
}

// target looks at the recipe of a target and of what it depends on.
func (r *reader) target(name string, rules *makefile, target string, at place) string {
	key := name + "#" + target
	if r.seen[key] {
		return ""
	}
	r.seen[key] = true
	for _, needed := range rules.prerequisites[target] {
		if strings.Contains(needed, placeholder) {
			return "make " + target
		}
		if at.depth++; at.depth > maxDepth {
			return "make " + target
		}
		if reason := r.target(name, rules, needed, at); reason != "" {
			return reason
		}
		at.depth--
	}
	return r.unknown(strings.Join(rules.recipes[target], "\n"), at)
}

// makefile has the rules of a Makefile.
type makefile struct {
	first         string
	prerequisites map[string][]string // by target; not nil for one that there is
	recipes       map[string][]string
}

var (
	makeRule     = regexp.MustCompile(`^([^\s:=#][^:=#]*?)\s*::?\s*([^=:]*)$`)
	makeVariable = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_]\w*)\s*(:=|::=|\?=|\+=|!=|=)\s*(.*)$`)
	makeUse      = regexp.MustCompile(`\$[({]([A-Za-z_]\w*)[)}]`)
	makeCall     = regexp.MustCompile(`\$\([^()]*\)|\$\{[^{}]*\}|\$[@<^?*%+|]`)
	makeOther    = regexp.MustCompile(`^(-?include|sinclude|define|SHELL|\.SHELLFLAGS|\.ONESHELL|\.DEFAULT|\.EXTRA_PREREQS)\b`)
	makeSkipped  = regexp.MustCompile(`^(ifn?eq|ifn?def|else|endif|export|unexport|vpath|\.[A-Z_]+\s*:)`)
)

// parseMakefile reads rules with their recipes. ok is false for a Makefile with more than rules and plain variables:
// what it includes or computes is not known.
func parseMakefile(text string) (m *makefile, ok bool) {
	m = &makefile{prerequisites: map[string][]string{}, recipes: map[string][]string{}}
	values := map[string]string{"MAKE": "make"}
	var current []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimRight(line, "\n")
		if recipe, found := strings.CutPrefix(line, "\t"); found {
			for _, t := range current {
				m.recipes[t] = append(m.recipes[t], recipe)
			}
			continue
		}
		if line, _, _ = strings.Cut(line, "#"); strings.TrimSpace(line) == "" {
			continue
		}
		line = strings.TrimSpace(line)
		if makeOther.MatchString(line) {
			return nil, false
		}
		if v := makeVariable.FindStringSubmatch(line); v != nil {
			if _, twice := values[v[1]]; twice || v[2] == "!=" {
				v[3] = placeholder
			}
			values[v[1]] = v[3]
			continue
		}
		if makeSkipped.MatchString(line) {
			continue
		}
		line, inline, _ := strings.Cut(line, ";")
		rule := makeRule.FindStringSubmatch(line)
		if rule == nil || strings.Contains(rule[1], "%") || strings.Contains(rule[1], "$") {
			return nil, false
		}
		current = strings.Fields(rule[1])
		for _, t := range current {
			if m.first == "" {
				m.first = t
			}
			m.prerequisites[t] = append(m.prerequisites[t], strings.Fields(strings.ReplaceAll(rule[2], "|", " "))...)
			if m.prerequisites[t] == nil {
				m.prerequisites[t] = []string{}
			}
			if inline = strings.TrimSpace(inline); inline != "" {
				m.recipes[t] = append(m.recipes[t], inline)
			}
		}
	}
	for t, needed := range m.prerequisites {
		expanded := strings.Fields(expandMake(strings.Join(needed, " "), values))
		m.prerequisites[t] = append([]string{}, expanded...)
		for i, recipe := range m.recipes[t] {
			m.recipes[t][i] = strings.TrimLeft(expandMake(strings.TrimSpace(recipe), values), "@-+ ")
		}
	}
	return m, true
}

// expandMake replaces variables by their values, and everything else that make computes by the placeholder.
func expandMake(text string, values map[string]string) string {
	const dollar = "\x00"
	for range 5 {
		text = strings.ReplaceAll(text, "$$", dollar)
		next := makeUse.ReplaceAllStringFunc(text, func(use string) string {
			if value, ok := values[makeUse.FindStringSubmatch(use)[1]]; ok {
				return value
			}
			return placeholder
		})
		if next == text || len(next) > maxScript {
			break
		}
		text = next
	}
	for makeCall.MatchString(text) {
		text = makeCall.ReplaceAllString(text, placeholder)
	}
	return strings.ReplaceAll(text, dollar, "$")
}
