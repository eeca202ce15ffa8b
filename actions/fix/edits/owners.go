package edits

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// completeOwners adds a line for everything before the lines of others: the last match decides, so that nothing that
// has an owner gets another one. Only the golden path or an answer names who owns everything; the owner of some files
// does not.
func completeOwners(e *editor) {
	owner := e.text("owner", "")
	file, known := e.Facts.Owners.Get()
	if !known {
		e.ask(e.Facts.Owners.At.Path, e.Facts.Owners.At.Line, "correct CODEOWNERS: %s", e.Facts.Owners.Reason)
		return
	}
	if file == nil {
		if owner == "" {
			e.ask("", 0, "write .github/CODEOWNERS with a line `* @organization/team`: the golden path names no owner")
			return
		}
		e.put(".github/CODEOWNERS",
			[]byte("# The last line that matches a file decides who is asked for a review.\n* "+owner+"\n"))
		return
	}
	for _, p := range file.Problems {
		e.ask(p.At.Path, p.At.Line, "correct the line: %s", p.Reason)
	}
	coverage, known := e.Facts.Coverage.Get()
	if !known {
		return
	}
	for _, rule := range coverage.Dead {
		e.ask(rule.At.Path, rule.At.Line, "remove or correct the pattern %s, which matches no file", rule.Pattern)
	}
	if len(coverage.Uncovered) == 0 {
		return
	}
	content, ok := e.content(file.Path)
	special := func(r ownersRule) bool { return r.Section != "" || r.Pattern == "*" }
	if owner == "" || !ok || slices.ContainsFunc(file.Rules, special) {
		e.ask(file.Path, 0, "name owners of %d files that have none, such as %s; owners of all files have a line `* "+
			"@organization/team` before the others", len(coverage.Uncovered), coverage.Uncovered[0])
		return
	}
	all := strings.SplitAfter(string(content), "\n")
	at := 0
	for at < len(all) && strings.HasPrefix(all[at], "#") { // the comments at the beginning are about the file
		at++
	}
	newline := "\n"
	if strings.Contains(string(content), "\r\n") {
		newline = "\r\n"
	}
	line := "* " + owner + newline
	if at > 0 && !strings.HasSuffix(all[at-1], "\n") {
		line = newline + line
	}
	e.put(file.Path, []byte(strings.Join(all[:at], "")+line+strings.Join(all[at:], "")))
}

// component edits the part of the descriptor that describes the service.
func (e *editor) component(change func(f *splice.File, name string, doc *yaml.Node) error) {
	for _, d := range e.Facts.Descriptors {
		if !strings.EqualFold(d.Entity.Ref, e.Entity.Ref) {
			continue
		}
		e.yaml(d.At.Path, func(f *splice.File) error {
			for _, doc := range f.Docs {
				if strings.EqualFold(yamlfile.Text(splice.Field(doc, "kind")), e.Entity.Kind) &&
					strings.EqualFold(yamlfile.Text(splice.Field(doc, "metadata", "name")), e.Entity.Name) {
					return change(f, d.At.Path, doc)
				}
			}
			return nil
		})
		return
	}
	e.ask("", 0, "describe the service in catalog-info.yaml")
}

// completeDescriptor adds the lifecycle and the system that the golden path names.
func completeDescriptor(e *editor) {
	for _, p := range e.Facts.DescriptorProblems {
		e.ask(p.At.Path, p.At.Line, "correct the descriptor: %s", p.Reason)
	}
	e.component(func(f *splice.File, name string, doc *yaml.Node) error {
		spec := splice.Field(doc, "spec")
		if spec == nil || spec.Kind != yaml.MappingNode {
			e.ask(name, doc.Line, "add spec with type, lifecycle, owner and system")
			return nil
		}
		for _, field := range []struct{ name, question string }{
			{"lifecycle", "is it experimental, production or deprecated?"},
			{"system", "of which system is the service a part?"},
		} {
			if splice.Field(spec, field.name) != nil {
				continue
			}
			value := e.text(field.name, "")
			if value == "" {
				e.ask(name, spec.Line, "add %s to spec: %s", field.name, field.question)
				continue
			}
			if err := f.Insert(spec, after(spec, "lifecycle", "type"), field.name, value); err != nil {
				return err
			}
		}
		return nil
	})
}

// team is an owner of CODEOWNERS that is a team.
var team = regexp.MustCompile(`^@[\w.-]+/([\w.-]+)$`)

// nameOwner writes the team that owns everything by CODEOWNERS into the descriptor.
func nameOwner(e *editor) {
	e.component(func(f *splice.File, name string, doc *yaml.Node) error {
		spec := splice.Field(doc, "spec")
		if splice.Field(spec, "owner") != nil {
			e.ask(name, splice.Field(spec, "owner").Line, "describe the owner %s in the catalog, with its members",
				yamlfile.Text(splice.Field(spec, "owner")))
			return nil
		}
		var found string
		if file := e.Facts.Owners.Value; file != nil {
			for _, rule := range file.Rules {
				if match := team.FindStringSubmatch(strings.Join(rule.Owners, " ")); rule.Pattern == "*" && match != nil {
					found = strings.ToLower(match[1])
				}
			}
		}
		if found == "" || spec == nil || spec.Kind != yaml.MappingNode {
			e.ask(name, doc.Line, "name the team that owns the service in spec.owner; CODEOWNERS names no single team")
			return nil
		}
		return f.Insert(spec, after(spec, "lifecycle", "type"), "owner", "group:default/"+found)
	})
}

// nameOnCall writes the annotation of the on-call tool that the golden path names.
func nameOnCall(e *editor) {
	annotation, value := e.text("annotation", ""), e.text("value", "")
	for _, there := range []string{"pagerduty.com/service-id", "pagerduty.com/integration-key", "opsgenie.com/team"} {
		if e.Entity.Annotations[there] != "" {
			return // whether people are on the schedule, no file shows
		}
	}
	if annotation == "" || value == "" {
		e.ask("", 0, "put people on an on-call schedule, and name it in an annotation of the descriptor "+
			"(pagerduty.com/service-id or opsgenie.com/team)")
		return
	}
	e.component(func(f *splice.File, _ string, doc *yaml.Node) error {
		return merge(f, splice.Field(doc, "metadata"), "annotations", "name", splice.Map{{Key: annotation, Value: value}})
	})
}

var notKebab = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// linkRunbooks links alerts to runbooks that the repository has under the name of the alert.
func linkRunbooks(e *editor) {
	slug := e.Entity.Annotations["github.com/project-slug"]
	for _, a := range e.Facts.Operation.Alerts {
		if !a.Runbook.Known || a.Runbook.Value != "" {
			continue
		}
		runbook := e.runbook(a.Name)
		if runbook == "" || slug == "" {
			e.ask(a.At.Path, a.At.Line, "write a runbook for the alert %s and link it in its annotation runbook_url", a.Name)
			continue
		}
		e.yaml(a.At.Path, func(f *splice.File) error {
			for _, doc := range f.Docs {
				if n := alert(doc, a.Name, a.At.Line, 0); n != nil {
					return merge(f, n, "annotations", after(n, "labels", "for", "expr"), splice.Map{
						{Key: "runbook_url", Value: "https://github.com/" + slug + "/blob/HEAD/" + runbook},
					})
				}
			}
			return nil
		})
	}
}

// runbook returns the file of the repository that has the name of an alert; "" if there is none.
func (e *editor) runbook(name string) string {
	kebab := strings.ToLower(notKebab.ReplaceAllString(name, "$1-$2"))
	for _, f := range e.Facts.Files().Files {
		base := strings.ToLower(strings.TrimSuffix(f.Base(), path.Ext(f.Path)))
		in := strings.ToLower(f.Dir())
		if path.Ext(f.Path) == ".md" && strings.Contains(in, "runbook") && !f.Link &&
			(base == kebab || base == strings.ToLower(name) || base == strings.ReplaceAll(kebab, "-", "_")) {
			return f.Path
		}
	}
	return ""
}

// alert returns the rule of an alert, by its name and its line.
func alert(n *yaml.Node, name string, line, depth int) *yaml.Node {
	if n == nil || depth > 20 {
		return nil
	}
	value := splice.Field(n, "alert")
	if value != nil && value.Value == name && n.Line > 0 && (n.Line <= line || line == 0) {
		if last := n.Content[len(n.Content)-1]; last.Line == 0 || line <= max(last.Line, value.Line) {
			return n
		}
	}
	for _, child := range n.Content {
		if found := alert(child, name, line, depth+1); found != nil {
			return found
		}
	}
	return nil
}
