package content

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/tree"
)

func read(t *testing.T, files map[string]string, limits tree.Limits) Set {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tr, err := tree.List(context.Background(), fsys, limits)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read(context.Background(), tr)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRead has made-up secrets, cut in two so that this file has none.
func TestRead(t *testing.T) {
	key := strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n", 3)
	s := read(t, map[string]string{
		"bin/x": "\x7fELF\x02\x00", "a.exe": "MZ\x00", "lib.jar": "PK\x03\x04\x00", "gradle/wrapper/gradle-wrapper.jar": "PK\x03\x04\x00",
		"A.class": "\xca\xfe\xba\xbe\x00", "logo.png": "\x89PNG\x00", "x.zip": "PK\x03\x04", "doc.docx": "PK\x03\x04\x00", "testdata/x": "\x7fELF\x00",
		"utf16.txt": "\xff\xfea\x00", "text.txt": "MZ is text", "empty": "", "vendor/x": "\x7fELF\x00",
		"prod.env": "A=1\nKEY=AKI" + "AQ7ZK3MWVN2XT5RJD\n", "docs.env": "KEY=AKI" + "AIOSFODNN7EXAMPLE\n", "tls/my_test_ca.env": "KEY=AKI" + "AQ7ZK3MWVN2XT5RJD\n", "app/integration/key.env": "KEY=AKI" + "AQ7ZK3MWVN2XT5RJD\n", "tests/x.env": "KEY=AKI" + "AQ7ZK3MWVN2XT5RJD\n",
		"key.pem": "x\n-----BEGIN RSA PRIVATE" + " KEY-----\n" + key, "short.pem": "-----BEGIN PRIVATE" + " KEY-----\nMII\n",
		"token.go": `var t = "gh` + `p_` + `a8Kd03kLmQpR7sTuVwXyZ2bC4dEfGhJ5nM6P"`, "low.go": `"gh` + `p_` + strings.Repeat("ab", 18) + `"`,
		"README.md": "-----BEGIN RSA PRIVATE" + " KEY-----\n" + key,
	}, tree.Limits{})
	if got := fmt.Sprint(s.Binaries); got != "[{A.class bytecode} {a.exe executable} {bin/x executable} {doc.docx media} {gradle/wrapper/gradle-wrapper.jar wrapper} "+
		"{lib.jar bytecode} {logo.png media} {testdata/x media} {x.zip archive}]" {
		t.Error(got)
	}
	if got := fmt.Sprint(s.Secrets); got != "[{private key key.pem:2} {AWS access key prod.env:2} {GitHub token token.go:1}]" {
		t.Error(got)
	}
	if !s.Complete.Known {
		t.Error(s.Complete)
	}
	part := read(t, map[string]string{"a": "KEY=AKI" + "AQ7ZK3MWVN2XT5RJD" + strings.Repeat("x\n", 100), "b": "x"}, tree.Limits{TotalBytes: 50})
	if part.Complete.Known || len(part.Secrets) != 0 || part.Complete.Reason != "b: more than 50 bytes of the repository were read" {
		t.Errorf("%+v", part)
	}
	loggers := read(t, map[string]string{
		"a.go": "package a\n\nimport (\n\t\"log/slog\"\n)\n", "a_test.go": "import \"log/slog\"\n", "b.go": "// \"log/slog\" is", "vendor/c.go": "import \"log/slog\"\n",
	}, tree.Limits{})
	if got := fmt.Sprint(loggers.Loggers); got != "[{log/slog a.go:4}]" {
		t.Error(got)
	}
}
