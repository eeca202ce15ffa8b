package edits

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"mvdan.cc/sh/v3/syntax"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/workflow"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// moveInputs passes untrusted texts to scripts through the environment: the shell then sees a value and not code.
func moveInputs(e *editor) {
	e.eachWorkflow(func(f *splice.File, w *workflow.Workflow) error {
		for _, at := range w.UntrustedCheckouts() {
			e.ask(w.Path, at.Line, "do not check out the code of a pull request in a workflow with the secrets of the "+
				"repository; use the trigger pull_request, and hand results on as artifacts")
		}
		return jobs(f, func(id string, job *yaml.Node) error {
			i := slices.IndexFunc(w.Jobs, func(j workflow.Job) bool { return j.ID == id })
			if i < 0 {
				return nil
			}
			outer := []*yaml.Node{splice.Field(f.Docs[0], "env"), splice.Field(job, "env")}
			shell := cmpText(splice.Field(job, "defaults", "run", "shell"), splice.Field(f.Docs[0], "defaults", "run", "shell"))
			if shell == "" && windows.MatchString(strings.Join(yamlfile.Texts(splice.Field(job, "runs-on")), " ")) {
				shell = "pwsh"
			}
			return e.moveInSteps(f, w.Path, w.Jobs[i].Steps, splice.Field(job, "steps"), outer, shell)
		})
	})
	for _, a := range e.Facts.Workflows.Actions {
		e.yaml(a.Path, func(f *splice.File) error {
			content, _ := e.content(a.Path)
			now, err := workflow.ParseAction(a.Path, lines(content))
			if err != nil || len(f.Docs) == 0 {
				return err
			}
			return e.moveInSteps(f, a.Path, now.Steps, splice.Field(f.Docs[0], "runs", "steps"), nil, "")
		})
	}
}

// windows finds runners whose shell is PowerShell, and those whose system only the run decides.
var windows = regexp.MustCompile(`(?i)windows|\$\{\{`)

func cmpText(nodes ...*yaml.Node) string {
	for _, n := range nodes {
		if text := yamlfile.Text(n); text != "" {
			return text
		}
	}
	return ""
}

func (e *editor) moveInSteps(
	f *splice.File, name string, steps []workflow.Step, list *yaml.Node, outer []*yaml.Node, shell string,
) error {
	nodes := items(list)
	for i, s := range steps {
		if len(s.Injections) == 0 {
			continue
		}
		if len(nodes) != len(steps) || nodes[i].Kind != yaml.MappingNode {
			e.ask(name, s.At.Line, "pass what strangers write to the script through env; the step is written elsewhere")
			continue
		}
		if reason := e.moveInStep(f, s, nodes[i], outer, shell); reason != "" {
			e.ask(name, s.Injections[0].At.Line, "pass ${{ %s }} to the script through env: %s", s.Injections[0].Expression,
				reason)
		}
	}
	return nil
}

// moveInStep edits one step, or returns why it cannot be done safely.
func (e *editor) moveInStep(
	f *splice.File, s workflow.Step, step *yaml.Node, outer []*yaml.Node, shell string,
) (reason string) {
	own := splice.Field(step, "env")
	if own != nil && (own.Kind != yaml.MappingNode || len(own.Content) == 0) {
		return "the environment of the step is written in another way"
	}
	if s.Uses != nil {
		return "a script that is no shell script inserts it; read it there from the environment (process.env)"
	}
	if shell = firstOf(cmpText(splice.Field(step, "shell")), shell); !posix(shell) {
		return "the shell is " + shell + ", whose quotes are not read"
	}
	script := splice.Field(step, "run")
	if script == nil || script.Kind != yaml.ScalarNode {
		return "the script is written elsewhere"
	}
	written := expressionsOf(script.Value)
	plain := script.Value
	for _, o := range written {
		plain = strings.Replace(plain, o.text, "", 1)
	}
	v := variables{step: own, outer: outer, script: plain, added: map[string]string{}}
	var replaced []occurrence
	for _, o := range written {
		if slices.ContainsFunc(s.Injections, func(i workflow.Injection) bool { return i.Expression == o.inner }) {
			o.name = v.name(o.inner)
			replaced = append(replaced, o)
		}
	}
	texts, reason := quoteShell(script.Value, replaced)
	if reason != "" {
		return reason
	}
	byText := map[string][]string{} // replacements of each way in which an expression is written
	for i, o := range replaced {
		byText[o.text] = append(byText[o.text], texts[i])
	}
	for _, text := range slices.Sorted(maps.Keys(byText)) {
		if err := f.Substitute(step, "run", text, byText[text]); err != nil {
			return err.Error()
		}
	}
	return v.declare(f, step, own)
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// posix reports whether a shell has the quotes of sh. "" is bash on Linux and macOS.
func posix(shell string) bool {
	program, _, _ := strings.Cut(shell, " ")
	return shell == "" || slices.Contains([]string{"bash", "sh", "dash", "zsh", "ksh"}, path.Base(program))
}

// occurrence is an expression in a script.
type occurrence struct {
	text   string // with ${{ }}
	inner  string // without
	offset int
	name   string // of the variable
}

// expressionsOf finds what is between ${{ and }}, as workflow does.
func expressionsOf(script string) (found []occurrence) {
	for at := 0; ; {
		i := strings.Index(script[at:], "${{")
		if i < 0 {
			return found
		}
		start := at + i
		end, quoted := start+3, false
		for ; end < len(script); end++ {
			if script[end] == '\'' {
				quoted = !quoted
			}
			if !quoted && strings.HasPrefix(script[end:], "}}") {
				break
			}
		}
		if end >= len(script) {
			return found
		}
		end += 2
		found = append(found, occurrence{
			text:   script[start:end],
			inner:  strings.TrimSpace(script[start+3 : end-2]),
			offset: start,
		})
		at = end
	}
}

// variables chooses the names of variables.
type variables struct {
	step   *yaml.Node // env of the step
	outer  []*yaml.Node
	script string            // without its expressions
	added  map[string]string // expression by name
}

var notName = regexp.MustCompile(`[^A-Za-z0-9]+`)

// name returns the variable that has the value of an expression: one that is there, or a new one.
func (v *variables) name(expression string) string {
	if variable, ok := strings.CutPrefix(expression, "env."); ok && !strings.ContainsAny(variable, ".['\" ") {
		return variable // it is in the environment already
	}
	value := "${{ " + expression + " }}"
	for i := 0; v.step != nil && i+1 < len(v.step.Content); i += 2 {
		if inner := expressionsOf(v.step.Content[i+1].Value); len(inner) == 1 && inner[0].inner == expression &&
			inner[0].text == v.step.Content[i+1].Value {
			return v.step.Content[i].Value
		}
	}
	base := strings.TrimPrefix(strings.TrimPrefix(expression, "github.event."), "github.")
	base = strings.ToUpper(strings.Trim(notName.ReplaceAllString(base, "_"), "_"))
	if base == "" || base[0] >= '0' && base[0] <= '9' || len(base) > 60 {
		base = "INPUT"
	}
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		if v.added[name] == value {
			return name
		}
		if v.added[name] == "" && !v.taken(name) {
			v.added[name] = value
			return name
		}
	}
}

func (v *variables) taken(name string) bool {
	used := regexp.MustCompile(`(?i)\b` + name + `\b`).MatchString(v.script)
	for _, env := range append([]*yaml.Node{v.step}, v.outer...) {
		used = used || splice.Field(env, name) != nil
	}
	reserved := strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "RUNNER_")
	return used || reserved || name == "PATH" || name == "HOME"
}

// declare writes the new variables into the environment of the step.
func (v *variables) declare(f *splice.File, step, own *yaml.Node) string {
	var added splice.Map
	for _, name := range slices.Sorted(maps.Keys(v.added)) {
		added = append(added, splice.Pair{Key: name, Value: v.added[name]})
	}
	if len(added) == 0 {
		return ""
	}
	if own == nil {
		after := ""
		for i := 0; i+1 < len(step.Content); i += 2 {
			if step.Content[i].Value == "run" {
				break
			}
			after = step.Content[i].Value // before the script, where readers look for it
		}
		if err := f.Insert(step, after, "env", added); err != nil {
			return err.Error()
		}
		return ""
	}
	for _, p := range added {
		if err := f.Insert(own, "", p.Key, p.Value); err != nil {
			return err.Error()
		}
	}
	return ""
}

// quoteShell returns how each expression of a script is written as a variable, such that the shell reads it as one word
// or as a part of a text in quotes. reason is why that is not known.
func quoteShell(script string, found []occurrence) (texts []string, reason string) {
	// The parser gets words instead of expressions; also instead of those that stay.
	var plain strings.Builder
	at := 0
	word := func(i int) string { return fmt.Sprintf("dxctlplaceholder%dx", i) }
	all := expressionsOf(script)
	index := map[int]int{} // of an occurrence by its offset
	for i, o := range found {
		index[o.offset] = i
	}
	for _, o := range all {
		plain.WriteString(script[at:o.offset])
		if i, ok := index[o.offset]; ok {
			plain.WriteString(word(i))
		} else {
			plain.WriteString("dxctlother")
		}
		at = o.offset + len(o.text)
	}
	plain.WriteString(script[at:])
	parsed, err := syntax.NewParser(syntax.Variant(syntax.LangBash), syntax.KeepComments(true)).
		Parse(strings.NewReader(plain.String()), "")
	if err != nil {
		return nil, "the script cannot be read as a shell script"
	}
	q := &shellQuotes{texts: make([]string, len(found)), found: found, word: word}
	q.statements(parsed)
	for i, text := range q.texts {
		if at := found[i].offset; at > 0 && script[at-1] == '\\' {
			q.reason = "a backslash is before it"
		}
		if q.reason == "" && text == "" {
			q.reason = fmt.Sprintf("it is not clear how the shell reads it at ${{ %s }}", found[i].inner)
		}
	}
	return q.texts, q.reason
}

// shellQuotes finds where placeholders are in a script.
type shellQuotes struct {
	texts  []string
	found  []occurrence
	word   func(int) string
	reason string
}

// interpreters are commands that read an argument as code.
var interpreters = regexp.MustCompile(`^(eval|bash|sh|zsh|dash|ksh|python[\d.]*|node|ruby|perl|php|pwsh|powershell|awk|gawk|sed|jq|yq|ssh|` +
	`xargs|find|su|sudo|psql|mysql|sqlite3|envsubst|source|\.|trap|watch|parallel|osascript|docker|kubectl)$`)

func (q *shellQuotes) statements(file *syntax.File) {
	var quoted []syntax.Node
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Comment:
			q.set(n.Text, func(i int) string { return "$" + q.found[i].name })
		case *syntax.CallExpr:
			if len(n.Args) > 0 && q.anyInside(n.Args[0]) {
				q.reason = "it is a command, or a part of the name of one"
			}
			if len(n.Args) > 0 && interpreters.MatchString(n.Args[0].Lit()) && q.anyIn(n.Args[1:]) {
				q.reason = "the command " + n.Args[0].Lit() + " may read it as code"
			}
		case *syntax.Redirect:
			q.heredoc(n)
			if n.Hdoc != nil {
				quoted = append(quoted, n.Hdoc)
			}
		case *syntax.ArithmExp, *syntax.ArithmCmd, *syntax.LetClause, *syntax.CaseClause, *syntax.ExtGlob, *syntax.CStyleLoop:
			if q.anyInside(n) {
				q.reason = "a pattern or a calculation reads it as code"
			}
		case *syntax.BinaryTest:
			if n.Op == syntax.TsReMatch && q.anyInside(n.Y) {
				q.reason = "a pattern reads it as code"
			}
		case *syntax.Assign:
			if n.Array != nil && q.anyInside(n.Array) || n.Index != nil && q.anyInside(n.Index) {
				q.reason = "a list reads it as several words"
			}
			if n.Name != nil && q.in(n.Name.Value) {
				q.reason = "it is a part of the name of a variable"
			}
		case *syntax.FuncDecl:
			if n.Name != nil && q.in(n.Name.Value) {
				q.reason = "it is a part of the name of a function"
			}
		case *syntax.ForClause:
			if loop, ok := n.Loop.(*syntax.WordIter); ok && (q.anyIn(loop.Items) || q.in(loop.Name.Value)) {
				q.reason = "a loop reads it as several words or as a name"
			}
		case *syntax.ParamExp:
			if q.anyInside(n) {
				q.reason = "an expansion of the shell contains it"
			}
			return false
		case *syntax.SglQuoted:
			format := func(i int) string { return `'"${` + q.found[i].name + `}"'` }
			if n.Dollar {
				q.reason = firstOf(q.reason, map[bool]string{true: "it is in quotes with escapes"}[q.in(n.Value)])
			}
			q.set(n.Value, format)
		case *syntax.DblQuoted:
			for _, part := range n.Parts {
				if lit, ok := part.(*syntax.Lit); ok {
					quoted = append(quoted, lit)
					q.set(lit.Value, func(i int) string { return "${" + q.found[i].name + "}" })
				}
			}
		case *syntax.Lit:
			if !slices.Contains(quoted, syntax.Node(n)) {
				q.set(n.Value, func(i int) string { return `"${` + q.found[i].name + `}"` })
			}
		case *syntax.Word:
			return !slices.Contains(quoted, syntax.Node(n))
		}
		return true
	})
}

// heredoc sets the placeholders of a text that follows a redirection. Between quoted marks nothing is expanded.
func (q *shellQuotes) heredoc(n *syntax.Redirect) {
	if n.Hdoc != nil && q.anyInside(n.Word) {
		q.reason = "it is a part of the mark that ends a text"
	}
	if n.Hdoc == nil || !q.anyInside(n.Hdoc) {
		return
	}
	plain := true
	for _, part := range n.Word.Parts {
		lit, ok := part.(*syntax.Lit)
		plain = plain && ok && !strings.Contains(lit.Value, `\`)
	}
	if !plain {
		q.reason = "the text after << is in quotes, in which no variable is read"
		return
	}
	for _, part := range n.Hdoc.Parts {
		if lit, ok := part.(*syntax.Lit); ok {
			q.set(lit.Value, func(i int) string { return "${" + q.found[i].name + "}" })
		}
	}
}

func (q *shellQuotes) set(text string, format func(i int) string) {
	for i := range q.found {
		if strings.Contains(text, q.word(i)) && q.texts[i] == "" {
			q.texts[i] = format(i)
		}
	}
}

func (q *shellQuotes) in(text string) bool {
	for i := range q.found {
		if strings.Contains(text, q.word(i)) {
			return true
		}
	}
	return false
}

func (q *shellQuotes) anyIn(words []*syntax.Word) bool {
	return slices.ContainsFunc(words, func(w *syntax.Word) bool { return q.anyInside(w) })
}

func (q *shellQuotes) anyInside(n syntax.Node) bool {
	found := false
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Lit:
			found = found || q.in(n.Value)
		case *syntax.SglQuoted:
			found = found || q.in(n.Value)
		}
		return true
	})
	return found
}
