package paths

import (
	"slices"
	"text/template/parse"

	"github.com/bmatcuk/doublestar/v4"
)

// Use is a place of a template where an answer is used.
type Use struct {
	Source string // file below template/
	Line   int
	Quoted bool // a function quotes the answer, or only a condition asks about it

	name string
}

// quoting are the functions whose result keeps its meaning in the language that they are named for.
var quoting = []string{"yaml", "json", "shell", "xml"}

// use records the functions of an action.
func (c *checker) use(p *parse.PipeNode, condition bool) {
	var found []Use
	quoted := condition
	depth := 0
	var walk func(p *parse.PipeNode)
	walk = func(p *parse.PipeNode) {
		if depth++; depth > maxDepth {
			return
		}
		for _, command := range p.Cmds {
			for i, arg := range command.Args {
				switch arg := arg.(type) {
				case *parse.IdentifierNode:
					quoted = quoted || i == 0 && slices.Contains(quoting, arg.Ident)
					found = append(found, Use{Line: c.line(arg.Pos), name: arg.Ident})
				case *parse.StringNode:
					if condition {
						c.compared = append(c.compared, arg.Text)
					}
				case *parse.PipeNode:
					walk(arg)
				}
			}
		}
	}
	walk(p)
	for _, u := range found {
		u.Quoted = quoted
		c.uses = append(c.uses, u)
	}
}

// Uses returns the places where templates use a question or another function.
func (p *Path) Uses(name string) []Use { return slices.Clone(p.uses[name]) }

// Decided returns the questions of questions.yaml that are not asked, because path.yaml has a value instead of a
// placeholder.
func (p *Path) Decided() []Question { return slices.Clone(p.decided) }

// Compared returns the texts that templates compare answers with.
func (p *Path) Compared() []string { return slices.Clone(p.compared) }

// BaseImages returns the names of the base images that templates ask the organization for.
func (p *Path) BaseImages() []string { return slices.Clone(p.images) }

// Templates returns the names of the files below template/, in order.
func (p *Path) Templates() []string {
	names := make([]string, len(p.templates))
	for i, s := range p.templates {
		names[i] = s.name
	}
	return names
}

// Template returns the bytes of a file below template/, as they are before it is rendered.
func (p *Path) Template(name string) (data []byte, ok bool) {
	i := slices.IndexFunc(p.templates, func(s source) bool { return s.name == name })
	if i < 0 {
		return nil, false
	}
	return p.templates[i].data, true
}

// ModePattern is an entry of modes in files.yaml.
type ModePattern struct {
	Path string
	Line int
}

// UnmatchedModes returns the entries of modes that match none of the results.
func (p *Path) UnmatchedModes(results []string) []ModePattern {
	var unmatched []ModePattern
	for _, m := range p.patterns {
		if !slices.ContainsFunc(results, func(name string) bool { return doublestar.MatchUnvalidated(m.glob, name) }) {
			unmatched = append(unmatched, ModePattern{m.glob, m.line})
		}
	}
	return unmatched
}

// RenderUnchecked renders files of the template with answers that are not checked, so that a test can see what becomes
// of awkward ones. What is rendered must not be written anywhere. sources are names below template/.
func (p *Path) RenderUnchecked(a Answers, d Defaults, sources []string) (Tree, error) {
	some := *p
	some.templates = slices.DeleteFunc(slices.Clone(p.templates), func(s source) bool {
		return !slices.Contains(sources, s.name)
	})
	return some.render(p.Complete(a), d)
}
