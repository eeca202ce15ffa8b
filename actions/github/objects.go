package github

import (
	"crypto/sha1" //nolint:gosec // git names objects by it
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
)

// object is a file, a link or a submodule of a tree of git.
type object struct {
	Path string `json:"path"`
	Mode string `json:"mode"`
	Type string `json:"type,omitempty"`
	ID   string `json:"sha"` // hexadecimal
}

// The modes of git.
const (
	modeFile       = "100644"
	modeExecutable = "100755"
	modeLink       = "120000"
	modeSubmodule  = "160000"
	modeDirectory  = "40000"
)

func mode(f actions.FileChange) string { return fileMode(f.Executable) }

func fileMode(executable bool) string {
	if executable {
		return modeExecutable
	}
	return modeFile
}

// TreeID returns the id that git gives to a tree of files: the SHA-1 of its entries.
func TreeID(files []actions.FileChange) string {
	objects := make([]object, len(files))
	for i, f := range files {
		objects[i] = object{Path: f.Path, Mode: mode(f), ID: BlobID(f.After)}
	}
	return treeID(objects)
}

func treeID(objects []object) string {
	var nodes []object
	below := map[string][]object{}
	for _, o := range objects {
		if dir, rest, nested := strings.Cut(o.Path, "/"); nested {
			o.Path = rest
			below[dir] = append(below[dir], o)
			continue
		}
		nodes = append(nodes, o)
	}
	for dir, list := range below {
		nodes = append(nodes, object{Path: dir, Mode: modeDirectory, ID: treeID(list)})
	}
	// git sorts a directory as if its name ended with a slash
	key := func(n object) string {
		if n.Mode == modeDirectory {
			return n.Path + "/"
		}
		return n.Path
	}
	slices.SortFunc(nodes, func(a, b object) int { return strings.Compare(key(a), key(b)) })
	var tree []byte
	for _, n := range nodes {
		id, _ := hex.DecodeString(n.ID) // hexadecimal, as the functions here return it
		tree = append(tree, n.Mode+" "+n.Path+"\x00"...)
		tree = append(tree, id...)
	}
	return hash("tree", tree)
}

func hash(kind string, content []byte) string {
	h := sha1.New() //nolint:gosec // as above
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// BlobID returns the id that git gives to a content.
func BlobID(content []byte) string { return hash("blob", content) }
