package fix

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/scorecards"
)

// rules plans a patch for each rule that is not met.
func (p *planner) rules(ctx context.Context, reports []scorecards.Report) error {
	for _, report := range reports {
		for i := range report.Results {
			x := &report.Results[i]
			if len(p.Rules) > 0 && !slices.Contains(p.Rules, x.Rule) {
				continue
			}
			if x.Outcome == event.Pass || x.Outcome == event.NotApplicable || x.Outcome == event.Waived {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			r := p.rule(ctx, report.Scorecard, x)
			k := slices.IndexFunc(p.plan.Rules, func(there Rule) bool {
				return there.ID == r.ID && there.Scorecard == r.Scorecard
			})
			if k < 0 {
				p.plan.Rules = append(p.plan.Rules, r)
				continue
			}
			there := &p.plan.Rules[k]
			if p.refused[r.ID] != "" {
				continue
			}
			files := append(there.Files, r.Files...) //nolint:gocritic // a list of its own, sorted below
			slices.Sort(files)
			there.Files = slices.Compact(files)
			there.Asks, there.NoPatch, there.Declined = r.Asks, r.NoPatch, r.Declined
			if len(there.Files) > 0 {
				there.NoPatch = ""
			}
		}
	}
	return nil
}

// maxReason is how many characters the evidence of a rule and what is asked have. They have texts of the repository.
const maxReason = 1000

func (p *planner) rule(ctx context.Context, card string, x *scorecards.Result) Rule {
	r := Rule{
		ID: x.Rule, Title: x.Title, Scorecard: card, Level: x.Level, Before: x.Outcome, After: x.Outcome,
		Reason: edits.OneLine(x.Reason, maxReason),
		Files:  []string{}, Asks: []Ask{}, What: x.Fix, Why: x.Why,
	}
	for _, l := range x.Links {
		r.Links = append(r.Links, l.URL)
	}
	if reason := p.declined(x.Rule, ""); reason != "" {
		r.decline(reason)
		return r
	}
	if reason := p.refused[x.Rule]; reason != "" {
		r.NoPatch = reason
		return r
	}
	before := maps.Clone(p.files.changed)
	conflicts := len(p.plan.Conflicts)
	missing := ""
	if patchable(x) {
		if edits.Has(x.Rule) {
			p.edit(ctx, &r)
		}
		if len(r.Asks) > 0 || !edits.Has(x.Rule) {
			missing = p.addFiles(&r)
		}
	}
	changed := changedSince(before, p.files.changed)
	if err := p.judgeAll(before, changed); err != nil {
		p.files.changed = before
		r.NoPatch = "the patch was refused: " + edits.OneLine(err.Error(), maxReason)
		p.refused[x.Rule] = r.NoPatch
		return r
	}
	r.Files = append(r.Files, changed...)
	switch {
	case len(changed) > 0, r.Declined != "":
	case len(p.plan.Conflicts) > conflicts:
		r.NoPatch = p.plan.Conflicts[conflicts].Path + " is in conflict: " + p.plan.Conflicts[conflicts].Reason
	case len(r.Asks) > 0:
		r.NoPatch = "a person has to decide: " + r.Asks[0].Text
		if missing != "" {
			r.NoPatch += "; " + missing
		}
	case missing != "":
		r.NoPatch = missing
	case !patchable(x), !edits.Has(x.Rule) && len(p.plan.Path.FixesOf(x.Rule)) == 0:
		r.NoPatch = elsewhere(x)
	default:
		r.NoPatch = "the files need no change; " + lower(x.Reason)
	}
	return r
}

// NoFile returns why no change of files makes a rule pass; "" if one may. It looks at no file.
func NoFile(x *scorecards.Result) string {
	declared := x.Action != nil && slices.Contains(x.Action.Kind, "patch")
	if declared || edits.Has(x.Rule) && patchable(x) {
		return ""
	}
	return elsewhere(x)
}

// SettingOfHost is why there is no patch for a setting.
const SettingOfHost = "it is a setting of the host"

// elsewhere says where a rule is decided that no file decides.
func elsewhere(x *scorecards.Result) string {
	switch {
	case x.Action != nil && slices.Contains(x.Action.Kind, "setting"):
		return SettingOfHost
	case x.Action != nil && slices.Contains(x.Action.Kind, "ask"):
		return "a person has to do it"
	}
	return "no file decides it"
}

// patchable reports whether a rule is one that a change of files makes pass. A rule of a tier is changed only if the
// tier is known: a second replica costs money.
func patchable(x *scorecards.Result) bool {
	if x.Rule == "disruption-budget" && x.Outcome != event.Fail {
		return false
	}
	return x.Action == nil || len(x.Action.Kind) == 0 || slices.Contains(x.Action.Kind, "patch")
}

func lower(text string) string {
	if text == "" {
		return "the rule depends on something else"
	}
	return text
}

func changedSince(before, after map[string][]byte) (names []string) {
	for name, content := range after {
		if was, ok := before[name]; !ok || !bytes.Equal(was, content) || (was == nil) != (content == nil) {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// edit runs the edit of a rule.
func (p *planner) edit(ctx context.Context, r *Rule) {
	with := map[string]any{}
	for _, f := range p.plan.Path.FixesOf(r.ID) {
		maps.Copy(with, f.With)
	}
	if r.ID == "codeowners-complete" && with["owner"] == nil && p.scope.Owners.Value != nil {
		if owner := p.answers()["code_owners"]; owner != "" {
			with["owner"] = owner
		}
	}
	result, err := edits.Apply(r.ID, edits.Repo{
		Facts:    p.scope,
		Entity:   p.plan.Service,
		Dir:      p.plan.Dir,
		Read:     p.current,
		Mentions: p.mentions,
		With:     with,
		Foreign: !slices.Contains(speaks(p.plan.Path.Spec.Service.Language),
			strings.ToLower(p.scope.Language.Main.Value)) && p.scope.Language.Main.Value != "",
		Actions: p.actions(),
		Images:  p.images(),
		Resolve: p.resolver(ctx),
		Digest:  p.digests(ctx),
		Jobs:    p.Jobs,
	})
	if err != nil {
		r.ask("", "the edit failed: "+err.Error())
		return
	}
	for _, name := range slices.Sorted(maps.Keys(result.Files)) { // the files of an edit belong together
		if reason := p.declined("", p.inService(name)); reason != "" {
			r.decline(name + " is " + reason)
			return
		}
	}
	for _, text := range result.Notes {
		if !slices.Contains(p.plan.Notes, text) {
			p.plan.Notes = append(p.plan.Notes, text)
		}
	}
	for _, a := range result.Asks {
		r.ask(a.At.String(), a.Text)
	}
	for _, name := range slices.Sorted(maps.Keys(result.Files)) { // other files may depend on a new one
		if _, exists := p.current(name); exists {
			continue
		}
		if reason := p.unwanted(name); reason != "" {
			r.ask(name, reason)
			return
		}
	}
	for _, name := range slices.Sorted(maps.Keys(result.Files)) {
		if p.plan.Dir != "." && rootOnly(name) && !strings.HasPrefix(name, ".github/workflows/") {
			r.ask(name, p.atRoot(name))
			continue
		}
		if err := p.set(name, result.Files[name]); err != nil {
			r.ask(name, "change it by hand: "+err.Error())
		}
	}
}

// decline records that the lock file declines the rule, or a file that its patch changes.
func (r *Rule) decline(reason string) {
	r.Declined = edits.OneLine(reason, maxReason)
	r.NoPatch = r.Declined
}

// ask leaves something to a person.
func (r *Rule) ask(place, text string) {
	a := Ask{Place: edits.OneLine(place, maxReason), Text: edits.OneLine(text, maxReason)}
	if !slices.Contains(r.Asks, a) {
		r.Asks = append(r.Asks, a)
	}
}

// judgeAll judges the files that a rule changed.
func (p *planner) judgeAll(before map[string][]byte, changed []string) error {
	for _, name := range changed {
		was, ok := before[name]
		if !ok {
			if file, err := p.read(name); err == nil {
				was = file.Content
			}
		}
		if err := judge(name, was, p.files.changed[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// actions are the commits of the golden path, then those that dxctl knows.
func (p *planner) actions() []edits.Action {
	var all []edits.Action
	for _, a := range p.plan.Path.Actions {
		all = append(all, edits.Action{Name: a.Name, Tag: a.Tag, Commit: a.Commit})
	}
	return append(append(all, p.Actions...), knownActions()...)
}

// maxCode bounds the code that is searched, in bytes.
const maxCode = 16 << 20

// codeFiles are the ends of names of files that are searched for what a service serves and uses.
var codeFiles = []string{
	".go", ".py", ".js", ".mjs", ".ts", ".tsx", ".java", ".kt", ".rb", ".rs", ".php", ".cs", ".scala", ".ex", ".mod",
	".toml", ".json", ".xml", ".gradle", ".kts", ".txt", ".yaml", ".yml", ".properties",
}

// readCode reads the code of programs, as far as there are workloads or images: what they serve and use is asked of it.
// Locks and manifests are left out.
func (r *repo) readCode() {
	if len(r.facts.Manifests.Workloads) == 0 && len(r.facts.Containers.Files) == 0 {
		return
	}
	total := 0
	files := r.facts.Files()
	for _, f := range files.Files {
		ext := path.Ext(f.Path)
		isYAML := (ext == ".yaml" || ext == ".yml") && !strings.Contains(f.Path, "src/main/resources")
		if f.Link || f.Size > 256<<10 || isYAML || !slices.Contains(codeFiles, ext) || strings.Contains(f.Base(), "lock") ||
			!files.Own(f.Path) {
			continue
		}
		content, _, err := files.Bytes(f, 256<<10)
		if total += len(content); err != nil || total > maxCode {
			continue
		}
		r.code = append(r.code, source{f.Path, string(content)})
	}
}

// mentions reports whether the code of the service has a text.
func (p *planner) mentions(text string) bool {
	said, known := p.said[text]
	if !known {
		said = slices.ContainsFunc(p.code, func(s source) bool {
			return tree.Under(s.path, p.plan.Dir) && strings.Contains(s.text, text)
		})
		p.said[text] = said
	}
	return said
}
