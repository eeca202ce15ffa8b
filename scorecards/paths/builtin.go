package paths

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// The golden paths that dxctl ships. Files that begin with a dot come along because of all:; go.mod and Go files are
// named go.mod.tmpl and NAME.go.tmpl, because a directory with go.mod is left out and Go files would be compiled.
//
//go:embed all:go-service all:java-service all:node-service all:python-service
var shippedFiles embed.FS

// Builtin returns the golden paths of the binary, in the order of their names.
func Builtin() ([]*Path, error) { return builtin() }

var builtin = sync.OnceValues(func() ([]*Path, error) {
	entries, err := shippedFiles.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("reading the built-in golden paths: %w", err)
	}
	var all []*Path
	var errs []error
	for _, e := range entries {
		fsys, err := fs.Sub(shippedFiles, e.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the built-in golden paths: %w", err)
		}
		p, err := Load(fsys, Origin{Kind: FromBinary, Location: e.Name()})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, p)
	}
	return all, errors.Join(errs...)
})
