// Package document reads what a repository says about itself: README, security policy, license, instructions for
// coding agents, and the other texts for people who contribute.
package document

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/licensecheck"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/workflow"
)

// Set is what a repository has of documents. A nil document is known to be absent.
type Set struct {
	Readme   fact.Value[*Text]
	Security fact.Value[*Policy]
	License  fact.Value[*License]
	// Agents has the instructions for coding agents, AGENTS.md first. The nearest file above a changed file applies.
	Agents []Agent
	// Guide is the text of Contributing, to which the host leads those who open a pull request.
	Guide fact.Value[*Text]
	// Contributing, Conduct and PullRequestTemplate are paths; "" if there is none.
	Contributing        fact.Value[string]
	Conduct             fact.Value[string]
	PullRequestTemplate fact.Value[string]
}

// Policy is a security policy.
type Policy struct {
	*Text
	// Private is what the policy names for a private report: an email address, a form, or GitHub's own; "" if it names
	// none.
	Private fact.Value[string]
}

// License is the license of a repository.
type License struct {
	Path string
	// ID is the SPDX identifier; "" if the text is none that is recognized.
	ID string
	// Proprietary is whether the text reserves all rights.
	Proprietary bool
	Percent     float64 // of the text that is that of the license
}

// Agent is a file of instructions for coding agents.
type Agent struct {
	Path string
	// Target is the file to which a link, an import or a short text leads; "" if the file has instructions itself.
	Target string
	Text   fact.Value[*Text]
}

// Read reads the documents of a directory; "." is the root, where the host looks in .github and docs, too.
func Read(t *tree.Tree, dir string) Set {
	s := Set{
		Readme:              read(t, find(t, dir, readmeNames), parse),
		Security:            read(t, find(t, dir, securityNames), parsePolicy),
		License:             read(t, find(t, dir, licenseNames), parseLicense),
		Guide:               read(t, find(t, dir, contributingNames), parse),
		Contributing:        located(t, find(t, dir, contributingNames)),
		Conduct:             located(t, find(t, dir, conductNames)),
		PullRequestTemplate: located(t, template(t)),
	}
	if dir == "." {
		s.Agents = agents(t)
	}
	return s
}

var (
	readmeNames       = regexp.MustCompile(`(?i)^readme(\.(md|markdown|mdown|rst|adoc|asciidoc|txt|org))?$`)
	securityNames     = regexp.MustCompile(`(?i)^security(\.(md|markdown|rst|adoc|txt))?$`)
	licenseNames      = regexp.MustCompile(`(?i)^((un)?licen[sc]e|copying|copyright)([.-].*)?$|^(mit|apache|bsd)-licen[sc]e(\.\w+)?$`)
	contributingNames = regexp.MustCompile(`(?i)^contributing(\.\w+)?$`)
	conductNames      = regexp.MustCompile(`(?i)^code[-_]of[-_]conduct(\.\w+)?$`)
	templateNames     = regexp.MustCompile(`(?i)^pull_request_template(\.(md|txt|yml|yaml))?$`)
)

// find returns the file of a name in a directory. At the root, .github and docs come after it, as on GitHub; for the
// README GitHub prefers .github, but what people read in a checkout is that of the root.
func find(t *tree.Tree, dir string, names *regexp.Regexp) *tree.File {
	dirs := []string{dir}
	if dir == "." {
		dirs = append(dirs, ".github", ".gitlab", "docs")
	}
	for _, d := range dirs {
		for _, f := range t.In(d) {
			if names.MatchString(f.Base()) {
				return &f
			}
		}
	}
	return nil
}

// template returns the template of pull requests or merge requests.
func template(t *tree.Tree) *tree.File {
	if f := find(t, ".", templateNames); f != nil {
		return f
	}
	for _, dir := range []string{
		".github/PULL_REQUEST_TEMPLATE", ".github/pull_request_template", "PULL_REQUEST_TEMPLATE",
		"docs/PULL_REQUEST_TEMPLATE", ".gitlab/merge_request_templates", ".gitea/PULL_REQUEST_TEMPLATE",
	} {
		for _, f := range t.In(dir) {
			if strings.EqualFold(path.Ext(f.Path), ".md") {
				return &f
			}
		}
	}
	return nil
}

func located(t *tree.Tree, f *tree.File) fact.Value[string] {
	if f == nil {
		return tree.Absent(t, "")
	}
	return fact.Known(f.Path, fact.Location{Path: f.Path})
}

// read reads a file with a parser. A link is read at the file that it leads to, if that is in the repository.
func read[T any](t *tree.Tree, f *tree.File, parse func(file, text string) *T) fact.Value[*T] {
	if f == nil {
		return tree.Absent[*T](t, nil)
	}
	at := fact.Location{Path: f.Path}
	if target, ok := t.Resolve(*f); ok {
		f = &target
	}
	var result *T
	err := fact.Contain(func() error {
		text, err := t.Text(*f)
		if err == nil {
			result = parse(f.Path, text)
		}
		return err
	})
	if err != nil {
		return fact.Unknown[*T](at, "%v", err)
	}
	return fact.Known(result, at)
}

func parse(file, text string) *Text { return ParseText(file, text) }

var (
	address     = regexp.MustCompile(`[\w.+-]+(@|\s*\[at\]\s*|\s+\(at\)\s+)[\w-]+(\.[\w-]+)+`)
	advisories  = regexp.MustCompile(`(?i)https://\S*/security/advisories\S*|private(ly)? (vulnerability )?report\w*|security advisor\w+|report a vulnerability`)
	reportLinks = regexp.MustCompile(`(?i)https://\S*(hackerone|bugcrowd|intigriti|yeswehack|huntr|security-report|securityreport|msrc|psirt|vulnerabilit|security)\S*`)
)

func parsePolicy(file, text string) *Policy {
	p := &Policy{Text: ParseText(file, text), Private: fact.Known("", fact.Location{Path: file})}
	for _, pattern := range []*regexp.Regexp{address, advisories, reportLinks} {
		if i := pattern.FindStringIndex(text); i != nil {
			p.Private = fact.Known(text[i[0]:i[1]], fact.Location{Path: file, Line: fact.Line(text, i[0])})
			break
		}
	}
	return p
}

// common compares with the licenses that nearly all repositories have. The scanner of all 1,000 texts takes more than a
// second to build.
var common = sync.OnceValue(func() *licensecheck.Scanner {
	var licenses []licensecheck.License
	for _, l := range licensecheck.BuiltinLicenses() {
		if commonIDs.MatchString(l.ID) {
			licenses = append(licenses, l)
		}
	}
	scanner, err := licensecheck.NewScanner(licenses)
	if err != nil { // the texts are part of the library
		panic(fmt.Sprintf("building the license scanner: %v", err))
	}
	return scanner
})

var commonIDs = regexp.MustCompile(`^(MIT|Apache-2\.0|BSD-[23]-Clause|ISC|MPL-2\.0|(A|L)?GPL-[23].*|Unlicense|CC0-1\.0|EPL-2\.0|Zlib|BSL-1\.0)$`)

var reserved = regexp.MustCompile(`(?i)all rights reserved|proprietary|confidential|no license is granted`)

// restricted are licenses whose texts have parameters, so that they match none of the texts of SPDX. Their first line
// is the name.
var restricted = []struct {
	heading *regexp.Regexp
	id      string
}{
	{regexp.MustCompile(`(?i)^\W*Business Source License 1\.1\W*$`), "BUSL-1.1"},
	{regexp.MustCompile(`(?i)^\W*Elastic License 2\.0\W*$`), "Elastic-2.0"},
	{regexp.MustCompile(`(?i)^\W*Server Side Public License\W*(VERSION 1\W*)?$`), "SSPL-1.0"},
}

// parseLicense recognizes a license by its text. licensecheck compares it with the texts of SPDX; a name in a heading
// would also match a text that merely mentions a license.
func parseLicense(file, text string) *License {
	l := &License{Path: file}
	coverage := common().Scan([]byte(text))
	if coverage.Percent < 40 && len(strings.Fields(text)) >= 50 {
		coverage = licensecheck.Scan([]byte(text))
	}
	l.Percent = coverage.Percent
	best := 0
	for _, m := range coverage.Match {
		if size := m.End - m.Start; size > best && !m.IsURL {
			l.ID, best = m.ID, size
		}
	}
	if l.ID == "" || l.Percent < 40 && len(strings.Fields(text)) < 500 {
		l.ID = ""
		heading, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		for _, known := range restricted {
			if known.heading.MatchString(heading) {
				l.ID = known.id
				return l
			}
		}
		l.Proprietary = reserved.MatchString(text)
	}
	return l
}

// agentNames are the files of coding agents, AGENTS.md first.
var agentNames = []string{
	"AGENTS.md", "AGENT.md", "CLAUDE.md", "GEMINI.md", ".cursorrules", ".windsurfrules", ".clinerules",
	".github/copilot-instructions.md", ".junie/guidelines.md", "CONVENTIONS.md",
}

var pointer = regexp.MustCompile(`(?im)^\s*@(\S+\.md)\s*$|\]\(([^)]*AGENTS?\.md)\)|(?:see|read|follow|in|use|refer to)\s+` + "`?" + `(?:\./)?([\w./-]*AGENTS?\.md)`)

func agents(t *tree.Tree) []Agent {
	var all []Agent
	for _, name := range agentNames {
		for _, f := range t.Files {
			if f.Path != name && !strings.HasSuffix(f.Path, "/"+name) || !t.Own(f.Path) {
				continue
			}
			a := Agent{Path: f.Path, Text: read(t, &f, parse)}
			if f.Link {
				if target, ok := t.Resolve(f); ok {
					a.Target = target.Path
				}
			} else if text := a.Text.Value; text != nil && text.Words < 120 {
				if m := pointer.FindStringSubmatch(text.Plain); m != nil {
					a.Target = path.Join(f.Dir(), m[1]+m[2]+m[3])
				}
			}
			all = append(all, a)
		}
	}
	return all
}

var (
	runHeading    = regexp.MustCompile(`(?i)\b(run|running|usage|use|using|start|started|quick ?start|install|installation|installing|setup|set up|getting started|how to|demo|development|developing|build|building|deploy|deployment|deploying|example|examples)\b`)
	testHeading   = regexp.MustCompile(`(?i)\b(test|tests|testing)\b`)
	peopleHeading = regexp.MustCompile(`(?i)\b(contact|support|help|community|team|maintainers?|owners?|authors?|contribut\w*|slack|discord|questions?|getting in touch|who)\b`)
	peopleText    = regexp.MustCompile(`(?i)\b(slack|discord|mailing list|gitter|matrix|maintainers?|maintained by|owned by|contributing|issues/new|/discussions|/issues)\b|` + address.String())
)

var (
	inlineCode = regexp.MustCompile("`([^`\n]{2,200})`")
	// developmentLink finds a link to a document for those who work on the code.
	developmentLink = regexp.MustCompile(`(?i)\]\([^)\s]*(contributing|developing|development|hacking|testing)[^)\s]*\)|` +
		`<[^>\s]*(contributing|developing|development|hacking|testing)[^>\s]*>` + "`_")
)

// installLink finds a link to a document for those who run the service.
var installLink = regexp.MustCompile(`(?i)\[(how to )?(install\w*|installation instructions|getting[- ]started|quick[- ]?start( guide)?|` +
	`setup( guide)?|installation guide|deploy(ment|ing)?|running( it)?|self-?hosting)\]\([^)\s]+|` +
	`<a [^>]*href[^>]*>\s*(install\w*|getting[- ]started|quick[- ]?start|deployment|self-?hosting)\s*</a>`)

// Completeness is what a README answers, each located at the heading, the command or the text that does.
type Completeness struct {
	About, Run, Test, People fact.Value[bool]
}

// Complete returns what a README answers: what it is, how to run it, how to test it, and how to reach its people.
func (d *Text) Complete() Completeness {
	file := fact.Location{Path: d.Path}
	c := Completeness{
		About:  fact.Known(d.Words >= 20, file),
		Run:    fact.Known(false, file),
		Test:   fact.Known(false, file),
		People: fact.Known(false, file),
	}
	at := func(line int) fact.Value[bool] { return fact.Known(true, fact.Location{Path: d.Path, Line: line}) }
	if len(d.Commands) > 0 {
		c.Run = at(d.Commands[0].Line)
	} else if h, ok := d.Section(runHeading); ok {
		c.Run = at(h.Line)
	}
	i := slices.IndexFunc(d.Commands, func(command Command) bool { return workflow.RunsTests(command.Text) })
	if i >= 0 {
		c.Test = at(d.Commands[i].Line)
	} else if h, ok := d.Section(testHeading); ok {
		c.Test = at(h.Line)
	}
	for _, m := range inlineCode.FindAllStringSubmatchIndex(d.Plain, -1) {
		code := d.Plain[m[2]:m[3]]
		if !c.Test.Value && workflow.RunsTests(code) {
			c.Test = at(fact.Line(d.Plain, m[0]))
		}
		if !c.Run.Value && looksLikeCommand.MatchString(code) && strings.Contains(code, " ") {
			c.Run = at(fact.Line(d.Plain, m[0]))
		}
	}
	if i := installLink.FindStringIndex(d.Plain); i != nil && !c.Run.Value {
		c.Run = at(fact.Line(d.Plain, i[0]))
	}
	if i := developmentLink.FindStringIndex(d.Plain); i != nil && !c.Test.Value {
		c.Test = at(fact.Line(d.Plain, i[0]))
	}
	if h, ok := d.Section(peopleHeading); ok {
		c.People = at(h.Line)
	} else if i := peopleText.FindStringIndex(d.Plain); i != nil {
		c.People = at(fact.Line(d.Plain, i[0]))
	}
	return c
}
