// Package repositories opens the files of the repositories of services on a server, which has no checkout that somebody
// works in: those of a directory that the configuration names, else those of an archive that a source reads. It writes
// nothing into a checkout.
package repositories

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/actions/archive"
	"github.com/dxctl/dxctl/actions/checkout"
	"github.com/dxctl/dxctl/catalog/descriptor"
)

const (
	// MaxArchive is the size of the largest archive that is read, in bytes, compressed.
	MaxArchive = 64 << 20
	// kept is how many archives stay unpacked.
	kept = 4
	// fresh is how long an archive counts as the present files where no source tells their commit.
	fresh = 10 * time.Minute
	// asking is how long the question for the commit of a repository may take.
	asking = 10 * time.Second
	// within is how long reading an archive may take.
	within = 2 * time.Minute
)

// ErrNoFiles is the error of a service whose files are nowhere to be had.
var ErrNoFiles = errors.New("the files of its repository are not at hand: no checkout is in a directory of " +
	"actions.checkouts, and no source that reads archives covers it")

// ErrExcluded is the error of a repository whose archives lack files or change them, so that nothing can be planned on
// them.
var ErrExcluded = errors.New("its .gitattributes leaves files out of archives, or changes them there (export-ignore, " +
	"export-subst); run `dxctl fix` in a checkout of the repository")

// Config is where files are.
type Config struct {
	// Dirs have checkouts: of the repository owner/name in DIR/owner/name or DIR/name, or of a service in DIR/service.
	Dirs []string
	// Archive returns the archive of the repository of a service, or nil if no source covers it. It may be nil.
	Archive func(ctx context.Context, e descriptor.Entity, most int64) ([]byte, error)
	// Revision returns the commit of the repository of a service by a cheap request; the commit is empty if no source can
	// tell. known is what it returned before, or zero. It may be nil.
	Revision func(ctx context.Context, e descriptor.Entity, known Revision) (Revision, error)
	// Unpacked is a directory for archives. What is in it is removed.
	Unpacked string
	Now      func() time.Time
}

// Revision is the commit of a default branch, and the ETag of the answer that said so.
type Revision struct{ Commit, ETag string }

// Files are the files of a repository.
type Files struct {
	Root   string    // directory of the files
	Commit string    // of an archive; "" for a checkout, and for an archive that does not name it
	Packed bool      // they are those of an archive
	At     time.Time // when the archive was read
}

// Repositories opens files. It is safe for concurrent use.
type Repositories struct {
	cfg  Config
	busy chan struct{} // one archive is read at a time

	mu        sync.Mutex
	unpacked  map[string]*unpacked // by repository
	revisions map[string]Revision  // by repository; the latest
}

// maxRevisions bounds the repositories whose revision is kept: the next request of others counts.
const maxRevisions = 2000

// unpacked is an archive on the disk. It is removed when nobody uses it, and it is old or others need the room.
type unpacked struct {
	Files
	users int
	gone  bool // nobody finds it
}

// New returns the repositories of a configuration.
func New(cfg Config) (*Repositories, error) {
	if cfg.Unpacked != "" {
		if err := os.RemoveAll(cfg.Unpacked); err != nil {
			return nil, fmt.Errorf("removing archives of an earlier process: %w", err)
		}
	}
	return &Repositories{
		cfg: cfg, busy: make(chan struct{}, 1), unpacked: map[string]*unpacked{}, revisions: map[string]Revision{},
	}, nil
}

// Open returns the files of the repository of a service; done releases them. The error is [ErrNoFiles] if they are
// nowhere.
func (r *Repositories) Open(ctx context.Context, e descriptor.Entity) (f Files, done func(), err error) {
	if dir := r.checkout(e); dir != "" {
		return Files{Root: dir}, func() {}, nil
	}
	slug, address := e.Repository()
	if slug == "" || r.cfg.Archive == nil || r.cfg.Unpacked == "" {
		return Files{}, nil, ErrNoFiles
	}
	// Asked before the others have to wait: a host that does not answer delays nobody else.
	key := strings.ToLower(address)
	now, err := r.revision(ctx, key, e)
	if err != nil && ctx.Err() != nil {
		return Files{}, nil, err
	}
	select {
	case r.busy <- struct{}{}:
		defer func() { <-r.busy }()
	case <-ctx.Done():
		return Files{}, nil, ctx.Err()
	}
	if u := r.use(key, now); u != nil {
		return u.Files, r.release(u), nil
	}
	u, err := r.read(ctx, e)
	if err != nil {
		return Files{}, nil, err
	}
	r.keep(key, u)
	return u.Files, r.release(u), nil
}

// Version returns what identifies the present files of the repository of a service: two equal versions have the same
// files. It is empty where nothing tells.
func (r *Repositories) Version(ctx context.Context, e descriptor.Entity) (string, error) {
	if dir := r.checkout(e); dir != "" {
		return fingerprint(ctx, dir)
	}
	slug, address := e.Repository()
	if slug == "" {
		return "", nil
	}
	return r.revision(ctx, strings.ToLower(address), e)
}

// revision returns the commit of a repository; "" where nothing tells.
func (r *Repositories) revision(ctx context.Context, key string, e descriptor.Entity) (string, error) {
	if r.cfg.Revision == nil {
		return "", nil
	}
	r.mu.Lock()
	known := r.revisions[key]
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	now, err := r.cfg.Revision(ctx, e, known)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.revisions[key]; ok || len(r.revisions) < maxRevisions {
		r.revisions[key] = now
	}
	return now.Commit, nil
}

// checkout returns the directory of a checkout; "" if there is none. A name of the catalog cannot leave the directory.
func (r *Repositories) checkout(e descriptor.Entity) string {
	slug, _ := e.Repository()
	for _, dir := range r.cfg.Dirs {
		for _, name := range []string{slug, path.Base(slug), e.Name} {
			if name == "" || name == "." || !filepath.IsLocal(filepath.FromSlash(name)) {
				continue
			}
			full := filepath.Join(dir, filepath.FromSlash(name))
			if info, err := os.Stat(full); err == nil && info.IsDir() {
				return full
			}
		}
	}
	return ""
}

// read reads and unpacks an archive.
func (r *Repositories) read(ctx context.Context, e descriptor.Entity) (*unpacked, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	packed, err := r.cfg.Archive(ctx, e, MaxArchive)
	if err != nil {
		return nil, err
	}
	if packed == nil {
		return nil, ErrNoFiles
	}
	if err := os.MkdirAll(r.cfg.Unpacked, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory for archives: %w", err)
	}
	dir, err := os.MkdirTemp(r.cfg.Unpacked, "")
	if err != nil {
		return nil, fmt.Errorf("making the directory of an archive: %w", err)
	}
	got, err := archive.Extract(ctx, bytes.NewReader(packed), dir, archive.Limits{})
	if err == nil {
		err = complete(dir)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &unpacked{Files: Files{Root: dir, Commit: got.Commit, Packed: true, At: r.cfg.Now()}, users: 1}, nil
}

// use returns the archive of a repository that has the files of a commit, of any age; where no commit is known, the one
// that is fresh. It is nil if there is none.
func (r *Repositories) use(key, commit string) *unpacked {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.unpacked[key]
	switch {
	case u == nil:
		return nil
	case commit != "" && u.Commit != "":
		if u.Commit != commit {
			return nil
		}
	case r.cfg.Now().Sub(u.At).Abs() > fresh:
		return nil
	}
	u.users++
	return u
}

// keep makes an archive that of its repository, and lets the oldest one go if there are too many.
func (r *Repositories) keep(key string, u *unpacked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(key)
	r.unpacked[key] = u
	if len(r.unpacked) <= kept {
		return
	}
	oldest := ""
	for k, other := range r.unpacked {
		if k != key && (oldest == "" || other.At.Before(r.unpacked[oldest].At)) {
			oldest = k
		}
	}
	r.forget(oldest)
}

// forget lets an archive go. It is called with the lock held.
func (r *Repositories) forget(key string) {
	if u := r.unpacked[key]; u != nil {
		delete(r.unpacked, key)
		u.gone = true
		r.remove(u)
	}
}

// release returns what ends one use of an archive.
func (r *Repositories) release(u *unpacked) func() {
	return sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		u.users--
		r.remove(u)
	})
}

// remove removes an archive that nobody finds and nobody uses. What cannot be removed is removed by the next process.
func (r *Repositories) remove(u *unpacked) {
	if u.gone && u.users == 0 {
		_ = os.RemoveAll(u.Root)
	}
}

// complete returns ErrExcluded if the attributes at the root of an unpacked archive exclude or change files.
func complete(dir string) error {
	c, err := checkout.Open(dir)
	if err != nil {
		return err
	}
	file, err := c.Read(".gitattributes")
	if err = errors.Join(err, c.Close()); err != nil {
		return err
	}
	if bytes.Contains(file.Content, []byte("export-")) {
		return ErrExcluded
	}
	return nil
}
