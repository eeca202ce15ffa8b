package git

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// clone is a bare repository without file contents in the data directory, held for one user at a time.
type clone struct {
	c    *Collector
	at   address
	dir  string
	lock *os.File
}

// shaRule is what may be handed to git as a commit's id.
var shaRule = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// open takes the repository's clone, and waits for another process that has it.
func (c *Collector) open(ctx context.Context, a address) (*clone, error) {
	if err := os.MkdirAll(c.directory, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory for clones: %w", err)
	}
	dir := filepath.Join(c.directory, a.directoryName())
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the clone of %s: %w", a.scope, err)
	}
	for {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return &clone{c: c, at: a, dir: dir, lock: lock}, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("locking the clone of %s: %w", a.scope, err), lock.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), lock.Close())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (k *clone) close() { _ = k.lock.Close() }

// there reports whether the clone has ever been filled.
func (k *clone) there() bool {
	_, err := os.Stat(filepath.Join(k.dir, "dxctl-filled"))
	return err == nil
}

func (k *clone) command(args ...string) command {
	return command{args: args, dir: k.dir, lock: k.lock}
}

// make prepares an empty clone, or continues with one whose making was interrupted.
func (k *clone) make(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(k.dir, "HEAD")); errors.Is(err, fs.ErrNotExist) {
		// Template-free and without GIT_DIR, which would go before the directory's name.
		cmd := command{
			args: []string{"init", "--bare", "--quiet", "--template=", "--initial-branch=main", "--", k.dir},
			lock: k.lock,
		}
		if _, err := k.c.output(ctx, cmd); err != nil {
			return fmt.Errorf("making the clone of %s in %s: %w", k.at.scope, k.dir, err)
		}
	}
	return k.unlock()
}

// unlock removes lock files that a git left which was killed. Nobody else can be at work: the clone is ours, and a git
// of ours that outlives us holds the lock.
func (k *clone) unlock() error {
	root, err := os.OpenRoot(k.dir)
	if err != nil {
		return fmt.Errorf("opening the clone of %s: %w", k.at.scope, err)
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("looking through the clone of %s: %w", k.at.scope, err)
		}
		if d.IsDir() && d.Name() == "objects" {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(d.Name(), ".lock") {
			return root.Remove(path)
		}
		return nil
	})
}

// remoteRefs asks the server for its branches and tags and returns a digest of them.
func (c *Collector) remoteRefs(ctx context.Context, a address) (string, error) {
	config, err := c.reachable(ctx, a)
	if err != nil {
		return "", fmt.Errorf("repository %s: %w", a.scope, err)
	}
	hash := sha256.New()
	cmd := command{
		args:   []string{"ls-remote", "--heads", "--tags", "--refs", "--end-of-options", a.url},
		remote: &a,
		config: config,
	}
	if err := c.run(ctx, cmd, func(r io.Reader) error { _, err := io.Copy(hash, r); return err }); err != nil {
		return "", fmt.Errorf("asking for the branches of %s (%s): %w%s", a.scope, a.url, err, c.advice(err))
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// advice says what to do about a server's refusal.
func (c *Collector) advice(err error) string {
	var f *failure
	if !errors.As(err, &f) {
		return ""
	}
	who := "the server asks who we are: give a token with read access to contents"
	if c.cfg.Token != "" {
		who = "the token is not taken: give one with read access to contents of this repository"
	}
	for _, known := range []struct{ said, do string }{
		{"could not read Username", who},
		{"Authentication failed", "the token is not taken: give one with read access to contents of this repository"},
		{"error: 401", "the token is not taken: give one with read access to contents of this repository"},
		{"error: 403", "the token may not read this repository: give it read access to contents"},
		{"not found", "check the repository's name, and that the token may read it"},
		{"redirect", "the repository has moved: give its new address"},
		{"error: 30", "the repository has moved: give its new address"},
		{"Permission denied (publickey)", "the server rejects the key: check the ssh agent of the user that runs dxctl"},
		{"Host key verification failed", "add the server's key to known_hosts of the user that runs dxctl"},
		{"not allowed", "this git does not speak the address's protocol"},
	} {
		if strings.Contains(f.said, known.said) {
			return "; " + known.do
		}
	}
	return ""
}

// fetch downloads the branches and tags that the server has now; what it no longer has stays in the clone without a
// name.
func (k *clone) fetch(ctx context.Context) error {
	if err := k.fetchRefs(ctx, "--prune", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"); err != nil {
		return fmt.Errorf("fetching %s (%s): %w%s", k.at.scope, k.at.url, err, k.c.advice(err))
	}
	if err := os.WriteFile(filepath.Join(k.dir, "dxctl-filled"), nil, 0o600); err != nil {
		return fmt.Errorf("marking the clone of %s as filled: %w", k.at.scope, err)
	}
	return nil
}

func (k *clone) fetchRefs(ctx context.Context, args ...string) error {
	config, err := k.c.reachable(ctx, k.at)
	if err != nil {
		return err
	}
	if err := k.unlock(); err != nil {
		return err
	}
	cmd := k.command(
		append(
			[]string{
				"fetch",
				"--filter=blob:none",
				"--no-write-fetch-head",
				"--no-tags",
				"--force",
				"--progress",
				"--no-recurse-submodules",
				"--end-of-options",
			},
			"origin",
		)...)
	// Options go before their end, refspecs after the name.
	for _, arg := range args {
		if strings.HasPrefix(arg, "--") {
			cmd.args = slices.Insert(cmd.args, 1, arg)
		} else {
			cmd.args = append(cmd.args, arg)
		}
	}
	cmd.remote, cmd.config = &k.at, slices.Concat(config, [][2]string{{"remote.origin.url", k.at.url}})
	_, err = k.c.output(ctx, cmd)
	return err
}

// How commits that no branch holds are asked for.
const (
	askAtOnce = 64 // ids in one request
	askTimes  = 40 // requests in one run
)

// fetchCommits asks for commits by their ids and keeps those that there are under names of their own, so that no later
// push takes them away. It returns why each of the others could not be had; ids that are in neither were not asked for
// yet, because a run asks only so often.
func (k *clone) fetchCommits(ctx context.Context, shas []string) (got []string, refused map[string]string, err error) {
	refused = map[string]string{}
	queue := slices.Collect(slices.Chunk(shas, askAtOnce))
	for asked := 0; len(queue) > 0 && asked < askTimes; asked++ {
		some := queue[0]
		queue = queue[1:]
		refspecs := make([]string, len(some))
		for i, sha := range some {
			if !shaRule.MatchString(sha) {
				return got, refused, fmt.Errorf("fetching %q: not a commit's id", sha)
			}
			refspecs[i] = sha + ":refs/dxctl/" + sha
		}
		err := k.fetchRefs(ctx, refspecs...)
		var f *failure
		switch {
		case err == nil:
			got = append(got, some...)
		case ctx.Err() != nil:
			return got, refused, ctx.Err()
		case !errors.As(err, &f) || !isRefusal(f.said):
			return got, refused, fmt.Errorf("fetching %d commits of %s: %w%s", len(some), k.at.scope, err, k.c.advice(err))
		case len(some) == 1:
			refused[some[0]] = "the repository does not have it, or no longer hands it out"
		default:
			queue = append(queue, some[:len(some)/2], some[len(some)/2:])
		}
	}
	return got, refused, nil
}

// isRefusal reports whether the server has said that it does not give a commit, rather than that something went wrong.
func isRefusal(said string) bool {
	for _, words := range []string{
		"not our ref",
		"unadvertised object",
		"couldn't find remote ref",
		"no such remote ref",
		"is not a commit",
		"bad object",
		"missing object",
		"non-commit object",
		"nonexistent object",
	} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}

// history reads every commit that the clone's names lead to.
func (k *clone) history(ctx context.Context) (*graph, error) {
	g := newGraph()
	// The names are read first and handed over, so that a tag of something that is no commit does no harm.
	refs, err := k.c.output(ctx, k.command("for-each-ref", "--format=%(objecttype) %(*objecttype) %(objectname) "+
		"%(*objectname)", "refs/heads", "refs/tags", "refs/dxctl"))
	if err != nil {
		return nil, k.broken(err)
	}
	tips := tipsOf(refs)
	if len(tips) == 0 {
		return g, nil
	}
	cmd := k.command("log", "--stdin", "--no-show-signature", "--no-notes", "--format=%H %at %ct %P")
	cmd.stdin = bytes.NewReader(tips)
	if err := k.c.run(ctx, cmd, g.read); err != nil {
		return nil, k.broken(err)
	}
	return g, nil
}

// tipsOf picks the commits out of what for-each-ref says, one a line.
func tipsOf(refs []byte) []byte {
	var tips []byte
	for line := range strings.Lines(string(refs)) {
		words := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if len(words) != 4 {
			continue
		}
		switch {
		case words[0] == "commit" && shaRule.MatchString(words[2]):
			tips = append(append(tips, words[2]...), '\n')
		case words[1] == "commit" && shaRule.MatchString(words[3]):
			tips = append(append(tips, words[3]...), '\n')
		}
	}
	return tips
}

func (k *clone) broken(err error) error {
	return fmt.Errorf(
		"reading the clone of %s: %w; if this stays, remove the directory %s and it is made anew",
		k.at.scope,
		err,
		k.dir,
	)
}
