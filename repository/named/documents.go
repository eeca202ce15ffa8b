package named

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/document"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/workflow"
)

// documents has the facts of texts for people and for coding agents.
var documents = []entry{
	{Definition{
		Name:        "repository.security_policy.private_contact",
		Type:        event.BoolFact,
		True:        "the security policy names a private way to report",
		False:       "no security policy names a private way to report",
		Description: "The security policy has an email address, a form, or the private reports of the host.",
	}, func(r *reader) value {
		p, ok := r.Documents.Security.Get()
		switch {
		case !ok:
			return unknown(r.Documents.Security.Reason)
		case p == nil && r.options.NotInherited != "":
			return unknown(r.options.NotInherited)
		case p == nil:
			return r.absent()
		}
		return known(p.Private.Value != "")
	}},
	{Definition{
		Name:  "repository.license",
		Type:  event.StringFact,
		Label: "the license",
		Description: `SPDX identifier of the license by its text; "proprietary" if it reserves all rights, "unrecognized" ` +
			`for another text, empty without a file.`,
	}, func(r *reader) value {
		l, ok := r.Documents.License.Get()
		switch {
		case !ok:
			return unknown(r.Documents.License.Reason)
		case l == nil:
			if doubt := r.doubt(); doubt != "" {
				return unknown(doubt)
			}
			return known("")
		case l.ID != "":
			return known(l.ID)
		case l.Proprietary:
			return known("proprietary")
		}
		return known("unrecognized")
	}},
	{Definition{
		Name:  "repository.readme.missing",
		Type:  event.ListFact,
		Label: "the parts that the README lacks",
		Description: "Of description, run, test and contact: what the README has neither a heading nor a command nor a " +
			"text for; all of them without a README. How to test may be in CONTRIBUTING.",
	}, readmeMissing},
	{Definition{
		Name:  "repository.agents.missing",
		Type:  event.ListFact,
		Label: "the parts that AGENTS.md lacks",
		Description: "Of build, test and style: what AGENTS.md has neither a heading nor a command for; all of them " +
			"without an AGENTS.md.",
	}, agentsMissing},
	{Definition{
		Name:        "repository.agents.vendor_files_apart",
		Type:        event.ListFact,
		Places:      true,
		Label:       "the instructions for single coding agents",
		Description: "Files of single coding agents, such as CLAUDE.md, that do not lead to AGENTS.md.",
	}, vendorFiles},
	{Definition{
		Name:  "repository.development.command",
		Type:  event.StringFact,
		Label: "the command that starts a development environment",
		Description: "A dev container, Compose, Nix or a similar file, else a task with a usual name; empty if there is " +
			"none.",
	}, func(r *reader) value {
		command, _ := r.Environment.Command()
		if command != "" {
			return known(line(command))
		}
		if doubt := r.doubt(r.Environment.Unreadable); doubt != "" {
			return unknown(doubt)
		}
		return known("")
	}},
}

func readmeMissing(r *reader) value {
	d, ok := r.Documents.Readme.Get()
	switch {
	case !ok:
		return unknown(r.Documents.Readme.Reason)
	case d == nil:
		if doubt := r.doubt(); doubt != "" {
			return unknown(doubt)
		}
		return texts([]string{"description", "run", "test", "contact"}, "")
	}
	c := d.Complete()
	doubt := ""
	if guide, ok := r.Documents.Guide.Get(); guide != nil && !c.Test.Value {
		c.Test = guide.Complete().Test
	} else if !ok && !c.Test.Value {
		doubt, c.Test.Value = r.Documents.Guide.Reason, true
	}
	var missing []string
	for _, part := range []struct {
		name string
		has  fact.Value[bool]
	}{{"description", c.About}, {"run", c.Run}, {"test", c.Test}, {"contact", c.People}} {
		if !part.has.Value {
			missing = append(missing, part.name)
		}
	}
	return texts(missing, doubt)
}

func isInstructions(name string) bool {
	base := path.Base(name)
	return base == "AGENTS.md" || base == "AGENT.md"
}

// instructions returns the files AGENTS.md that apply to the directory.
func (r *reader) instructions() []document.Agent {
	var all []document.Agent
	for _, a := range r.Documents.Agents {
		if isInstructions(a.Path) && r.above(path.Dir(a.Path)) {
			all = append(all, a)
		}
	}
	return all
}

var (
	buildHeading = regexp.MustCompile(`(?i)\b(build\w*|compil\w*|set ?up|install\w*|run(ning)?|develop\w*|commands?|getting started|quick ?start)\b`)
	testHeading  = regexp.MustCompile(`(?i)\b(test\w*|verif\w*|validat\w*)\b`)
	styleHeading = regexp.MustCompile(`(?i)\b(style|lint\w*|format\w*|conventions?|guidelines?|standards?|rules|practices|quality)\b`)
	buildCommand = regexp.MustCompile(`\b(build|compile|install|sync|assemble|package|dev|run|start|make)\b`)
	styleCommand = regexp.MustCompile(`\b(lint|fmt|format|ruff|black|eslint|prettier|clippy|golangci-lint|pre-commit|checkstyle|spotless\w*|biome|mypy|tsc|vet)\b`)
	inlineCode   = regexp.MustCompile("`([^`\n]+)`")
)

func agentsMissing(r *reader) value {
	build, test, style := false, false, false
	doubt := ""
	for _, a := range r.instructions() {
		d, ok := a.Text.Get()
		if !ok || d == nil {
			doubt = a.Text.Reason
			continue
		}
		for _, h := range d.Headings {
			build = build || buildHeading.MatchString(h.Text)
			test = test || testHeading.MatchString(h.Text)
			style = style || styleHeading.MatchString(h.Text)
		}
		commands := make([]string, 0, len(d.Commands))
		for _, c := range d.Commands {
			commands = append(commands, c.Text)
		}
		for _, m := range inlineCode.FindAllStringSubmatch(d.Plain, -1) {
			commands = append(commands, m[1])
		}
		for _, c := range commands {
			build = build || buildCommand.MatchString(c) && strings.Contains(c, " ")
			test = test || workflow.RunsTests(c)
			style = style || styleCommand.MatchString(c)
		}
	}
	var missing []string
	for name, has := range map[string]bool{"build": build, "test": test, "style": style} {
		if !has {
			missing = append(missing, name)
		}
	}
	if doubt == "" && len(r.instructions()) == 0 {
		doubt = r.doubt()
	}
	if doubt != "" && len(missing) > 0 {
		return unknown(doubt)
	}
	return texts(missing, "")
}

func vendorFiles(r *reader) value {
	var p places
	leads := map[string]bool{} // files to which an AGENTS.md is a link
	for _, a := range r.Documents.Agents {
		if isInstructions(a.Path) {
			leads[a.Target] = true
		}
	}
	for _, a := range r.Documents.Agents {
		base := path.Base(a.Path)
		// CONVENTIONS.md is a file of one agent, and of many projects that mean people.
		apart := !isInstructions(a.Path) && base != "CONVENTIONS.md" && !isInstructions(a.Target) && !leads[a.Path]
		dir := strings.TrimSuffix(strings.TrimSuffix(path.Dir(a.Path), ".github"), ".junie")
		if apart && r.above(path.Clean("./"+dir)) {
			p.add(fact.Location{Path: a.Path}, "its instructions are not in AGENTS.md, where other agents look")
		}
	}
	unreadable := slices.DeleteFunc(slices.Clone(r.Documents.Agents), func(a document.Agent) bool { return a.Text.Known })
	if len(unreadable) > 0 {
		return p.value(unreadable[0].Text.Reason)
	}
	return p.value(r.doubt())
}
