package paths

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"

	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/strictyaml"
)

const (
	// Suffix marks the files of template/ that are rendered; the result has no suffix.
	Suffix = ".tmpl"
	// maxTemplate is how large a file that is rendered may be. Parsing takes many times as much memory.
	maxTemplate = 256 << 10
	// maxNesting is how deep ranges may stand in each other: each multiplies the result by the number of environments.
	maxNesting = 2
	// maxDepth is how deep conditions, parentheses and ranges may stand in each other.
	maxDepth = 50
)

// source is a file of template/.
type source struct {
	name       string             // below template/, as it is in the golden path
	parts      *template.Template // the name of the result; nil if it has no placeholder
	content    *template.Template // nil: the bytes are copied
	data       []byte
	executable bool
}

// template parses the files of template/.
func (l *loader) template() {
	known := l.p.names()
	results := map[string]string{}
	for _, name := range slices.Sorted(mapKeys(l.found)) {
		below, ok := strings.CutPrefix(name, TemplateDir+"/")
		if !ok {
			continue
		}
		f := l.found[name]
		s := source{name: below, data: f.data, executable: f.executable}
		shown := l.p.Origin.at(name)
		rendered := strings.HasSuffix(below, Suffix)
		result := strings.TrimSuffix(below, Suffix)
		switch {
		case path.Base(result) == "" || path.Base(below) == Suffix:
			l.add(strictyaml.Mistake{File: shown, Message: "the file has no name without " + Suffix + "; rename it"})
			continue
		case results[result] != "":
			l.add(strictyaml.Mistake{File: shown, Message: fmt.Sprintf("%s has the same result; remove one", results[result])})
			continue
		case pathlock.Folded(result) == pathlock.File:
			l.add(strictyaml.Mistake{File: shown, Message: "dxctl writes this file itself; remove it"})
			continue
		}
		results[result] = shown
		var err error
		if strings.Contains(result, "{{") {
			s.parts, err = l.parse(shown, below, result, known)
			l.add(err)
		}
		if rendered {
			s.content, err = l.content(shown, below, f.data, known)
			l.add(err)
		}
		l.p.templates = append(l.p.templates, s)
	}
}

func (l *loader) content(shown, below string, data []byte, known []string) (*template.Template, error) {
	switch {
	case len(data) > maxTemplate:
		return nil, strictyaml.Mistake{File: shown, Message: fmt.Sprintf("the template is larger than %s; split it, or copy "+
			"the file as it is by a name without %s", size(maxTemplate), Suffix)}
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		return nil, strictyaml.Mistake{File: shown, Message: "the template is not UTF-8 text; a file that is copied as it " +
			"is has a name without " + Suffix}
	}
	return l.parse(shown, below, string(data), known)
}

// parse parses a text with {{ actions }}. Only the functions that are known, conditions, and ranges over
// environments are accepted, so that the work is bounded by the size of the text.
func (l *loader) parse(shown, below, text string, known []string) (*template.Template, error) {
	stubs := template.FuncMap{}
	for _, name := range known {
		if slices.Contains(plain, name) {
			continue
		}
		stubs[name] = func(...any) string { return "" }
	}
	prepared := literalExpressions(text)
	t, err := template.New(shown).Option("missingkey=error").Funcs(stubs).Parse(prepared)
	if err != nil {
		return nil, templateMistake(shown, err, known)
	}
	c := checker{shown: shown, text: prepared, known: known}
	if len(t.Templates()) > 1 || len(t.Templates()) == 1 && t.Templates()[0] != t {
		c.fail(0, "define and block are not supported in golden paths; write the text where it is needed")
	}
	if t.Tree != nil {
		c.list(t.Root, 0, 0)
	}
	l.record(below, &c)
	return t, errors.Join(c.errs...)
}

// literalExpressions returns a text in which ${{ stands for itself: it begins an expression of GitHub Actions. Lines
// stay where they are.
func literalExpressions(text string) string {
	const expression = "${{"
	var out strings.Builder
	for {
		i := strings.Index(text, "{{")
		if i < 0 {
			out.WriteString(text)
			return out.String()
		}
		if i > 0 && text[i-1] == '$' {
			out.WriteString(text[:i-1] + `{{"` + expression + `"}}`)
			text = text[i+2:]
			continue
		}
		end := i + 2 + actionEnd(text[i+2:])
		out.WriteString(text[:end])
		text = text[end:]
	}
}

// actionEnd returns where the action whose inside begins text ends, with its closing braces; all of the text if it does
// not end.
func actionEnd(text string) int {
	inside := strings.TrimPrefix(text, "- ")
	if strings.HasPrefix(inside, "/*") {
		if i := strings.Index(text, "*/"); i >= 0 {
			if j := strings.Index(text[i:], "}}"); j >= 0 {
				return i + j + 2
			}
		}
		return len(text)
	}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '\'':
			quote := text[i]
			for i++; i < len(text) && text[i] != quote && text[i] != '\n'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '`':
			j := strings.IndexByte(text[i+1:], '`')
			if j < 0 {
				return len(text)
			}
			i += j + 1
		case '}':
			if strings.HasPrefix(text[i:], "}}") {
				return i + 2
			}
		}
	}
	return len(text)
}

var (
	templateLine    = regexp.MustCompile(`^template: .*?:(\d+)(?::(\d+))?: (.*)$`)
	unknownFunction = regexp.MustCompile(`function "([^"]*)" not defined`)
	executing       = regexp.MustCompile(`^executing .*? at <.*?>: (?:error calling \w+: )?`)
)

// templateMistake returns an error of text/template with its place, and with what to do about an unknown name.
func templateMistake(shown string, err error, known []string) strictyaml.Mistake {
	m := strictyaml.Mistake{File: shown, Message: err.Error()}
	// The name of the file may hold anything; what follows it is ours to read.
	rest := strings.TrimPrefix(m.Message, "template: "+shown)
	if match := templateLine.FindStringSubmatch("template: " + rest); match != nil {
		m.Line, _ = strconv.Atoi(match[1])
		m.Message = executing.ReplaceAllString(match[3], "")
	}
	if match := unknownFunction.FindStringSubmatch(m.Message); match != nil {
		m.Message = unknownName(match[1], known)
	}
	return m
}

func unknownName(name string, known []string) string {
	return fmt.Sprintf("{{ %.80s }} is neither a question nor a function of templates%s; describe a new question in %s",
		name, nearest(name, known), QuestionsFile)
}

// nearest returns a hint without the list of all names, which is long.
func nearest(name string, known []string) string {
	if near := spelling.Nearest(name, known); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// checker walks a parsed template and refuses what golden paths do not need.
type checker struct {
	shown, text string
	known       []string
	errs        []error
	uses        []Use
	images      []string
	compared    []string
}

// record adds what a template uses to what the path does.
func (l *loader) record(below string, c *checker) {
	if l.p.uses == nil {
		l.p.uses = map[string][]Use{}
	}
	for _, u := range c.uses {
		u.Source = below
		l.p.uses[u.name] = append(l.p.uses[u.name], u)
	}
	l.p.compared = append(l.p.compared, c.compared...)
	for _, name := range c.images {
		if !slices.Contains(l.p.images, name) {
			l.p.images = append(l.p.images, name)
		}
	}
}

func (c *checker) fail(pos parse.Pos, format string, args ...any) {
	c.errs = append(c.errs, strictyaml.Mistake{File: c.shown, Line: c.line(pos), Message: fmt.Sprintf(format, args...)})
}

func (c *checker) line(pos parse.Pos) int {
	return 1 + strings.Count(c.text[:min(int(pos), len(c.text))], "\n")
}

func (c *checker) list(list *parse.ListNode, ranges, depth int) {
	if list == nil {
		return
	}
	if depth > maxDepth {
		c.fail(list.Pos, "conditions stand more than %d deep in each other", maxDepth)
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.TextNode, *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
		case *parse.ActionNode:
			c.pipe(n.Pipe, ranges, depth)
			c.use(n.Pipe, false)
		case *parse.IfNode:
			c.pipe(n.Pipe, ranges, depth)
			c.use(n.Pipe, true)
			c.list(n.List, ranges, depth+1)
			c.list(n.ElseList, ranges, depth+1)
		case *parse.RangeNode:
			if n.Pipe.String() != "environments" {
				c.fail(n.Pos, "range is supported only as {{ range environments }}")
				continue
			}
			if ranges == maxNesting {
				c.fail(n.Pos, "ranges stand more than %d deep in each other", maxNesting)
				continue
			}
			c.list(n.List, ranges+1, depth+1)
			c.list(n.ElseList, ranges, depth+1)
		default:
			c.fail(n.Position(), "%s is not supported in golden paths; supported are questions, functions, if, and range "+
				"environments", short(n.String()))
		}
	}
}

func short(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > 60 {
		return text[:60] + "…"
	}
	return text
}

func (c *checker) pipe(p *parse.PipeNode, ranges, depth int) {
	if p == nil {
		return
	}
	if depth > maxDepth {
		c.fail(p.Pos, "parentheses stand more than %d deep in each other", maxDepth)
		return
	}
	if len(p.Decl) > 0 {
		c.fail(p.Pos, "variables are not supported in golden paths")
		return
	}
	if len(p.Cmds) > maxDepth {
		c.fail(p.Pos, "the action has more than %d functions after each other", maxDepth)
		return
	}
	for _, command := range p.Cmds {
		c.command(command, ranges, depth)
	}
}

func (c *checker) command(command *parse.CommandNode, ranges, depth int) {
	for i, arg := range command.Args {
		switch arg := arg.(type) {
		case *parse.IdentifierNode:
			if !slices.Contains(c.known, arg.Ident) {
				c.fail(arg.Pos, "%s", unknownName(arg.Ident, c.known))
			}
			if arg.Ident == "default" && i == 0 {
				c.defaultKey(command)
			}
		case *parse.StringNode, *parse.BoolNode:
		case *parse.PipeNode:
			c.pipe(arg, ranges, depth+1)
		case *parse.DotNode:
			if ranges == 0 {
				c.fail(arg.Pos, "the dot stands for an environment inside of {{ range environments }} only")
			}
		case *parse.FieldNode:
			c.fail(arg.Pos, "%s", unknownField(arg.String(), c.known))
		default:
			c.fail(arg.Position(), "%s is not supported in golden paths", short(arg.String()))
		}
	}
}

// unknownField explains a name with a dot before it, as other tools write it.
func unknownField(text string, known []string) string {
	name := strings.Trim(text, ".")
	if slices.Contains(known, name) {
		return fmt.Sprintf("write {{ %s }} without the dot", name)
	}
	return fmt.Sprintf("%s is not supported in golden paths; a question is written without a dot, such as "+
		"{{ service_name }}", short(text))
}

// defaultKeys are the keys that the function default takes, besides base_images.NAME.
var defaultKeys = []string{"registry", "runner", "package_mirror", "cloud_identity"}

func (c *checker) defaultKey(command *parse.CommandNode) {
	if len(command.Args) < 2 {
		c.fail(command.Pos, `default needs the name of a value, such as {{ default "registry" }}`)
		return
	}
	key, ok := command.Args[1].(*parse.StringNode)
	if !ok {
		c.fail(command.Pos, `the name of a default is written out, such as {{ default "registry" }}`)
		return
	}
	if name, image := strings.CutPrefix(key.Text, "base_images."); image && imageName.MatchString(name) {
		c.images = append(c.images, name)
		return
	}
	if !slices.Contains(defaultKeys, key.Text) {
		c.fail(command.Pos, "there is no default %.80q%s", key.Text,
			spelling.Hint(key.Text, append(slices.Clone(defaultKeys), "base_images.NAME")))
	}
}
