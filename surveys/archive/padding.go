package archive

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// block is what the size of a stored body is a multiple of. The sizes of parts are in the tables that describe the
// database: without it, two imports that differ by one response would differ by the length of its comment there.
const block = 64 << 10

// encode returns a body as it is stored: the length of the compressed JSON, the compressed JSON, and random bytes up to
// the next block, which no codec can make smaller.
func encode(b body) (string, error) {
	var packed bytes.Buffer
	packed.Write(make([]byte, 8)) // the length
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err == nil {
		err = errors.Join(json.NewEncoder(w).Encode(b), w.Close())
	}
	if err != nil {
		return "", err
	}
	length := packed.Len() - 8
	padding := make([]byte, block-packed.Len()%block)
	_, _ = rand.Read(padding) // it never fails
	packed.Write(padding)
	out := packed.Bytes()
	binary.BigEndian.PutUint64(out, uint64(length))
	return string(out), nil
}

// decode reads what encode returns. Its errors say nothing of what was answered.
func decode(stored string) (body, error) {
	var b body
	if len(stored) < 8 {
		return b, errors.New("they are damaged: too short")
	}
	length := binary.BigEndian.Uint64([]byte(stored[:8]))
	if length > uint64(len(stored)-8) {
		return b, errors.New("they are damaged: cut off")
	}
	r, err := gzip.NewReader(bytes.NewReader([]byte(stored[8 : 8+length])))
	if err != nil {
		return b, fmt.Errorf("they are damaged: %w", err)
	}
	if err := json.NewDecoder(r).Decode(&b); err != nil {
		return b, errors.New("they are damaged, or have another form than this dxctl writes")
	}
	return b, nil
}
