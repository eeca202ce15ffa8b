package fix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/actions/merge"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// update updates the files that the golden path wrote: to its current version, and to answers and defaults of the
// organization that changed. In a repository that was not created from the path these are the files of the lock file;
// everything else there is somebody's.
func (p *planner) update(ctx context.Context) error {
	if p.lock == nil {
		return nil
	}
	if reason := p.declined("", ""); reason != "" {
		p.note("the golden path is %s", reason)
		return nil
	}
	if len(p.Defaults.Values()) == 0 && len(p.lock.Defaults) > 0 {
		// Without a configuration the defaults of the organization are not known, which does not take them back.
		p.Defaults = paths.DefaultsOf(p.lock.Defaults)
	}
	answers := p.changedAnswers()
	if len(p.Rules) > 0 {
		if len(answers) > 0 {
			return fmt.Errorf("--answer %s: it is another one than in %s, and files of other rules have it, too; leave out "+
				"--rule", answers[0], pathlock.File)
		}
		return nil
	}
	same := p.lock.Path.Digest == p.plan.Path.Digest
	values := len(answers) > 0 || !maps.Equal(p.lock.Defaults, p.Defaults.Values())
	if same && !values && len(p.Answers) == 0 {
		return nil
	}
	if later(p.lock.Path.Version, p.plan.Path.Version) {
		p.note("the repository follows version %s of the golden path %s, which is later than %s here: its files stay as "+
			"they are", p.lock.Path.Version, p.plan.Path.Name, p.plan.Path.Version)
		return nil
	}
	r := p.render()
	if r.err != nil {
		p.note("the files of the golden path are not updated: %v", r.err)
		return nil //nolint:nilerr // it is a note of the plan: the rules are looked at nevertheless
	}
	// A lock file without files was written by hand, to choose the golden path.
	adopted := p.lock.Adopted || len(p.lock.Files) == 0
	if len(r.open) > 0 && !adopted {
		p.note("the files of the golden path are not updated: its new version asks for %s; give --answer NAME=VALUE",
			strings.Join(slices.Sorted(maps.Values(r.open)), ", "))
		return nil
	}
	u := &updating{planner: p, base: p.base(ctx), same: same, lock: p.plan.Path.Lock(p.answers(), p.Defaults, nil)}
	u.lock.Declined, u.lock.Adopted = p.lock.Declined, adopted
	if err := u.all(ctx, r); err != nil {
		return err
	}
	switch changes := len(p.files.changed) > 0; {
	case u.pending > 0 && values:
		// Files with the old and with the new value of one question would not fit together.
		if changes {
			p.note("nothing of the golden path is updated before the conflicts are solved: an answer or a default changed, " +
				"and all files have to agree on it")
		}
		clear(p.files.changed)
	case u.pending > 0:
		if changes {
			p.note("the files that are not in conflict are updated; %s keeps version %s until the others are",
				pathlock.File, p.lock.Path.Version)
		}
		// The base of the files in conflict stays that version.
		p.newLock = copied(p.lock)
		maps.Copy(p.newLock.Files, u.lock.Files)
		for _, name := range u.lock.Removed {
			delete(p.newLock.Files, name)
		}
		p.newLock.Removed = u.lock.Removed
	case !same || changes:
		p.newLock = u.lock
	}
	return nil
}

// changedAnswers returns the questions whose answer was given and is another one than the lock file has, sorted.
func (p *planner) changedAnswers() (names []string) {
	for name, answer := range p.Answers {
		if before, ok := p.lock.Answers[name]; ok && before != answer {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// base returns the files as the lock file records them: those that it keeps, and what the recorded version of the
// golden path renders, if it is to be had.
func (p *planner) base(ctx context.Context) map[string][]byte {
	base := map[string][]byte{}
	for name, e := range p.lock.Files {
		if content, err := e.Content(); err == nil && content != nil { // reading the lock file has reported errors
			base[name] = content
		}
	}
	var pinned *paths.Path
	at := slices.IndexFunc(p.Paths, func(known *paths.Path) bool { return known.Digest == p.lock.Path.Digest })
	switch {
	case at >= 0:
		pinned = p.Paths[at]
	case p.Pinned != nil:
		pinned = p.Pinned(ctx, p.lock)
	}
	if pinned == nil || pinned.Digest != p.lock.Path.Digest {
		return base
	}
	// Without a tree there is no base. In an adopted repository not all questions were answered.
	for _, f := range fill(pinned, p.lock.Answers, nil, paths.DefaultsOf(p.lock.Defaults)).tree {
		base[f.Path] = f.Content
	}
	return base
}

func (p *planner) conflict(name, merged, format string, args ...any) {
	p.plan.Conflicts = append(p.plan.Conflicts, Conflict{Path: name, Reason: fmt.Sprintf(format, args...), Merge: merged})
}

// updating is an update that is planned.
type updating struct {
	*planner
	base    map[string][]byte
	same    bool           // whether the version of the golden path is the recorded one
	lock    *pathlock.Lock // after the update
	pending int            // files that cannot be updated now
}

func (u *updating) all(ctx context.Context, r *rendered) error {
	for i := range r.tree {
		f := &r.tree[i]
		_, locked := u.lockFiles()[f.Path]
		if u.lock.Adopted && !locked {
			continue // the repository was not made from it
		}
		conflicts := len(u.plan.Conflicts)
		if questions := r.unanswered(f.Content); len(questions) > 0 {
			u.note("%s is not updated: it needs an answer: --answer %s=…", path.Join(u.plan.Dir, f.Path),
				strings.Join(questions, "=… --answer "))
			u.pending++
			continue
		}
		if err := u.one(ctx, f); err != nil {
			return err
		}
		u.pending += len(u.plan.Conflicts) - conflicts
	}
	has := func(name string) bool {
		return slices.ContainsFunc(r.tree, func(f paths.File) bool { return f.Path == name })
	}
	for _, name := range u.planner.lock.Removed {
		if !has(name) {
			u.removed(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.lockFiles())) {
		if !has(name) {
			u.dropped(name)
		}
	}
	return nil
}

// one plans one file of the new version. Line ends of Windows are those of the checkout, and no change of the file: it
// is compared and merged without them, and keeps them.
func (u *updating) one(ctx context.Context, f *paths.File) error {
	at := path.Join(u.plan.Dir, f.Path)
	now, exists := u.current(at)
	crlf := windows(now) && !bytes.Contains(f.Content, []byte("\r\n"))
	if crlf {
		now = toUnix(now)
	}
	old, locked := u.lockFiles()[f.Path]
	hash := pathlock.Hash(f.Content)
	keep := func() {
		if u.lock.Files[f.Path] = old; old.Mode != f.Mode || old.Hash != hash || old.Base == "" {
			u.lock.Files[f.Path] = pathlock.NewEntry(f.Mode, f.Content)
		}
	}
	adopt := func(content []byte) error {
		keep()
		u.modes[at] = string(f.Mode)
		if crlf {
			content = toWindows(content)
		}
		return u.set(at, content)
	}
	if reason := u.declined("", f.Path); reason != "" {
		u.note("%s is %s", at, reason)
		if locked {
			u.lock.Files[f.Path] = old
		}
		return nil
	}
	switch {
	case exists && bytes.Equal(now, f.Content):
		keep()
	case !locked && !exists && u.plan.Dir != "." && rootOnly(f.Path):
		u.note("%s is new in the golden path: %s", f.Path, u.atRoot(f.Path))
	case !locked && !exists:
		return adopt(f.Content) // new in this version
	case !locked && f.Mode == paths.Once:
		u.note("%s is the repository's own; the golden path would write another one", at)
	case !locked && f.Mode != paths.Block:
		u.conflict(at, "", "the repository and the golden path both added it; take one, or decline the file in %s",
			pathlock.File)
	case locked && !exists:
		u.note("%s was deleted in the repository; it is not written again", at)
		u.lock.Files[f.Path] = old
	case f.Mode == paths.Once:
		u.lock.Files[f.Path] = old
		if before, ok := u.base[f.Path]; ok && u.same && !bytes.Equal(before, f.Content) && pathlock.Hash(now) == old.Hash {
			u.note("%s was written once and keeps the former answers and defaults; change it by hand", at)
		}
	case f.Mode == paths.Block:
		content, err := replaceBlock(now, f.Content)
		if err != nil {
			u.conflict(at, "", "%v", err)
			return nil
		}
		return adopt(content)
	case pathlock.Hash(now) == old.Hash:
		return adopt(f.Content)
	case hash == old.Hash:
		u.lock.Files[f.Path] = old // the golden path did not change it
	case f.Mode == paths.Managed:
		u.conflict(at, "", "it is managed by the golden path, and was changed in the repository; undo the change, or "+
			"decline the file in %s", pathlock.File)
	case u.base[f.Path] == nil || pathlock.Hash(u.base[f.Path]) != old.Hash:
		u.conflict(at, "", "both changed it, and the version that the repository was made from (%s) is not to be had, so "+
			"they cannot be merged; write the golden path's changes into it by hand, and decline the file in %s, or give "+
			"dxctl the older version", u.planner.lock.Path.Digest, pathlock.File)
	default:
		return u.merge(ctx, at, now, f, adopt)
	}
	return nil
}

func (u *updating) merge(ctx context.Context, at string, now []byte, f *paths.File, adopt func([]byte) error) error {
	merged, err := merge.Three(ctx, now, u.base[f.Path], f.Content)
	var conflict *merge.ConflictError
	if errors.As(err, &conflict) {
		u.conflict(at, string(conflict.Text), "%v", err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := judge(at, now, merged); err != nil {
		u.conflict(at, "", "the merged file was refused: %v", err)
		return nil
	}
	return adopt(merged)
}

// dropped plans a file that the new version no longer has.
func (u *updating) dropped(name string) {
	at := path.Join(u.plan.Dir, name)
	now, exists := u.current(at)
	if windows(now) {
		now = toUnix(now)
	}
	old := u.lockFiles()[name]
	switch {
	case !exists:
		u.removed(name) // it stays deleted
	case old.Mode == paths.Managed && pathlock.Hash(now) == old.Hash:
		if err := u.set(at, nil); err != nil {
			u.note("%s is no longer in the golden path, and cannot be removed: %v", at, err)
			return
		}
		u.removed(name)
	default:
		u.note("%s is no longer in the golden path; it is now the repository's own", at)
	}
}

func (u *updating) removed(name string) {
	if !slices.Contains(u.lock.Removed, name) {
		u.lock.Removed = append(u.lock.Removed, name)
		slices.Sort(u.lock.Removed)
	}
}

// windows reports whether all lines of a text end as Windows ends them.
func windows(text []byte) bool {
	ends := bytes.Count(text, []byte("\r\n"))
	return ends > 0 && ends == bytes.Count(text, []byte("\n"))
}

func toUnix(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

func toWindows(text []byte) []byte {
	return bytes.ReplaceAll(toUnix(text), []byte("\n"), []byte("\r\n"))
}

// unwanted returns why a file that is not there is not written: somebody deleted it, a newer version of the golden path
// has it no longer, or it is declined. "" if it may be written.
func (p *planner) unwanted(at string) string {
	name := p.inService(at)
	if reason := p.declined("", name); reason != "" {
		return at + " is " + reason
	}
	if p.lock == nil {
		return ""
	}
	same := func(other string) bool { return pathlock.Folded(other) == pathlock.Folded(name) }
	removed := p.lock.Removed
	if p.newLock != nil {
		removed = p.newLock.Removed
	}
	switch {
	case slices.ContainsFunc(removed, same):
		return at + " was removed, because the golden path has it no longer"
	case slices.ContainsFunc(p.lock.Sorted(), same):
		return at + " was deleted by somebody since the golden path wrote it"
	}
	return ""
}

// later reports whether a version is later than another one, by their numbers.
func later(a, b string) bool {
	numbers := func(version string) (n []int) {
		core, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
		for part := range strings.SplitSeq(core, ".") {
			value, err := strconv.Atoi(part)
			if err != nil {
				return nil
			}
			n = append(n, value)
		}
		return n
	}
	return slices.Compare(numbers(a), numbers(b)) > 0
}
