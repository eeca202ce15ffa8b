package pathlock_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/repository/pathlock"
)

// TestBase keeps the content of files that are merged, and of no others.
func TestBase(t *testing.T) {
	text := []byte(strings.Repeat("name: ci\non: push\n", 40))
	for mode, kept := range map[pathlock.Mode]bool{
		pathlock.Merge: true, pathlock.Once: false, pathlock.Managed: false, pathlock.Block: false,
	} {
		e := pathlock.NewEntry(mode, text)
		got, err := e.Content()
		if err != nil || (got != nil) != kept || kept && !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes are kept as %d, %v", mode, len(text), len(got), err)
		}
		if kept && len(e.Base) >= len(text) {
			t.Errorf("%s: %d bytes became %d", mode, len(text), len(e.Base))
		}
	}
	l := lock()
	l.Files["ci.yaml"] = pathlock.NewEntry(pathlock.Merge, text)
	encoded, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := pathlock.Parse(encoded, pathlock.File)
	if err != nil || read.Files["ci.yaml"] != l.Files["ci.yaml"] {
		t.Errorf("read again, the entry is %+v (%v)", read.Files["ci.yaml"], err)
	}
}

// TestDamagedBase refuses bases that are not what the hash is of, and those that would fill the memory.
func TestDamagedBase(t *testing.T) {
	good := pathlock.NewEntry(pathlock.Merge, []byte("a\n"))
	bomb := func(size int) pathlock.Entry {
		var packed bytes.Buffer
		w, err := flate.NewWriter(&packed, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		content := make([]byte, size)
		if _, err := w.Write(content); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		return pathlock.Entry{Mode: pathlock.Merge, Hash: pathlock.Hash(content),
			Base: base64.StdEncoding.EncodeToString(packed.Bytes())}
	}
	several := map[string]pathlock.Entry{}
	for i := range 3 {
		several[fmt.Sprintf("f%d", i)] = bomb(500_000)
	}
	for name, c := range map[string]struct {
		files map[string]pathlock.Entry
		want  string
	}{
		"another content": {map[string]pathlock.Entry{"a": {Mode: pathlock.Merge, Hash: pathlock.Hash([]byte("b\n")), Base: good.Base}},
			"does not have the hash"},
		"no base64":  {map[string]pathlock.Entry{"a": {Mode: pathlock.Merge, Hash: good.Hash, Base: "%"}}, "not base64"},
		"cut short":  {map[string]pathlock.Entry{"a": {Mode: pathlock.Merge, Hash: good.Hash, Base: "AAAA"}}, "cannot be unpacked"},
		"a bomb":     {map[string]pathlock.Entry{"a": bomb(50 << 20)}, "when it is unpacked"},
		"many bombs": {several, "the bases of all files"},
		"a long one": {map[string]pathlock.Entry{"a": {Mode: pathlock.Merge, Hash: good.Hash, Base: strings.Repeat("A", 300_000)}},
			"at most 262144"},
	} {
		l := lock()
		l.Files = c.files
		_, err := l.Encode() // which reads what it has written
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 2000 {
			t.Errorf("%s: the error is %.300v, want %q", name, err, c.want)
		}
	}
}
