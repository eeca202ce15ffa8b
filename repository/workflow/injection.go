package workflow

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// Injection is an expression whose value anybody can choose and that is inserted into the text of a script before the
// shell parses it. The value belongs into an environment variable.
type Injection struct {
	Expression string // without ${{ }}
	At         fact.Location
}

// scripted reports whether an input of an action is a script.
func scripted(u *Use, input string) bool {
	switch strings.ToLower(u.Action) {
	case "actions/github-script":
		return input == "script"
	case "azure/powershell", "azure/cli":
		return strings.EqualFold(input, "inlineScript")
	}
	return false
}

// injections returns the untrusted expressions of a script. env has the variables that hold untrusted text.
func (r reader) injections(script *yaml.Node, env map[string]bool) []Injection {
	var found []Injection
	text := yamlfile.Text(script)
	for _, e := range expressions(text) {
		if !untrusted(e.text, env) {
			continue
		}
		line := yamlfile.Line(script)
		if script.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			line++ // the text begins below the indicator
		}
		if script.Style&yaml.LiteralStyle != 0 || script.Style == 0 {
			line = line - 1 + fact.Line(text, e.offset)
		}
		found = append(found, Injection{Expression: e.text, At: r.at(line)})
	}
	return found
}

// tainted returns the variables of outer and of an env mapping that hold untrusted text. A variable of env replaces
// one of outer.
func tainted(outer map[string]bool, env *yaml.Node) map[string]bool {
	pairs := yamlfile.Pairs(env)
	if len(pairs) == 0 {
		return outer
	}
	all := maps.Clone(outer)
	if all == nil {
		all = map[string]bool{}
	}
	for _, p := range pairs {
		value := expressions(yamlfile.Text(p.Value))
		all[strings.ToLower(p.Key)] = slices.ContainsFunc(value, func(e expression) bool { return untrusted(e.text, outer) })
	}
	return all
}

type expression struct {
	text   string // without ${{ }}
	offset int    // of ${{ in the text
}

// expressions returns what is between ${{ and }} in a text. A }} inside a string literal does not end an expression.
func expressions(text string) []expression {
	var found []expression
	for pos := 0; ; {
		i := strings.Index(text[pos:], "${{")
		if i < 0 {
			return found
		}
		start := pos + i + len("${{")
		end := start
		for quoted := false; end < len(text); end++ {
			if text[end] == '\'' {
				quoted = !quoted
			}
			if !quoted && strings.HasPrefix(text[end:], "}}") {
				break
			}
		}
		found = append(found, expression{strings.TrimSpace(text[start:min(end, len(text))]), pos + i})
		if pos = end; pos >= len(text) {
			return found
		}
	}
}

// untrustedContexts are the values that the author of an issue, a comment or a pull request chooses. "*" is any index.
// The list is GitHub's, "Security hardening for GitHub Actions".
var untrustedContexts = []string{
	"github.event.issue.title",
	"github.event.issue.body",
	"github.event.pull_request.title",
	"github.event.pull_request.body",
	"github.event.pull_request.head.ref",
	"github.event.pull_request.head.label",
	"github.event.pull_request.head.repo.default_branch",
	"github.event.pull_request.head.repo.description",
	"github.event.pull_request.head.repo.homepage",
	"github.event.comment.body",
	"github.event.review.body",
	"github.event.review_comment.body",
	"github.event.discussion.title",
	"github.event.discussion.body",
	"github.event.pages.*.page_name",
	"github.event.commits.*.message",
	"github.event.commits.*.author.email",
	"github.event.commits.*.author.name",
	"github.event.head_commit.message",
	"github.event.head_commit.author.email",
	"github.event.head_commit.author.name",
	"github.event.head_commit.committer.email",
	"github.event.head_commit.committer.name",
	"github.event.workflow_run.head_branch",
	"github.event.workflow_run.head_commit.message",
	"github.event.workflow_run.head_commit.author.email",
	"github.event.workflow_run.head_commit.author.name",
	"github.event.workflow_run.head_repository.description",
	"github.event.workflow_run.display_title",
	"github.event.workflow_run.pull_requests.*.head.ref",
	"github.head_ref",
}

// isUntrusted compares a path in lower case with the list. whole is whether the value is written out with everything
// below it, as toJSON does: then a path above an untrusted one is untrusted, too.
func isUntrusted(path []string, env map[string]bool, whole bool) bool {
	if len(path) == 2 && path[0] == "env" {
		return env[path[1]]
	}
	for _, context := range untrustedContexts {
		want := strings.Split(context, ".")
		if len(path) > len(want) || len(path) < len(want) && !whole {
			continue
		}
		same := true
		for i := range path {
			same = same && (path[i] == want[i] || want[i] == "*" || path[i] == "*")
		}
		if same {
			return true
		}
	}
	return false
}

// untrusted reports whether the value of an expression can be a text that anybody chooses. An expression that cannot be
// parsed is untrusted if it mentions such a value.
func untrusted(text string, env map[string]bool) bool {
	p := &evaluator{tokens: tokenize(text), env: env}
	result := p.or(0, false)
	if p.failed || len(p.tokens) > 0 {
		lower := strings.ToLower(text)
		return slices.ContainsFunc(untrustedContexts, func(c string) bool {
			before, _, _ := strings.Cut(c, ".*")
			return strings.Contains(lower, before)
		})
	}
	return result
}
