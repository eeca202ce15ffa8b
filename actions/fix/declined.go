package fix

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/dxctl/dxctl/repository/pathlock"
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
	return nil
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
