package remote

import (
	"io/fs"
	"time"
)

// info describes a file. It is its entry in a directory, too.
type info struct {
	path string
	size int64 // -1: not known
	mode fs.FileMode
}

// Name returns the last element of the path.
func (i info) Name() string { return base(i.path) }

// Size returns the bytes of the file; -1 if the host does not report them.
func (i info) Size() int64 { return i.size }

// Mode returns the kind and the permissions.
func (i info) Mode() fs.FileMode { return i.mode }

// Type returns the kind.
func (i info) Type() fs.FileMode { return i.mode.Type() }

// ModTime returns the zero time, because git stores none.
func (i info) ModTime() time.Time { return time.Time{} }

// IsDir reports whether it is a directory.
func (i info) IsDir() bool { return i.mode.IsDir() }

// Sys returns nil.
func (i info) Sys() any { return nil }

// Info returns the description itself.
func (i info) Info() (fs.FileInfo, error) { return i, nil }
