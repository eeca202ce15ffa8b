// Package fix adopts the defaults of a golden path in a repository that was not created from it, or from an older
// version of it: the smallest patch per rule that is not met, judged by the programs that read the files, and shown
// before it is written. What no patch can decide becomes a task for a person.
package fix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/actions/fix/edits"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository/content"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// Name is the name of the action.
const Name = "fix"

// Options are what is planned.
type Options struct {
	Dir        string            // the directory of the service, or above it
	Archive    *Archive          // the files are those of an archive; nil: of a checkout
	Rules      []string          // ids of the rules to fix; none: all
	GoldenPath string            // name of the golden path; "": that of the lock file, else that of the language
	Answers    map[string]string // to questions of the golden path that the repository does not answer
	Engine     *scorecards.Engine
	Paths      []*paths.Path
	Defaults   paths.Defaults
	// Pinned returns the version of a golden path that a lock file records; nil if it cannot be had.
	Pinned func(ctx context.Context, lock *pathlock.Lock) *paths.Path
	// Actions and Images are commits and digests in addition to those of the golden path.
	Actions []edits.Action
	Images  map[string]string
	// Resolve returns the commit of a version of an action that no list has, by owner/name and tag: it may ask the host.
	// Nil: nobody is asked, and what no list has is left to a person.
	Resolve func(ctx context.Context, repository, tag string) (edits.Action, error)
	// Digest returns the digest of an image with a tag that no list has: it may ask its registry. Nil: nobody is asked.
	Digest func(ctx context.Context, image string) (string, error)
	// Jobs are how long the jobs of the workflows took; those that are not known get a default limit.
	Jobs []edits.JobTime
	// JobsOf returns Jobs of a service where they are not given. An error costs no more than the limits. It may be nil.
	JobsOf func(ctx context.Context, service string) ([]edits.JobTime, error)
	Now    time.Time
	// Entity is the service, if the catalog has it; zero: the files alone describe it. The directory is then the one that
	// describes it, if one below Dir does.
	Entity descriptor.Entity
	// Known are facts of the entity that count as far as the files do not show them: those of sources.
	Known map[string]event.Fact
}

// Archive is what is known of the files of a commit that were read without git.
type Archive struct {
	Root   string // directory of the files
	Commit string
}

// Plan is what would be done in a repository.
type Plan struct {
	actions.Plan
	Root      string // of the repository, absolute
	Dir       string // of the service, relative to the root
	Service   descriptor.Entity
	Path      *paths.Path
	Before    []Grade
	After     []Grade
	Rules     []Rule // those that are not met, in the order of the scorecards
	Conflicts []Conflict
}

// Grade is the grade by one scorecard.
type Grade struct {
	Scorecard string  `json:"scorecard"`
	Title     string  `json:"title"`
	Level     string  `json:"level"` // "" below the first one
	Score     float64 `json:"score"` // 0 to 1
}

// Rule is a rule that is not met, and what is done about it.
type Rule struct {
	ID        string        `json:"rule"`
	Title     string        `json:"title"`
	Scorecard string        `json:"scorecard"`
	Level     string        `json:"level"`
	Before    event.Outcome `json:"before"`
	After     event.Outcome `json:"after"`
	Files     []string      `json:"files"`              // that the patch changes
	NoPatch   string        `json:"no_patch,omitempty"` // why there is none
	Declined  string        `json:"declined,omitempty"` // by the lock file: until when, and why
	Asks      []Ask         `json:"asks"`               // what a person has to decide
	Reason    string        `json:"reason"`             // the evidence: why it is not met
	What      string        `json:"-"`                  // what to do, by the scorecard
	Why       string        `json:"-"`
	Links     []string      `json:"-"`
}

// Ask is something that a person decides.
type Ask struct {
	Place string `json:"place,omitempty"` // path:line
	Text  string `json:"text"`
}

// Conflict is a file of the golden path that is not written, because somebody wrote something else there.
type Conflict struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
	// Merge is the attempted merge with markers, for a report; never written to the file.
	Merge string `json:"merge,omitempty"`
}

// Passes reports whether the patch makes the rule pass.
func (r *Rule) Passes() bool { return r.Before != event.Pass && r.After == event.Pass }

// Passing returns the rules that the patch makes pass.
func (p *Plan) Passing() []string {
	var ids []string
	for i := range p.Rules {
		if p.Rules[i].Passes() {
			ids = append(ids, p.Rules[i].ID)
		}
	}
	return ids
}

// Open reports whether something is left to a person: nothing is of a rule that is declined.
func (r *Rule) Open() bool {
	return r.Declined == "" && r.After != event.Pass && r.After != event.Waived && r.After != event.NotApplicable
}

// Changed returns the changes as a checkout takes them.
func (p *Plan) Changed() []checkout.Change {
	var changes []checkout.Change
	for _, f := range p.Files {
		changes = append(changes, checkout.Change{Path: f.Path, Before: f.Before, After: f.After, Executable: f.Executable})
	}
	// The lock file last: it describes the others.
	slices.SortStableFunc(changes, func(a, b checkout.Change) int {
		return order(strings.HasSuffix(a.Path, pathlock.File)) - order(strings.HasSuffix(b.Path, pathlock.File))
	})
	return changes
}

func order(last bool) int {
	if last {
		return 1
	}
	return 0
}

// Write writes the files of the plan. A file that changed since the plan was made, or whose changes are not committed,
// is an error, and then nothing is written.
func (p *Plan) Write(ctx context.Context) (written []string, err error) {
	c, err := checkout.Open(p.Root)
	if err != nil {
		return nil, err
	}
	written, err = c.Write(ctx, p.Changed())
	return written, errors.Join(err, c.Close())
}

// ErrChanged is the error of applying a plan that is no longer what would be done.
var ErrChanged = errors.New("the repository or the golden path has changed since the plan was made; make it again " +
	"with `dxctl fix --out`")

// secretFree returns an error if an answer has the form of a secret: plans, the lock file and pull requests have the
// answers. The error does not repeat it.
func secretFree(answers map[string]string) error {
	for name, answer := range answers {
		if form := content.SecretForm(name + "=" + answer); form != "" {
			return fmt.Errorf("an answer contains a secret (%s), and answers are kept in plans and in the repository; let the "+
				"service read it from its environment", form)
		}
	}
	return nil
}
