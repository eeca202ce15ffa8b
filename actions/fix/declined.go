package fix

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/spelling"
)

// readLock reads the lock file of the service. One that follows no golden path only declines.
func (p *planner) readLock() error {
	content, ok := p.current(path.Join(p.plan.Dir, pathlock.File))
	if !ok {
		if _, err := fs.Lstat(p.open.FS(), path.Join(p.plan.Dir, pathlock.File)); err == nil {
			return fmt.Errorf("reading %s: it is not a regular file; remove it", pathlock.File)
		}
		return nil
	}
	lock, err := pathlock.Parse(content, pathlock.File)
	if err != nil {
		return fmt.Errorf("reading the lock file of the golden path: %w", err)
	}
	if p.refusal = lock; lock.Follows() {
		p.lock = lock
	}
	var rules []string
	for _, card := range p.Engine.Scorecards() {
		for i := range card.Rules {
			rules = append(rules, card.Rules[i].ID)
		}
	}
	p.plan.Notes = append(p.plan.Notes, UnknownDeclines(lock, rules)...)
	return nil
}

// UnknownDeclines names the rules that a lock file declines and that are none of a list: a word that is misspelled
// declines nothing.
func UnknownDeclines(lock *pathlock.Lock, rules []string) []string {
	var notes []string
	for _, d := range lock.Declined {
		if d.Rule != "" && !slices.Contains(rules, d.Rule) {
			notes = append(notes, fmt.Sprintf("the lock file declines the rule %s, which no scorecard has%s", d.Rule,
				spelling.Hint(d.Rule, rules)))
		}
	}
	return notes
}

// declined returns until when the lock file declines a rule or a file, and why; "" if it does not. The file is relative
// to the directory of the service; either text may be empty.
func (p *planner) declined(rule, file string) string {
	if p.refusal == nil {
		return ""
	}
	if d := p.refusal.Declines(rule, file, p.Now); d != nil {
		return d.String()
	}
	return ""
}

// inService returns a path of the repository relative to the directory of the service.
func (p *planner) inService(name string) string {
	if p.plan.Dir == "." {
		return name
	}
	return strings.TrimPrefix(name, p.plan.Dir+"/")
}
