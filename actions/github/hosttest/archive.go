package hosttest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
)

// archive answers the server of archives, without a token: OWNER/NAME/COMMIT as a compressed tar file.
func (s *Server) archive(name string) (int, any) {
	parts := strings.Split(name, "/")
	repo := s.Repos[strings.Join(parts[:2], "/")]
	if repo == nil {
		return problem(http.StatusNotFound, "Not Found")
	}
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	_ = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header",
		PAXRecords: map[string]string{"comment": parts[2]}})
	for _, f := range repo.Files[repo.Trees[parts[2]]] {
		if slices.Contains(repo.Hidden, f.Path) {
			continue
		}
		mode := int64(0o664)
		if f.Executable {
			mode = 0o775
		}
		_ = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "acme-pay-0123456/" + f.Path, Mode: mode,
			Size: int64(len(f.After))})
		_, _ = archive.Write(f.After)
	}
	for _, name := range repo.Submodules {
		_ = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "acme-pay-0123456/" + name + "/", Mode: 0o775})
	}
	_ = archive.Close()
	_ = zipped.Close()
	return http.StatusOK, packed.Bytes()
}

// entries are the files of a tree, or of the tree of a commit.
func (r *Repo) entries(id string) []object {
	entries := []object{}
	for _, f := range r.Files[cmp.Or(r.Trees[id], id)] {
		mode := "100644"
		if f.Executable {
			mode = "100755"
		}
		entries = append(entries, object{"path": f.Path, "mode": mode, "type": "blob", "sha": github.BlobID(f.After)})
	}
	for _, name := range r.Submodules {
		entries = append(entries, object{"path": name, "mode": "160000", "type": "commit", "sha": strings.Repeat("5", 40)})
	}
	return entries
}

func (r *Repo) blob(id string) (int, any) {
	content, found := r.contentOf(id)
	if !found {
		return problem(http.StatusNotFound, "Not Found")
	}
	return http.StatusOK, object{"sha": id, "encoding": "base64",
		"content": base64.StdEncoding.EncodeToString(content) + "\n"}
}

// contentOf returns the content that git gives an id.
func (r *Repo) contentOf(id string) ([]byte, bool) {
	if content, found := r.Blobs[id]; found {
		return content, true
	}
	for _, files := range r.Files {
		i := slices.IndexFunc(files, func(f actions.FileChange) bool { return github.BlobID(f.After) == id })
		if i >= 0 {
			return files[i].After, true
		}
	}
	return nil, false
}
