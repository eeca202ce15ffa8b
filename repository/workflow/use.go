package workflow

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// Pin is how firmly the version of something that is used is fixed.
type Pin string

// The kinds of pins, the firm ones first.
const (
	PinLocal   Pin = "local"   // a path of this repository
	PinCommit  Pin = "commit"  // a full commit hash
	PinDigest  Pin = "digest"  // an image by digest
	PinRef     Pin = "ref"     // a tag or a branch, which can be moved
	PinNone    Pin = "none"    // no version
	PinUnknown Pin = "unknown" // an expression, or a path of another repository that the job checked out
)

// Use is a reference to an action, a reusable workflow or an image.
type Use struct {
	Text    string // as it is written
	At      fact.Location
	Action  string // "actions/checkout", "owner/repository/path", "./path" or "docker://image", without the version
	Ref     string // after the "@", or the tag or digest of an image
	Pin     Pin
	Comment string // the comment of the line, which names the version of a commit
}

// Owner returns the account that owns the action; "" for a path and an image.
func (u *Use) Owner() string {
	if u.Pin == PinLocal || strings.HasPrefix(u.Action, "docker://") {
		return ""
	}
	owner, _, _ := strings.Cut(u.Action, "/")
	return owner
}

var commitHash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

func (r reader) use(n *yaml.Node) *Use {
	u := ParseUse(yamlfile.Text(n))
	u.At = r.at(yamlfile.Line(n))
	if n != nil {
		u.Comment = strings.TrimSpace(strings.TrimPrefix(n.LineComment, "#"))
	}
	return u
}

// ParseUse reads the value of "uses".
func ParseUse(text string) *Use {
	u := &Use{Text: text, Action: text, Pin: PinNone}
	if strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") {
		u.Pin = PinLocal
		return u
	}
	if image, ok := strings.CutPrefix(text, "docker://"); ok {
		if name, digest, found := strings.Cut(image, "@"); found {
			u.Action, u.Ref, u.Pin = "docker://"+name, digest, PinDigest
		} else if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
			u.Action, u.Ref, u.Pin = "docker://"+image[:i], image[i+1:], PinRef
		}
	} else if action, ref, found := strings.Cut(text, "@"); found {
		u.Action, u.Ref, u.Pin = action, ref, PinRef
		if commitHash.MatchString(ref) {
			u.Pin = PinCommit
		}
	}
	if strings.Contains(text, "${{") {
		u.Pin = PinUnknown
	}
	return u
}

// Uses returns every reference of the workflow, of jobs and of steps.
func (w *Workflow) Uses() []*Use {
	var uses []*Use
	for i := range w.Jobs {
		if w.Jobs[i].Uses != nil {
			uses = append(uses, w.Jobs[i].Uses)
		}
		uses = append(uses, usesOf(w.Jobs[i].Steps)...)
	}
	return uses
}

// Uses returns every reference of the steps of an action.
func (a *Action) Uses() []*Use { return usesOf(a.Steps) }

func usesOf(steps []Step) []*Use {
	var uses []*Use
	for i := range steps {
		if steps[i].Uses != nil {
			uses = append(uses, steps[i].Uses)
		}
	}
	return uses
}
