package paths

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/content"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/strictyaml"
)

// Question is asked before a service is created.
type Question struct {
	Name        string   `json:"name"`
	Title       string   `json:"title"` // the name in words if the path gives none
	Description string   `json:"description,omitempty"`
	Pattern     string   `json:"pattern,omitempty"` // RE2; the whole answer must match; "" with Choices
	Hint        string   `json:"hint,omitempty"`    // what an answer looks like, for errors
	Default     string   `json:"default,omitempty"` // "": the question must be answered
	Choices     []string `json:"choices,omitempty"`
	InSpec      bool     `json:"-"` // a value of path.yaml has it
	Line        int      `json:"-"` // of questions.yaml or else path.yaml, 1 or more
	File        string   `json:"-"` // as shown to people

	pattern *regexp.Regexp
}

// DefaultPattern is that of a question without pattern and choices: a text that keeps its meaning wherever a template
// writes it.
const DefaultPattern = `[A-Za-z0-9][A-Za-z0-9._/@+-]*`

const (
	maxQuestions = 100
	maxChoices   = 100
	maxPattern   = 500
	// MaxAnswer is how long an answer may be, in bytes.
	MaxAnswer = pathlock.MaxAnswer
)

// Answers are the answers to questions, by name.
type Answers map[string]string

// questionFile is a question as it is written.
type writtenQuestion struct {
	Title       string     `yaml:"title"`
	Description string     `yaml:"description"`
	Pattern     string     `yaml:"pattern"`
	Hint        string     `yaml:"hint"`
	Default     string     `yaml:"default"`
	Choices     []string   `yaml:"choices"`
	Secret      *yaml.Node `yaml:"secret"`
}

// secretName finds questions that ask for a secret.
var secretName = regexp.MustCompile(`(^|_)(password|passwd|passphrase|secret|secrets|token|credential|credentials|` +
	`api_?key|private_?key|access_?key)(_|$)`)

// questions collects the questions of path.yaml and questions.yaml.
func (l *loader) questions() {
	written := map[string]writtenQuestion{}
	d, _ := l.decode(QuestionsFile, &written)
	keys := map[string]string{} // question → the key of path.yaml whose value it is
	for _, found := range l.spec.found {
		if _, ok := l.p.Question(found.question); !ok {
			q := Question{Name: found.question, File: l.spec.d.file, InSpec: true}
			q.Line, _ = l.spec.d.where.Place(found.at)
			l.p.Questions = append(l.p.Questions, q)
		}
		if found.key != "" {
			keys[found.question] = found.key
		}
	}
	if d != nil {
		for _, name := range inOrder(written, d.where) {
			_, asked := l.p.Question(name)
			switch {
			case asked:
			case isKey(name):
				// path.yaml has a value instead of a placeholder: a copy that decided what the original asks.
				line, _ := d.where.Place(name)
				l.p.decided = append(l.p.decided, Question{Name: name, File: d.file, Line: line})
			default:
				l.p.Questions = append(l.p.Questions, Question{Name: name})
			}
		}
	}
	if len(l.p.Questions) > maxQuestions {
		l.spec.d.fail("", "the path has %d questions; at most %d are supported", len(l.p.Questions), maxQuestions)
		return
	}
	for i := range l.p.Questions {
		q := &l.p.Questions[i]
		w, described := written[q.Name]
		in := l.spec.d
		if described {
			in = d
			q.File = d.file
			q.Line, _ = d.where.Place(q.Name)
		}
		l.question(in, q, &w, keys[q.Name])
	}
}

// inOrder returns the names of questions in the order of the file.
func inOrder(written map[string]writtenQuestion, where strictyaml.Positions) []string {
	return slices.SortedFunc(maps.Keys(written), func(a, b string) int {
		lineA, columnA := where.Place(a)
		lineB, columnB := where.Place(b)
		if lineA != lineB {
			return lineA - lineB
		}
		return columnA - columnB
	})
}

func (l *loader) question(d *document, q *Question, w *writtenQuestion, key string) {
	fail := func(at, format string, args ...any) {
		line, column := d.where.Place(q.Name + at)
		if d == l.spec.d {
			line, column = q.Line, 0
		}
		l.errs = append(l.errs, strictyaml.Mistake{
			File: d.file, Line: line, Column: column,
			Message: fmt.Sprintf("question %s: ", q.Name) + fmt.Sprintf(format, args...),
		})
	}
	if !questionPattern.MatchString(q.Name) || len(q.Name) > 63 {
		fail("", "the name %.80q is not lower-case letters, digits and single underscores", q.Name)
		return
	}
	if why := taken(q.Name, key); why != "" {
		fail("", "%s; choose another name", why)
	}
	if secretName.MatchString(q.Name) || w.Secret != nil {
		fail("", "a question cannot ask for a secret, because answers are kept in the repository; let the service read it "+
			"from its environment")
	}
	q.Title = strings.TrimSpace(w.Title)
	q.Description = strings.TrimSpace(w.Description)
	q.Hint = strings.TrimSpace(w.Hint)
	if q.Title == "" {
		q.Title = strings.ToUpper(q.Name[:1]) + strings.ReplaceAll(q.Name[1:], "_", " ")
	}
	q.Default = w.Default
	q.Choices = w.Choices
	q.Pattern = w.Pattern
	supported := l.p.supports[key]
	if len(supported) > 0 && len(q.Choices) == 0 {
		q.Choices = slices.Clone(supported)
	}
	switch {
	case len(q.Choices) > maxChoices:
		fail(".choices", "%d choices; at most %d are supported", len(q.Choices), maxChoices)
		return
	case len(q.Choices) > 0 && q.Pattern != "":
		fail(".pattern", "a question has either choices or a pattern")
		return
	case len(q.Choices) == 0 && q.Pattern == "":
		q.Pattern = DefaultPattern
	}
	if len(q.Pattern) > maxPattern {
		fail(".pattern", "the pattern has %d bytes; at most %d are supported", len(q.Pattern), maxPattern)
		return
	}
	pattern, err := regexp.Compile(`^(?:` + q.Pattern + `)$`)
	if err != nil {
		fail(".pattern", "the pattern %.80q is no regular expression: %v", q.Pattern, err)
		return
	}
	q.pattern = pattern
	for i, c := range q.Choices {
		at := fmt.Sprintf(".choices[%d]", i)
		if err := q.Check(c); err != nil {
			fail(at, "choice %.80q %v", c, err)
		}
		if len(supported) > 0 && !slices.Contains(supported, c) {
			fail(at, "choice %.80q is not supported; supported: %s. A golden path that has a template for it lists it in "+
				"supports.%s of path.yaml", c, strings.Join(supported, ", "), key)
		}
	}
	if q.Default != "" {
		if err := q.Check(q.Default); err != nil {
			fail(".default", "default %.80q %v", q.Default, err)
		}
	}
}

// safeText reports what makes a text unsafe wherever it is written. The error completes the sentence "the text …".
func safeText(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("is not UTF-8 text")
	}
	for _, r := range text {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' || unicode.Is(unicode.Bidi_Control, r) {
			return fmt.Errorf("has a line break or the control character %U; write one line of plain text", r)
		}
	}
	for _, part := range []string{"{{", "}}", "${", "$(", "`"} {
		if strings.Contains(text, part) {
			return fmt.Errorf("has %s, which workflows, shells or templates would run; leave it out", part)
		}
	}
	return nil
}

// Check reports why a text is no answer. The error completes the sentence "answer … ".
func (q *Question) Check(text string) error {
	if len(text) > MaxAnswer {
		return fmt.Errorf("has %d bytes; at most %d are supported", len(text), MaxAnswer)
	}
	if err := safeText(text); err != nil {
		return err
	}
	if text == "" {
		return errors.New("is empty")
	}
	if strings.TrimSpace(text) != text {
		return errors.New("begins or ends with a space")
	}
	if form := content.SecretForm(text); form != "" {
		return fmt.Errorf("is a secret (%s), and answers are kept in the repository; let the service read it from its "+
			"environment", form)
	}
	if len(q.Choices) > 0 && !slices.Contains(q.Choices, text) {
		return fmt.Errorf("is not one of %s%s", strings.Join(q.Choices, ", "), nearHint(text, q.Choices))
	}
	if q.pattern != nil && q.Pattern != "" && !q.pattern.MatchString(text) {
		if q.Hint != "" {
			return fmt.Errorf("does not fit: %s (pattern %s)", q.Hint, q.Pattern)
		}
		return fmt.Errorf("does not match %s", q.Pattern)
	}
	return nil
}

func nearHint(text string, known []string) string {
	if near := spelling.Nearest(text, known); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	return ""
}

// Complete returns the answers with the defaults of questions that were not answered.
func (p *Path) Complete(a Answers) Answers {
	full := maps.Clone(a)
	if full == nil {
		full = Answers{}
	}
	for i := range p.Questions {
		q := &p.Questions[i]
		if _, ok := full[q.Name]; !ok && q.Default != "" {
			full[q.Name] = q.Default
		}
	}
	return full
}

// AnswerError is a mistake in an answer.
type AnswerError struct {
	Question string
	Message  string // completes the sentence "answer to NAME …"
}

// Error returns the sentence. It does not contain the answer, which may be a secret.
func (e AnswerError) Error() string { return fmt.Sprintf("the answer to %s %s", e.Question, e.Message) }

// Check reports what is wrong with answers, all at once: the error joins an [AnswerError] for each question, in the
// order of the questions. Questions that have a default need no answer.
func (p *Path) Check(a Answers) error {
	var errs []error
	full := p.Complete(a)
	names := make([]string, len(p.Questions))
	for i := range p.Questions {
		q := &p.Questions[i]
		names[i] = q.Name
		text, ok := full[q.Name]
		if !ok {
			errs = append(errs, AnswerError{q.Name, fmt.Sprintf("is missing: %s", q.Wanted())})
			continue
		}
		if err := q.Check(text); err != nil {
			errs = append(errs, AnswerError{q.Name, err.Error()})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if isKey(name) && !slices.Contains(names, name) {
			value := cmp.Or(*p.Spec.value(name), "no value")
			errs = append(errs, AnswerError{name, fmt.Sprintf("is not asked for: %s of golden path %s has %s", DescriptionFile,
				p.Name, value)})
			continue
		}
		if !slices.Contains(names, name) {
			errs = append(errs, AnswerError{fmt.Sprintf("%.80q", name), fmt.Sprintf("is not asked for: golden path %s has no "+
				"such question%s", p.Name, spelling.Hint(name, names))})
		}
	}
	return errors.Join(errs...)
}

// Wanted returns in words what an answer must be: "one of staging, production".
func (q *Question) Wanted() string {
	switch {
	case len(q.Choices) > 0:
		return "one of " + strings.Join(q.Choices, ", ")
	case q.Hint != "":
		return q.Hint
	case q.Pattern == DefaultPattern:
		return "letters, digits and . _ / @ + -"
	}
	return "text that matches " + q.Pattern
}
