package people

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/yamldoc"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/spelling"
)

// ruleSet is a file that says what cannot be read from the records of people: who is the same person under another
// name, who is not, and which accounts are machines.
type ruleSet struct {
	Same         []sameRule
	Different    []differentRule
	Bots         botRules
	SharedEmails []string // addresses that several people use, and that prove nothing

	file string // as shown to people
}

// sameRule says that everything it names is one person.
type sameRule struct {
	Person string   // the id that the person goes by; empty: that of the first record
	People []string // ids
	Logins []string // alice, github:alice
	Emails []string
	Why    string

	line       int
	identities []Identity
}

// differentRule says that no two of the people are one.
type differentRule struct {
	People []string

	line int
}

type botRules struct {
	Logins   []string
	Patterns []string // * for anything, ? for one character, with a provider before a colon where wanted

	line       int
	identities []Identity
	patterns   []botPattern
}

// botPattern recognizes the logins of machines.
type botPattern struct {
	provider string // empty: every provider
	login    *regexp.Regexp
	place    string // how it is written and where
}

func (b botPattern) matches(provider, login string) bool {
	return (b.provider == "" || b.provider == provider) && b.login.MatchString(strings.ToLower(login))
}

// readRules reads the rules of people. Every mistake in them counts as lost: a rule that is not obeyed
// would go unnoticed.
func (p *Records) readRules(name string) ruleSet {
	if strings.TrimSpace(name) == "" {
		return ruleSet{}
	}
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.files.BaseDir, file)
	}
	data, ok := p.files.Open(file)
	if !ok {
		return ruleSet{file: p.files.Shown(file)}
	}
	return p.parseRules(p.files.Shown(file), data)
}

func (p *Records) parseRules(file string, data []byte) ruleSet {
	rules := ruleSet{file: file}
	docs := slices.Collect(yamldoc.Documents(data))
	switch {
	case len(docs) == 0:
		return rules
	case docs[0].Err != nil:
		p.files.Fail(file, docs[0].Line, "the rules cannot be read: %v", docs[0].Err)
		return rules
	case len(docs) > 1:
		p.files.Fail(file, docs[1].Offset+1, "a file of rules is one document; remove the line ---")
		return rules
	}
	if docs[0].Node.Kind != yaml.MappingNode {
		p.files.Fail(
			file,
			docs[0].StartLine(),
			"the rules are %s and not a mapping; the keys are same, different, bots and shared_emails",
			yamldoc.Kind(docs[0].Node),
		)
		return rules
	}
	fail := func(line int, format string, args ...any) { p.files.Fail(file, line, format, args...) }
	r := ruleReader{yamldoc.FieldReader{Offset: docs[0].Offset, Warn: fail, AnyScalar: true}}
	r.read(docs[0].Node, &rules)
	p.checkRules(&rules)
	return rules
}

// ruleReader reads the rules. A mistake costs the field that has it. Ids and logins are often numbers, and are texts as
// they are written.
type ruleReader struct{ yamldoc.FieldReader }

func (r ruleReader) read(n *yaml.Node, rules *ruleSet) {
	root := r.Mapping(n, "")
	r.checkKeys(root, "same", "different", "bots", "shared_emails")
	for _, m := range r.List(root, "same") {
		r.checkKeys(m, "person", "people", "logins", "emails", "why")
		rules.Same = append(
			rules.Same,
			sameRule{Person: r.Text(m, "person"), People: r.words(m, "people"), Logins: r.words(m, "logins"),
				Emails: r.words(m, "emails"), Why: r.Text(m, "why"), line: m.Line},
		)
	}
	for _, m := range r.List(root, "different") {
		r.checkKeys(m, "people", "why")
		rules.Different = append(rules.Different, differentRule{People: r.words(m, "people"), line: m.Line})
	}
	if root.Has("bots") {
		bots := r.Sub(root, "bots")
		r.checkKeys(bots, "logins", "patterns")
		rules.Bots = botRules{Logins: r.words(bots, "logins"), Patterns: r.words(bots, "patterns"), line: root.LineOf("bots")}
	}
	rules.SharedEmails = r.words(root, "shared_emails")
}

// words returns a list of texts.
func (r ruleReader) words(m yamldoc.Mapping, key string) []string {
	var out []string
	for _, t := range r.Texts(m, key) {
		out = append(out, t.Text)
	}
	return out
}

func (r ruleReader) checkKeys(m yamldoc.Mapping, known ...string) {
	for _, e := range m.Entries {
		if !slices.Contains(known, e.Key) {
			r.Warn(e.Line, "unknown key %q in %s%s", e.Key, m.Called(), spelling.Hint(e.Key, known))
		}
	}
}

func (p *Records) checkRules(r *ruleSet) {
	logins := func(line int, words []string) []Identity {
		var all []Identity
		for _, word := range words {
			identities, err := parseLogins(word)
			if err == nil && len(identities) == 0 {
				err = errors.New("a login is empty")
			}
			if err != nil {
				p.files.Fail(r.file, line, "%v", err)
			}
			all = append(all, identities...)
		}
		return all
	}
	for i := range r.Same {
		s := &r.Same[i]
		s.identities = logins(s.line, s.Logins)
		s.Person, s.People, s.Emails = strings.ToLower(strings.TrimSpace(s.Person)), lower(s.People), lower(s.Emails)
		if names := len(s.People) + len(s.identities) + len(s.Emails); names == 0 || (names == 1 && s.Person == "") {
			p.files.Fail(r.file, s.line, "the rule names fewer than two things that are one person; name people, logins or "+
				"emails")
		}
	}
	for i := range r.Different {
		d := &r.Different[i]
		d.People = lower(d.People)
		if len(d.People) < 2 {
			p.files.Fail(r.file, d.line, "the rule names fewer than two people; write people: [bob, bob-jones]")
		}
	}
	r.SharedEmails = lower(r.SharedEmails)
	r.Bots.identities = logins(r.Bots.line, r.Bots.Logins)
	for _, text := range r.Bots.Patterns {
		pattern, err := compileBotPattern(text, files.Position(r.file, r.Bots.line))
		if err != nil {
			p.files.Fail(r.file, r.Bots.line, "%v", err)
			continue
		}
		r.Bots.patterns = append(r.Bots.patterns, pattern)
	}
}

func lower(words []string) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		if w = strings.ToLower(strings.TrimSpace(w)); w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

func compileBotPattern(text, place string) (botPattern, error) {
	provider, login, found := strings.Cut(strings.ToLower(strings.TrimSpace(text)), ":")
	if !found {
		provider, login = "", provider
	}
	if strings.Trim(login, "*?") == "" {
		return botPattern{}, fmt.Errorf(
			"pattern %q would make everybody a machine; write for example *-ci or github:svc-*",
			text,
		)
	}
	expression := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(login))
	compiled, err := regexp.Compile(`^(?s:` + expression + `)$`)
	if err != nil {
		return botPattern{}, fmt.Errorf("pattern %q: %w", text, err)
	}
	return botPattern{
		provider: provider,
		login:    compiled,
		place:    fmt.Sprintf("%s (%s)", strings.TrimSpace(text), place),
	}, nil
}
