package contents

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/remote"
)

const (
	// pageSize is how many files and directories GitLab lists a request.
	pageSize = 100
	// maxPages bounds the pages that are listed.
	maxPages = 300
	// keptAbove is from how many pages on a listing is kept, so that only the directories that changed are listed again.
	keptAbove = 4
	// maxListing bounds a listing that is kept, in bytes before it is compressed.
	maxListing = 64 << 20
	// directory is the mode of a directory in git.
	directory = "040000"
)

// snapshot is what a commit has, by path: files, and directories with the hashes of all that is in them.
type snapshot []remote.Entry

// list lists the files and directories of the commit. Of before, an earlier listing, it takes the directories that have
// the same hash, and lists only the others: a change of one file costs a request for each directory above it, and fewer
// where those are small. partial is why the list may lack some.
func (c *collector) list(ctx context.Context, before snapshot) (l snapshot, partial string, err error) {
	if pages := pagesOf(len(before)); pages > keptAbove {
		l, complete, err := c.changed(ctx, before, pages/2)
		if err != nil || complete {
			return l, "", err
		}
	}
	l, complete, err := c.pages(ctx, "", true, maxPages)
	if err == nil && !complete {
		partial = fmt.Sprintf("the project has more files than the %d that are listed", maxPages*pageSize)
	}
	return l, partial, err
}

// changed lists the directories that have another hash than before. It gives up, and complete is false, when that takes
// more than most requests.
func (c *collector) changed(ctx context.Context, before snapshot, most int) (l snapshot, complete bool, err error) {
	ids := map[string]string{} // of directories
	for _, e := range before {
		if e.Mode == directory {
			ids[e.Path] = e.ID
		}
	}
	for pending := []string{""}; len(pending) > 0; pending = pending[1:] {
		dir := pending[0]
		inside := before.inside(dir)
		// What is new, or fits on two pages, is listed with everything in it: one page for its files and directories, and
		// one for the directory that changed, would be as many.
		whole := dir != "" && len(inside) <= 2*pageSize
		found, complete, err := c.pages(ctx, dir, whole, most)
		if err != nil || !complete {
			return nil, false, err
		}
		most -= pagesOf(len(found))
		l = append(l, found...)
		if whole {
			continue
		}
		for _, e := range found {
			switch {
			case e.Mode != directory:
			case ids[e.Path] == e.ID:
				l = append(l, before.inside(e.Path)...)
			default:
				pending = append(pending, e.Path)
			}
		}
	}
	return l, true, nil
}

// pagesOf returns how many requests list n files and directories.
func pagesOf(n int) int { return max(1, (n+pageSize-1)/pageSize) }

// inside returns what is in a directory, at any depth.
func (l snapshot) inside(dir string) snapshot {
	if dir == "" {
		return l
	}
	prefix := dir + "/"
	from, _ := slices.BinarySearchFunc(l, prefix, func(e remote.Entry, prefix string) int {
		return strings.Compare(e.Path, prefix)
	})
	n := 0
	for from+n < len(l) && strings.HasPrefix(l[from+n].Path, prefix) {
		n++
	}
	return l[from : from+n]
}

// pages lists a directory, "" the root; recursive: with everything in it. It is not complete if that takes more than
// most requests.
func (c *collector) pages(
	ctx context.Context, dir string, recursive bool, most int,
) (l snapshot, complete bool, err error) {
	asked := url.Values{
		"ref": {c.commit}, "recursive": {fmt.Sprint(recursive)}, "pagination": {"keyset"}, "per_page": {fmt.Sprint(pageSize)},
	}
	if dir != "" {
		asked.Set("path", dir)
	}
	query := asked.Encode()
	for range most {
		var page []struct {
			ID   string `json:"id"`
			Type string `json:"type"`
			Path string `json:"path"`
			Mode string `json:"mode"`
		}
		got, err := c.Read(ctx, c.Path+"/repository/tree?"+query, "", &page)
		if err != nil {
			return nil, false, err
		}
		for _, e := range page {
			switch e.Type {
			case "blob":
				l = append(l, remote.Entry{Path: e.Path, Mode: e.Mode, ID: e.ID, Size: -1})
			case "commit":
				l = append(l, remote.Entry{Path: e.Path, Mode: remote.Submodule})
			case "tree":
				l = append(l, remote.Entry{Path: e.Path, Mode: directory, ID: e.ID})
			}
		}
		if query = got.Next; query == "" {
			return l, true, nil
		}
	}
	return l, false, nil
}

// files returns the entries without directories.
func (l snapshot) files() []remote.Entry {
	return slices.DeleteFunc(slices.Clone(l), func(e remote.Entry) bool { return e.Mode == directory })
}

// pack returns the listing as it is kept; nil for one that is quickly listed again.
func (l snapshot) pack() ([]byte, error) {
	if pagesOf(len(l)) <= keptAbove {
		return nil, nil
	}
	slices.SortFunc(l, func(a, b remote.Entry) int { return strings.Compare(a.Path, b.Path) })
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	err := json.NewEncoder(w).Encode(l)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("packing the list of files: %w", err)
	}
	return packed.Bytes(), nil
}

// unpack returns a listing that was kept; nil if there is none, or if it cannot be read, so that everything is listed.
func unpack(packed []byte) snapshot {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	var l snapshot
	if err := json.NewDecoder(io.LimitReader(r, maxListing)).Decode(&l); err != nil {
		return nil
	}
	return l
}
