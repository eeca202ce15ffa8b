package checkout

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // it is the name that git gives to a content, not a protection
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"path"
	"slices"
	"strings"
)

// entry is what git has of a path.
type entry struct {
	index, head string // ids of the content; "" if it is not there
	unmerged    bool
}

// batch is how many paths a command of git gets: systems limit the length of a command.
const batch = 200

// Uncommitted returns the paths that have changes which are not committed, each with a sentence: the file differs from
// the last commit, was added, deleted, or is in the middle of a merge. A file that git converts in another way than by
// its line ends counts as changed, because the conversion is a program that is not run. Outside of a git repository no
// path has changes.
func (c *Checkout) Uncommitted(ctx context.Context, names ...string) (map[string]string, error) {
	if c.top == "" || len(names) == 0 {
		return nil, nil
	}
	for _, name := range names {
		if err := Valid(name); err != nil {
			return nil, err
		}
	}
	entries, commits, err := c.entries(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("comparing files with the last commit: %w", err)
	}
	changed := map[string]string{}
	for _, name := range names {
		reason, err := c.compare(ctx, name, entries[name], commits)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			changed[name] = reason
		}
	}
	return changed, nil
}

func (c *Checkout) compare(ctx context.Context, name string, e entry, commits bool) (string, error) {
	file, err := c.Read(name)
	if err != nil {
		return "", err
	}
	exists := file.Content != nil
	switch {
	case e.unmerged:
		return "a merge of it is not resolved", nil
	case !exists && e.index == "" && e.head == "":
		return "", nil
	case !exists:
		return "it was deleted, and the deletion is not committed", nil
	case !commits:
		return "the repository has no commit yet", nil
	case e.head == "":
		return "it is not committed", nil
	case e.index != e.head:
		return "its changes are staged and not committed", nil
	case blob(e.head, file.Content) == e.head:
		return "", nil
	}
	unix := bytes.ReplaceAll(file.Content, []byte("\r\n"), []byte("\n"))
	if len(unix) < len(file.Content) && blob(e.head, unix) == e.head {
		converts, err := c.convertsLines(ctx, name)
		if err != nil || converts {
			return "", err
		}
	}
	return "it has changes that are not committed", nil
}

// entries returns what the index and the last commit have of the paths, and whether there is a commit.
func (c *Checkout) entries(ctx context.Context, names []string) (map[string]entry, bool, error) {
	_, err := Git(ctx, c.top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	var exit *ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, false, err
	}
	commits := err == nil
	entries := map[string]entry{}
	below := map[string]string{} // name in the directory, by the name in the repository
	all := make([]string, 0, len(names))
	for _, name := range names {
		full := path.Join(c.base, name)
		below[full] = name
		all = append(all, full)
	}
	for some := range slices.Chunk(all, batch) {
		out, err := Git(ctx, c.top, append([]string{"ls-files", "--stage", "-z", "--"}, some...)...)
		if err != nil {
			return nil, false, err
		}
		for full, fields := range records(out) { // mode, id, stage
			name := below[full]
			e := entries[name]
			e.index = fields[1]
			e.unmerged = e.unmerged || fields[2] != "0"
			entries[name] = e
		}
		if !commits {
			continue
		}
		out, err = Git(ctx, c.top, append([]string{"ls-tree", "-z", "--full-tree", "HEAD", "--"}, some...)...)
		if err != nil {
			return nil, false, err
		}
		for full, fields := range records(out) { // mode, type, id
			name := below[full]
			e := entries[name]
			e.head = fields[2]
			entries[name] = e
		}
	}
	return entries, commits, nil
}

// records yields path and fields of lines as "100644 blob 1f7a7a…\tpath", separated by NUL.
func records(out []byte) func(yield func(string, []string) bool) {
	return func(yield func(string, []string) bool) {
		for line := range strings.SplitSeq(string(out), "\x00") {
			meta, name, ok := strings.Cut(line, "\t")
			if fields := strings.Fields(meta); ok && len(fields) == 3 && !yield(name, fields) {
				return
			}
		}
	}
}

// convertsLines reports whether git writes a file with Windows line ends that it stores with Unix ones.
func (c *Checkout) convertsLines(ctx context.Context, name string) (bool, error) {
	out, err := Git(ctx, c.top, "check-attr", "-z", "text", "eol", "--", path.Join(c.base, name))
	if err != nil {
		return false, fmt.Errorf("reading the attributes of %s: %w", name, err)
	}
	values := strings.Split(string(out), "\x00") // path, attribute, value; …
	for i := 2; i < len(values); i += 3 {
		switch attribute, value := values[i-1], values[i]; {
		case attribute == "text" && value == "unset":
			return false, nil
		case attribute == "eol" && value == "crlf", attribute == "text" && (value == "set" || value == "auto"):
			return true, nil
		}
	}
	// On Windows this is set for the whole system, which is why the configuration of user and system is read here.
	out, err = run(ctx, c.top, append(os.Environ(), "GIT_OPTIONAL_LOCKS=0"), "config", "--get", "core.autocrlf")
	var exit *ExitError
	if err != nil && !errors.As(err, &exit) {
		return false, fmt.Errorf("reading core.autocrlf: %w", err)
	}
	value := strings.TrimSpace(string(out))
	return value == "true" || value == "input", nil
}

// blob returns the id that git gives to a content, by the algorithm of another id.
func blob(like string, content []byte) string {
	var h hash.Hash
	if len(like) == 2*sha256.Size {
		h = sha256.New()
	} else {
		h = sha1.New() //nolint:gosec // see above
	}
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}
