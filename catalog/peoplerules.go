package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// peopleRules is a file that says what cannot be read from the records of people: who is the same person under another
// name, who is not, and which accounts are machines.
type peopleRules struct {
	Same         []sameRule      `yaml:"same"`
	Different    []differentRule `yaml:"different"`
	Bots         botRules        `yaml:"bots"`
	SharedEmails []string        `yaml:"shared_emails"` // addresses that several people use, and that prove nothing

	file string // as shown to people
}

// sameRule says that everything it names is one person.
type sameRule struct {
	Person string   `yaml:"person"` // the id that the person goes by; empty: that of the first record
	People []string `yaml:"people"` // ids
	Logins []string `yaml:"logins"` // alice, github:alice
	Emails []string `yaml:"emails"`
	Why    string   `yaml:"why"`

	line       int
	identities []Identity
}

// differentRule says that no two of the people are one.
type differentRule struct {
	People []string `yaml:"people"`
	Why    string   `yaml:"why"`

	line int
}

type botRules struct {
	Logins   []string `yaml:"logins"`
	Patterns []string `yaml:"patterns"` // * for anything, ? for one character, with a provider before a colon where wanted

	line       int
	identities []Identity
	patterns   []botPattern
}

// botPattern recognises the logins of machines.
type botPattern struct {
	provider string // empty: every provider
	login    *regexp.Regexp
	place    string // how it is written and where
}

func (b botPattern) matches(provider, login string) bool {
	return (b.provider == "" || b.provider == provider) && b.login.MatchString(strings.ToLower(login))
}

// readRules reads the rules of people. Every mistake in them is an error: a rule that is not obeyed goes unnoticed.
func (l *loader) readRules(name string) peopleRules {
	if strings.TrimSpace(name) == "" {
		return peopleRules{}
	}
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Join(l.baseDir, file)
	}
	data, ok := l.open(file)
	if !ok {
		return peopleRules{file: l.shown(file)}
	}
	return l.parseRules(l.shown(file), data)
}

func (l *loader) parseRules(file string, data []byte) peopleRules {
	rules := peopleRules{file: file}
	docs := splitDocuments(data)
	switch {
	case len(docs) == 0:
		return rules
	case docs[0].err != nil:
		l.fail(file, docs[0].line, "the rules cannot be read: %v", docs[0].err)
		return rules
	case len(docs) > 1:
		l.fail(file, docs[1].offset+1, "a file of rules is one document; remove the line ---")
		return rules
	}
	decoder := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	decoder.KnownFields(true)
	err := decoder.Decode(&rules)
	var typeErr *yaml.TypeError
	switch {
	case errors.As(err, &typeErr):
		for _, message := range typeErr.Errors {
			text, line := splitYAMLMessage(message, 0)
			l.fail(file, line, "%s; the keys are same, different, bots and shared_emails", text)
		}
		return peopleRules{file: file}
	case err != nil && !errors.Is(err, io.EOF):
		message, line := yamlError(err, 0)
		l.fail(file, line, "%s", message)
		return peopleRules{file: file}
	}
	rules.number(docs[0])
	l.checkRules(&rules)
	return rules
}

// number notes at which line each rule stands.
func (r *peopleRules) number(doc document) {
	lineOf := func(key string, i int) int {
		if _, list := field(doc.node, key); list != nil && list.Kind == yaml.SequenceNode && i < len(list.Content) {
			return list.Content[i].Line + doc.offset
		}
		return doc.node.Line + doc.offset
	}
	for i := range r.Same {
		r.Same[i].line = lineOf("same", i)
	}
	for i := range r.Different {
		r.Different[i].line = lineOf("different", i)
	}
	if key, _ := field(doc.node, "bots"); key != nil {
		r.Bots.line = key.Line + doc.offset
	}
}

func (l *loader) checkRules(r *peopleRules) {
	logins := func(line int, words []string) []Identity {
		var all []Identity
		for _, word := range words {
			identities, err := parseLogins(word)
			if err == nil && len(identities) == 0 {
				err = errors.New("a login is empty")
			}
			if err != nil {
				l.fail(r.file, line, "%v", err)
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
			l.fail(r.file, s.line, "the rule names fewer than two things that are one person; name people, logins or emails")
		}
	}
	for i := range r.Different {
		d := &r.Different[i]
		d.People = lower(d.People)
		if len(d.People) < 2 {
			l.fail(r.file, d.line, "the rule names fewer than two people; write people: [bob, bob-jones]")
		}
	}
	r.SharedEmails = lower(r.SharedEmails)
	r.Bots.identities = logins(r.Bots.line, r.Bots.Logins)
	for _, p := range r.Bots.Patterns {
		pattern, err := compileBotPattern(p, Warning{File: r.file, Line: r.Bots.line}.position())
		if err != nil {
			l.fail(r.file, r.Bots.line, "%v", err)
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
		return botPattern{}, fmt.Errorf("pattern %q would make everybody a machine; write for example *-ci or github:svc-*", text)
	}
	expression := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(login))
	compiled, err := regexp.Compile(`^(?s:` + expression + `)$`)
	if err != nil {
		return botPattern{}, fmt.Errorf("pattern %q: %w", text, err)
	}
	return botPattern{provider: provider, login: compiled, place: fmt.Sprintf("%s (%s)", strings.TrimSpace(text), place)}, nil
}
