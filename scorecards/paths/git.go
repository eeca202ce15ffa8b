package paths

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing/fstest"
	"time"
)

const (
	// maxFetch bounds how long a repository is fetched.
	maxFetch = 2 * time.Minute
	// maxListing bounds the list of the files of a repository, in bytes.
	maxListing = 16 << 20
	// maxProblem bounds what git says about a failure, in bytes.
	maxProblem = 16 << 10
)

var (
	fullHash  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	shortHash = regexp.MustCompile(`^[0-9a-f]{7,40}$`)
)

// fromGit returns the golden paths of a repository at a tag or a commit. Nothing is checked out, so that neither hooks
// nor filters of the repository run; its objects are read from a copy that is removed again.
func (s Source) fromGit(ctx context.Context, dir string) ([]*Path, error) {
	ctx, cancel := context.WithTimeout(ctx, maxFetch)
	defer cancel()
	temporary, err := os.MkdirTemp("", "dxctl-path-")
	if err != nil {
		return nil, fmt.Errorf("fetching golden paths: %w", err)
	}
	defer os.RemoveAll(temporary) //nolint:errcheck // what is left of it is in the directory for temporary files
	r := repository{dir: temporary, address: s.Git}
	if !strings.Contains(s.Git, "://") && !scpPattern.MatchString(s.Git) && !filepath.IsAbs(s.Git) {
		r.address = filepath.Join(dir, s.Git)
		if !filepath.IsAbs(r.address) {
			if r.address, err = filepath.Abs(r.address); err != nil {
				return nil, fmt.Errorf("fetching golden paths: %w", err)
			}
		}
	}
	commit, err := r.fetch(ctx, s.Ref)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("it took longer than %s", maxFetch)
		}
		return nil, fmt.Errorf("fetching golden paths from %s at %s: %w", s.Git, s.Ref, err)
	}
	subdir := path.Clean("./" + s.Dir)
	fsys, err := r.files(ctx, commit, subdir)
	if err != nil {
		return nil, fmt.Errorf("reading golden paths of %s at %s: %w", s.Git, s.Ref, err)
	}
	return within(fsys, Origin{Kind: FromGit, Location: s.Git, Subdir: subdir, Ref: s.Ref, Commit: commit})
}

// repository is a bare copy of a repository.
type repository struct {
	dir     string
	address string
}

// command returns a git command on the copy. The configuration of the user counts, because it has the credentials; the
// one of the remote repository is never read.
func (r *repository) command(ctx context.Context, args ...string) *exec.Cmd {
	safe := []string{
		"--git-dir", r.dir, "--no-pager", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsmonitor=false",
		"-c", "fetch.recurseSubmodules=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
		"-c", "transfer.fsckObjects=true", "-c", "protocol.ext.allow=never",
	}
	//nolint:gosec // the address was checked, and stands behind --
	cmd := exec.CommandContext(ctx, "git", append(safe, args...)...)
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https:ssh:file", "GIT_NO_LAZY_FETCH=1",
		"GIT_ATTR_NOSYSTEM=1", "LC_ALL=C")
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func (r *repository) git(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out, problem := limit{bytes: maxListing, stop: cancel}, limit{bytes: maxProblem}
	cmd := r.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil || out.exceeded {
		if out.exceeded {
			return "", errors.New("git prints too much: the repository has too many files; name the directory of the golden " +
				"paths with dir")
		}
		if text := strings.TrimSpace(problem.kept.String()); text != "" {
			return "", errors.New("git: " + text)
		}
		return "", fmt.Errorf("git: %w", err)
	}
	return strings.TrimSpace(out.kept.String()), nil
}

// limit keeps the beginning of what a program prints. Once it is full, the program is stopped, or the rest is dropped
// where there is nothing to stop it with.
type limit struct {
	// kept is no embedded field: its ReadFrom would be used in place of Write.
	kept     bytes.Buffer
	bytes    int
	stop     context.CancelFunc
	exceeded bool
}

// Write keeps data as far as there is room.
func (l *limit) Write(data []byte) (int, error) {
	if l.kept.Len()+len(data) > l.bytes {
		l.exceeded = true
		if l.stop != nil {
			l.stop()
			return 0, errors.New("it is too long")
		}
		return len(data), nil
	}
	return l.kept.Write(data)
}

// fetch fetches a tag or a commit and returns the full hash of the commit.
func (r *repository) fetch(ctx context.Context, ref string) (string, error) {
	if _, err := r.git(ctx, "init", "--quiet", "--bare", "--template="); err != nil {
		return "", err
	}
	shallow := []string{"fetch", "--quiet", "--no-tags", "--depth=1", "--no-write-fetch-head"}
	_, err := r.git(ctx, append(shallow, "--", r.address, "+refs/tags/"+ref+":refs/tags/found")...)
	if err == nil {
		return r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", "refs/tags/found^{commit}")
	}
	if !strings.Contains(strings.ToLower(err.Error()), "couldn't find remote ref") {
		return "", err // the repository could not be read
	}
	if !shortHash.MatchString(ref) {
		return "", fmt.Errorf("it has no tag %s; name a tag or a commit, not a branch, so that the golden path changes only "+
			"when you change the version", ref)
	}
	if fullHash.MatchString(ref) {
		if _, err := r.git(ctx, append(shallow, "--", r.address, ref)...); err == nil {
			return r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
		}
	}
	// A server need not hand out commits by their hash; they are then looked for in all branches and tags.
	_, err = r.git(ctx, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", r.address,
		"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
	if err != nil {
		return "", err
	}
	commit, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		return "", errors.New("the repository has no such tag or commit; name one that it has")
	}
	return commit, nil
}

// entry is a file of a commit.
type treeEntry struct {
	name, mode, hash string
	size             int64
}

// files returns the files of a directory of a commit.
func (r *repository) files(ctx context.Context, commit, subdir string) (fs.FS, error) {
	of := commit + "^{tree}"
	if subdir != "." {
		of = commit + ":" + subdir
	}
	hash, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", of)
	if err != nil {
		return nil, fmt.Errorf("the commit has no directory %s", subdir)
	}
	if kind, err := r.git(ctx, "cat-file", "-t", hash); err != nil || kind != "tree" {
		return nil, fmt.Errorf("%s of the commit is not a directory", subdir)
	}
	listing, err := r.git(ctx, "ls-tree", "-r", "-z", "-l", "--full-tree", hash)
	if err != nil {
		return nil, err
	}
	entries, err := parseListing(listing)
	if err != nil {
		return nil, err
	}
	return r.contents(ctx, entries)
}

func parseListing(listing string) ([]treeEntry, error) {
	var entries []treeEntry
	for line := range strings.SplitSeq(strings.Trim(listing, "\x00"), "\x00") {
		attributes, name, ok := strings.Cut(line, "\t")
		fields := strings.Fields(attributes)
		if !ok || len(fields) != 4 {
			continue
		}
		// Only what is in a golden path is read; the repository may hold anything besides.
		e := treeEntry{name: name, mode: fields[0], hash: fields[2]}
		e.size, _ = strconv.ParseInt(fields[3], 10, 64)
		if !fs.ValidPath(name) {
			return nil, fmt.Errorf("file %.200q is no path", name)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// contents reads files. Those that a golden path may not have are listed without their content, so that reading the
// path refuses them by name.
func (r *repository) contents(ctx context.Context, entries []treeEntry) (fs.FS, error) {
	found := fstest.MapFS{}
	tooLarge := make([]byte, MaxFileBytes+1)
	var wanted []treeEntry
	var total int64
	for _, e := range entries {
		switch {
		case e.mode == "120000":
			found[e.name] = &fstest.MapFile{Mode: fs.ModeSymlink}
		case e.mode == "160000":
			found[e.name] = &fstest.MapFile{Mode: fs.ModeIrregular}
		case e.size > MaxFileBytes:
			found[e.name] = &fstest.MapFile{Data: tooLarge, Mode: 0o444}
		default:
			if total += e.size; total > 4*MaxTotalBytes || len(wanted) > 10*MaxFiles {
				return nil, errors.New("the directory is too large; name the directory of the golden paths with dir")
			}
			wanted = append(wanted, e)
		}
	}
	cmd := r.command(ctx, "cat-file", "--batch")
	var names strings.Builder
	for _, e := range wanted {
		names.WriteString(e.hash + "\n")
	}
	cmd.Stdin = strings.NewReader(names.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	err = readBatch(bufio.NewReader(out), wanted, found)
	if err != nil {
		_ = cmd.Cancel()
	}
	return found, errors.Join(err, cmd.Wait())
}

// readBatch reads what git cat-file --batch prints.
func readBatch(in *bufio.Reader, wanted []treeEntry, found fstest.MapFS) error {
	for _, e := range wanted {
		header, err := in.ReadString('\n')
		if err != nil {
			return fmt.Errorf("git: reading %s: %w", e.name, err)
		}
		var hash, kind string
		var n int64
		if _, err := fmt.Sscan(header, &hash, &kind, &n); err != nil || kind != "blob" || n != e.size {
			return fmt.Errorf("git: reading %s: it answered %.100q", e.name, header)
		}
		data := make([]byte, n+1) // with the line break that follows
		if _, err := io.ReadFull(in, data); err != nil {
			return fmt.Errorf("git: reading %s: %w", e.name, err)
		}
		mode := fs.FileMode(0o444)
		if e.mode == "100755" {
			mode = 0o555
		}
		found[e.name] = &fstest.MapFile{Data: data[:n], Mode: mode}
	}
	return nil
}
