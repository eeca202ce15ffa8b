package pathlock

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// The limits of bases, in bytes.
const (
	maxBase     = 256 << 10 // of one, as the lock file has it
	maxUnpacked = 1 << 20   // of one, and of all, unpacked
)

// NewEntry describes a rendered file. Of one that is merged, the entry keeps the content itself, packed: a later
// version of the golden path is merged with what the repository changed since, and dxctl may no longer have the version
// that the file was rendered from.
func NewEntry(mode Mode, content []byte) Entry {
	e := Entry{Mode: mode, Hash: Hash(content)}
	if mode != Merge || len(content) > maxUnpacked/16 { // a file that people merge is small, and there are several
		return e
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if base := base64.StdEncoding.EncodeToString(packed.Bytes()); err == nil && len(base) <= maxBase {
		e.Base = base
	}
	return e
}

// Content returns the content that the file was rendered with; nil if the entry does not keep it. The error is that it
// is not the one of the hash, or that it cannot be unpacked.
func (e Entry) Content() ([]byte, error) {
	if e.Base == "" {
		return nil, nil
	}
	if len(e.Base) > maxBase {
		return nil, fmt.Errorf("base has %d bytes; at most %d are supported", len(e.Base), maxBase)
	}
	packed, err := base64.StdEncoding.DecodeString(e.Base)
	if err != nil {
		return nil, errors.New("base is damaged: it is not base64")
	}
	content, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxUnpacked+1))
	switch {
	case err != nil:
		return nil, errors.New("base is damaged: it cannot be unpacked")
	case len(content) > maxUnpacked:
		return nil, fmt.Errorf("base has more than %d bytes when it is unpacked", maxUnpacked)
	case Hash(content) != e.Hash:
		return nil, errors.New("base is damaged: it does not have the hash of the file")
	}
	return content, nil
}
