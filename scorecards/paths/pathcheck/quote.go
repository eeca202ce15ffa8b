package pathcheck

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/workflow"
	"github.com/dxctl/dxctl/scorecards/paths"
	"github.com/dxctl/dxctl/strictyaml"
)

// marker is an answer that stands nowhere else, so that what becomes of an answer can be followed.
const marker = "dxctlprobe"

// awkward are texts that YAML or a shell reads as something else than the text, where they are written without quotes.
var awkward = []string{
	"null", "true", "on", "1.5", "0x1F", "1e3", "~", "2026-11-26", "=", "<<",
	"a: b", "a:", "a #b", "- a", "-", "*a", "&a", "!a", "[a", "{a", "a]", "a}", "a,b", "'a", `"a`, "a'", `a"`, "@a", "%a", "?",
	"| a", "> a", "#a", `a\b`, "a b", "a;b", "a&b", "a|b", "a>b", "a<b", "a*b", "a(b", "a$b", "$a", "~a",
}

// inShell are characters that a shell does not take as part of a word.
const inShell = " ;&|<>*?()[]{}$'\"\\!#~"

// quotes reports answers that can change the meaning of a file that they are written into.
func (l *linter) quotes() {
	for i := range l.p.Questions {
		q := &l.p.Questions[i]
		if len(q.Choices) > 0 || len(l.p.Uses(q.Name)) == 0 {
			continue // choices are the path's own words
		}
		accepted := append(slices.Clone(awkward), l.samples[q.Name])
		// A word that a template asks about chooses a part of the template, as a choice does.
		accepted = slices.DeleteFunc(accepted, func(text string) bool {
			return q.Check(text) != nil || slices.Contains(l.p.Compared(), text)
		})
		l.inFiles(q, accepted)
		l.inScripts(q, accepted)
	}
}

// inFiles compares what YAML files mean with an answer and with the marker in its place.
func (l *linter) inFiles(q *paths.Question, accepted []string) {
	var sources []string
	for _, u := range l.p.Uses(q.Name) {
		if structured(strings.TrimSuffix(u.Source, paths.Suffix)) && !slices.Contains(sources, u.Source) {
			sources = append(sources, u.Source)
		}
	}
	if len(sources) == 0 {
		return
	}
	for _, a := range l.variants() {
		with := func(text string) (paths.Tree, error) {
			answers := maps.Clone(a)
			answers[q.Name] = text
			return l.p.RenderUnchecked(answers, l.defaults(), sources)
		}
		marked, err := with(marker)
		if err != nil {
			return // the path does not render with an ordinary word, or needs an answer of a special form
		}
		l.inRuns(q, marked)
		for _, text := range accepted {
			probed, err := with(text)
			if err != nil {
				l.unquoted(q, text, "", err)
				continue
			}
			for _, f := range marked {
				other, ok := probed.File(f.Path)
				if !ok || !structured(f.Path) || bytes.Equal(f.Content, other.Content) {
					continue
				}
				if why := differs(f.Content, other.Content, text); why != nil {
					l.unquoted(q, text, f.Source, why)
				}
			}
		}
	}
}

// variants are the combinations of choices with which different parts of the templates are rendered.
func (l *linter) variants() []paths.Answers {
	all := choices(l.p, l.samples)
	if len(all) > 2 {
		return []paths.Answers{all[0], all[len(all)-1]}
	}
	return all
}

func structured(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

// unquoted reports a question at the places of its use in a template; in all templates if source is "".
func (l *linter) unquoted(q *paths.Question, text, source string, why error) {
	if found := source + ":" + q.Name; slices.Contains(l.reported, found) {
		return
	} else if l.reported = append(l.reported, found); source == "" && l.named(why, q, text) {
		return
	}
	for _, u := range l.p.Uses(q.Name) {
		if (source == "" || u.Source == source) && !u.Quoted {
			l.fail(paths.TemplateDir+"/"+u.Source, u.Line, "the answer %q to %s changes the meaning of the file (%v); write "+
				"{{ yaml %s }} or {{ json %s }}, or a narrower pattern in %s", text, q.Name, why, q.Name, q.Name,
				paths.QuestionsFile)
			return
		}
	}
	if source != "" {
		l.fail(paths.TemplateDir+"/"+source, 0, "the answer %q to %s changes the meaning of the file (%v)", text, q.Name, why)
	}
}

// named reports a question in the file of which a mistake is, if it uses the question.
func (l *linter) named(why error, q *paths.Question, text string) bool {
	for _, m := range strictyaml.Mistakes(why) {
		for _, u := range l.p.Uses(q.Name) {
			if m.File == l.p.At(paths.TemplateDir+"/"+u.Source) {
				l.unquoted(q, text, u.Source, errors.New(m.Message))
				return true
			}
		}
	}
	return false
}

// differs returns how the meaning of two YAML files differs, besides that one has text where the other has the marker.
func differs(marked, probed []byte, text string) error {
	a, err := documents(marked)
	if len(a) == 0 || err != nil {
		return nil //nolint:nilerr // the file has another format than its name says, whatever the answer
	}
	b, err := documents(probed)
	if err != nil {
		return err
	}
	if len(a) != len(b) {
		return fmt.Errorf("%d documents instead of %d", len(b), len(a))
	}
	for i := range a {
		if err := compare(a[i], b[i], text); err != nil {
			return err
		}
	}
	return nil
}

func documents(data []byte) ([]*yaml.Node, error) {
	var all []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, &n)
	}
}

func compare(a, b *yaml.Node, text string) error {
	if a.Kind != b.Kind || len(a.Content) != len(b.Content) {
		return fmt.Errorf("line %d has another structure", b.Line)
	}
	if a.Kind == yaml.ScalarNode && strings.Contains(strings.ToLower(a.Value), marker) {
		if a.ShortTag() != b.ShortTag() {
			return fmt.Errorf("line %d is no longer a text", b.Line)
		}
		// Where a function changed the marker, only the structure can be compared.
		if strings.Contains(a.Value, marker) && b.Value != strings.ReplaceAll(a.Value, marker, text) {
			return fmt.Errorf("line %d becomes %q", b.Line, short(b.Value))
		}
	}
	for i := range a.Content {
		if err := compare(a.Content[i], b.Content[i], text); err != nil {
			return err
		}
	}
	return nil
}

func short(text string) string {
	if len(text) > 60 {
		return text[:60] + "…"
	}
	return text
}

// inRuns reports answers in the scripts of workflows, which run with the rights of the repository.
func (l *linter) inRuns(q *paths.Question, marked paths.Tree) {
	for _, f := range marked {
		isWorkflow := path.Dir(f.Path) == ".github/workflows"
		isAction := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path)) == "action"
		if !structured(f.Path) || !isWorkflow && !isAction {
			continue
		}
		var steps []workflow.Step
		if w, err := workflow.Parse(f.Path, string(f.Content)); isWorkflow && err == nil {
			for i := range w.Jobs {
				steps = append(steps, w.Jobs[i].Steps...)
			}
		} else if a, err := workflow.ParseAction(f.Path, string(f.Content)); isAction && err == nil {
			steps = a.Steps
		}
		for i := range steps {
			if strings.Contains(strings.ToLower(steps[i].Run), marker) {
				l.fail(paths.TemplateDir+"/"+f.Source, l.lineOf(q.Name, f.Source, steps[i].Run), "a script has the answer to %s; "+
					`pass it in env and write it as "$NAME"`, q.Name)
			}
		}
	}
}

// lineOf returns the line of a template on which an answer is used in a script; 0 if it cannot be told.
func (l *linter) lineOf(question, source, script string) int {
	data, _ := l.p.Template(source)
	lines := strings.Split(string(data), "\n")
	best := 0
	for _, u := range l.p.Uses(question) {
		if u.Source != source || u.Line < 1 || u.Line > len(lines) {
			continue
		}
		if best == 0 {
			best = u.Line
		}
		before, _, _ := strings.Cut(lines[u.Line-1], "{{")
		before = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(before), "run:"))
		before = strings.TrimPrefix(before, "- run: ")
		if before != "" && strings.Contains(script, before) {
			return u.Line
		}
	}
	return best
}

// inScripts reports answers that a shell may read as more than a word.
func (l *linter) inScripts(q *paths.Question, accepted []string) {
	i := slices.IndexFunc(accepted, func(text string) bool { return strings.ContainsAny(text, inShell) })
	if i < 0 {
		return
	}
	for _, u := range l.p.Uses(q.Name) {
		if u.Quoted || !l.script(u.Source) {
			continue
		}
		l.fail(paths.TemplateDir+"/"+u.Source, u.Line, "a shell takes the answer %q to %s for more than a word; write "+
			"{{ shell %s }}, or a narrower pattern in %s", accepted[i], q.Name, q.Name, paths.QuestionsFile)
	}
}

// script reports whether a template becomes something that a shell reads.
func (l *linter) script(source string) bool {
	name := strings.TrimSuffix(path.Base(source), paths.Suffix)
	data, _ := l.p.Template(source)
	first, _, _ := strings.Cut(string(data), "\n")
	return slices.Contains([]string{".sh", ".bash", ".mk"}, path.Ext(name)) || name == "Makefile" ||
		strings.HasPrefix(name, "Dockerfile") || strings.HasSuffix(name, ".Dockerfile") ||
		strings.HasPrefix(first, "#!") && strings.Contains(first, "sh")
}
