package edits

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"mvdan.cc/sh/v3/syntax"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/dependency"
	"github.com/dxctl/dxctl/repository/workflow"
)

const (
	maxScript = 64 << 10 // bytes of a script, a Makefile or a package.json that is read
	maxDepth  = 8        // of scripts that start others
	maxCalls  = 2_000    // commands that are looked at for a job
)

// reader decides whether the scripts of a job are known to push nothing. actions/checkout leaves the token where git
// finds it, so a script can push without naming the token. Only commands that are listed are known, and what a script,
// a target of a Makefile or a script of package.json runs is read.
type reader struct {
	e     *editor
	seen  map[string]bool // files and targets that were read or are being read
	calls int
}

func newReader(e *editor) *reader { return &reader{e: e, seen: map[string]bool{}} }

// place is where a script runs.
type place struct {
	dir   string // relative to the root of the repository
	known bool   // whether the script stays there
	depth int
}

// placeholder stands for what only the run decides, such as an expression of a workflow.
const placeholder = "DXCTL_PLACEHOLDER"

// step returns why the script of a step may push; "" if it does not.
func (r *reader) step(f *splice.File, job, step *yaml.Node, s *workflow.Step) string {
	if shell := cmpText(splice.Field(step, "shell"), splice.Field(job, "defaults", "run", "shell"),
		splice.Field(f.Docs[0], "defaults", "run", "shell")); !posix(shell) {
		return "a script of " + shell + " may push with the token that the checkout leaves"
	}
	dir := cmpText(splice.Field(step, "working-directory"), splice.Field(job, "defaults", "run", "working-directory"),
		splice.Field(f.Docs[0], "defaults", "run", "working-directory"))
	return mayPush(r.unknown(s.Run, place{dir: path.Clean(dir), known: !s.Elsewhere && !strings.Contains(dir, "${{")}))
}

// action returns why a script of a composite action of the repository may push; "" if none does.
func (r *reader) action(u *workflow.Use, depth int) string {
	a := r.e.local(u)
	if a == nil || depth > 5 {
		return ""
	}
	_, steps := r.e.written(a)
	if len(steps) != len(a.Steps) {
		return "its action " + u.Text + " is not read"
	}
	for i, s := range a.Steps {
		var reason string
		if s.Uses != nil {
			reason = r.action(s.Uses, depth+1)
		} else if shell := splice.Field(steps[i], "shell"); shell == nil || !posix(shell.Value) {
			reason = "a script in another shell than bash or sh may push with the token that the checkout leaves"
		} else {
			reason = mayPush(r.unknown(s.Run, place{dir: "."}))
		}
		if reason != "" {
			return reason
		}
	}
	return ""
}

func mayPush(command string) string {
	if command == "" {
		return ""
	}
	return "it runs " + command + ", which may push with the token that the checkout leaves"
}

// unknown returns the first command of a script that may push; "" if there is none.
func (r *reader) unknown(script string, at place) string {
	if at.depth++; at.depth > maxDepth || len(script) > maxScript {
		return "scripts that start others too often to be read"
	}
	for _, o := range expressionsOf(script) {
		script = strings.Replace(script, o.text, placeholder, 1)
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil {
		return "a script that is not read"
	}
	functions := map[string]bool{}
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			functions[n.Name.Value] = true
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				if name, _ := literal(n.Args[0]); name == "cd" || name == "pushd" {
					at.known = false
				}
			}
		}
		return true
	})
	reason := ""
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if reason != "" || !ok || len(call.Args) == 0 {
			return reason == ""
		}
		words := make([]string, len(call.Args))
		for i, arg := range call.Args {
			if words[i], ok = literal(arg); !ok {
				words[i] = placeholder
			}
		}
		if !functions[words[0]] {
			reason = r.command(words, at)
		}
		return reason == ""
	})
	return reason
}

// literal returns a word without its quotes; ok is false if a part of it is decided by the run.
func literal(w *syntax.Word) (text string, ok bool) {
	var b strings.Builder
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok {
					return "", false
				}
				b.WriteString(lit.Value)
			}
		default:
			return "", false
		}
	}
	text = b.String()
	return text, !strings.Contains(text, placeholder)
}

// command returns the command itself if it may push; "" if it is known that it does not.
func (r *reader) command(words []string, at place) string {
	if r.calls++; r.calls > maxCalls || at.depth > maxDepth {
		return "too many commands to read"
	}
	name, args := words[0], words[1:]
	said := strings.ReplaceAll(strings.Join(words[:min(len(words), 3)], " "), placeholder, "…")
	var known bool
	switch {
	case name == "command" && len(args) > 0 && strings.EqualFold(args[0], "-v"):
		known = true
	case wrappers[name]:
		return r.wrapped(args, said, at)
	case runners[name] != "" && len(args) > 0 && args[0] == runners[name]:
		return r.wrapped(args[1:], said, at)
	case name == "bash" || name == "sh":
		return r.shell(args, said, at)
	case name == "make" || name == "gmake":
		return r.make(args, said, at)
	case slices.Contains(managers, name):
		return r.manager(name, args, said, at)
	case name == "source" || name == ".":
		known = len(args) == 1 && strings.HasSuffix(args[0], "bin/activate")
	case harmless[strings.TrimPrefix(name, "/usr/bin/")]:
		known = true
	case checks[name] != nil:
		known = checks[name](args)
	case subcommands[name] != nil:
		known = slices.Contains(subcommands[name], first(args)) || versionOnly(args)
	case strings.Contains(name, "/") && name != placeholder:
		return r.file(name, said, at)
	}
	if known {
		return ""
	}
	return said
}

// wrapped looks at a command that another one starts.
func (r *reader) wrapped(args []string, said string, at place) string {
	for len(args) > 0 && (strings.HasPrefix(args[0], "-") || wrapped.MatchString(args[0])) {
		args = args[1:]
	}
	if len(args) == 0 {
		return said
	}
	args = slices.Clone(args)
	if i := strings.LastIndex(args[0], "@"); i > 0 { // npx eslint@9
		args[0] = args[0][:i]
	}
	at.depth++
	return r.command(args, at)
}

// wrapped finds variables and durations before the command that is started.
var wrapped = regexp.MustCompile(`^([A-Za-z_]\w*=.*|\d+[smh]?)$`)

// shell looks at a script that a shell is given as a file or as a text.
func (r *reader) shell(args []string, said string, at place) string {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		flag := args[0]
		args = args[1:]
		if !strings.HasPrefix(flag, "--") && strings.Contains(flag, "c") {
			if len(args) == 0 || args[0] == placeholder {
				return said
			}
			return r.unknown(args[0], at)
		}
		if flag == "-o" && len(args) > 0 {
			args = args[1:]
		}
	}
	if len(args) == 0 || args[0] == placeholder {
		return said
	}
	return r.file(args[0], said, at)
}

// file looks at a script of the repository.
func (r *reader) file(name, said string, at place) string {
	full := path.Join(at.dir, name)
	if !at.known || path.IsAbs(name) || full == ".." || strings.HasPrefix(full, "../") {
		return said
	}
	key := full + "@" + at.dir
	if r.seen[key] {
		return ""
	}
	r.seen[key] = true
	content, ok := r.e.content(full)
	if !ok {
		return said
	}
	text := lines(content)
	line, _, _ := strings.Cut(text, "\n")
	if !shebang.MatchString(line) && (strings.HasPrefix(line, "#!") || path.Ext(full) != ".sh") {
		return said
	}
	return r.inside(full, r.unknown(text, at))
}

// inside says in which file an unknown command is.
func (r *reader) inside(name, reason string) string {
	if reason == "" || strings.Contains(reason, " in ") {
		return reason
	}
	return fmt.Sprintf("%s in %s", reason, name)
}

var shebang = regexp.MustCompile(`^#!\s*(/usr)?/bin/(env\s+)?(ba|da)?sh\b`)

// manager looks at what npm, Yarn, pnpm or Bun runs: a script of package.json is read.
func (r *reader) manager(name string, args []string, said string, at place) string {
	elsewhere := func(a string) bool { return otherPackages.MatchString(a) }
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool {
		return slices.Contains([]string{"--if-present", "--silent", "-s"}, a)
	})
	sub := first(args)
	switch {
	case sub == "" && name == "yarn", slices.Contains(installs, sub), versionOnly(args):
		return ""
	case sub == "exec" || sub == "dlx":
		return r.wrapped(args[1:], said, at)
	case sub == "run" || sub == "run-script":
		if args = args[1:]; first(args) == "" {
			return said
		}
		sub = first(args)
	case sub == "t" && name != "yarn":
		sub = "test"
	case name == "npm" && sub != "test" && sub != "start", sub == "version", sub == "publish", sub == "release":
		return said
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") || sub == placeholder || !at.known ||
		slices.ContainsFunc(args, elsewhere) {
		return said
	}
	return r.script(name, sub, said, at)
}

// otherPackages finds options by which a script of another package.json runs.
var otherPackages = regexp.MustCompile(`^(-w|-ws|-r|-C|-F|--(workspaces?|recursive|filter|prefix|cwd|dir)(=.*)?)$`)

// script looks at a script of package.json, and those that run before and after it.
func (r *reader) script(manager, name, said string, at place) string {
	full := path.Join(at.dir, "package.json")
	content, ok := r.e.content(full)
	if !ok {
		if slices.Contains(usual, name) {
			return "" // there is nothing that could run
		}
		return said
	}
	value, err := dependency.ParseJSON5(lines(content))
	object, _ := value.(map[string]any)
	scripts, _ := object["scripts"].(map[string]any)
	body, ok := scripts[name].(string)
	if err != nil || len(content) > maxScript {
		return said
	}
	if !ok {
		if manager == "npm" {
			return said
		}
		at.depth++
		return r.command([]string{"npx", name}, at) // yarn eslint
	}
	for _, hook := range []string{"pre" + name, "post" + name} {
		if text, ok := scripts[hook].(string); ok {
			body += "\n" + text
		}
	}
	key := full + "#" + name
	if r.seen[key] {
		return ""
	}
	r.seen[key] = true
	return r.inside(full, r.unknown(body, at))
}

// first returns the first argument that is no option.
func first(args []string) string {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			return a
		}
	}
	return ""
}

// versionOnly reports whether a command only shows its version.
func versionOnly(args []string) bool {
	return len(args) == 1 && slices.Contains([]string{"--version", "-version", "-V", "-v", "--help"}, args[0])
}
