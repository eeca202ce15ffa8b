// Package pathlock reads and writes the lock file of a golden path in a repository: which version of which path its
// files were rendered from, with which answers, and what was declined. It never holds a secret.
package pathlock

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/content"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/strictyaml"
)

// File is the name of the lock file, relative to the directory of the service.
const File = ".dxctl/golden-path.lock"

// APIVersion and Kind are the first keys of the file.
const (
	APIVersion = "dxctl.dev/v1"
	Kind       = "GoldenPathLock"
)

const (
	maxBytes    = 1 << 20
	maxFiles    = 5_000
	maxAnswers  = 200
	maxDeclined = 1_000
	// MaxAnswer is how long an answer may be, in bytes.
	MaxAnswer = 400
	maxText   = 1_000
)

// Mode is who owns a file after it was rendered.
type Mode string

// The modes.
const (
	Once    Mode = "once"    // written at creation; the repository's own from then on
	Managed Mode = "managed" // the golden path's: a newer version replaces it unless the repository changed it
	Merge   Mode = "merge"   // both change it: a newer version is merged line by line
	Block   Mode = "block"   // the golden path's lines between two markers, the repository's around them
)

// Modes are all modes.
var Modes = []Mode{Once, Managed, Merge, Block}

// Lock is what the file holds.
type Lock struct {
	Path     Path
	Answers  map[string]string
	Defaults map[string]string // of the organization at that time, by the key that templates use: "base_images.go"
	Files    map[string]Entry  // by path, relative to the directory of the service
	// Removed are files that an update removed, because a newer version of the path has them no longer.
	Removed []string
	// Adopted is whether the service was not created from the path: only the files above are the path's, and a newer
	// version adds no others.
	Adopted  bool
	Declined []Declined
}

// Path is the golden path that the files were rendered from. It is empty in a file that only declines.
type Path struct {
	Name    string
	Version string
	Source  string // "builtin", a directory, or the address of a git repository, without credentials
	Ref     string // tag or branch as configured; "" for other sources
	Commit  string // full hash that Ref named; "" for other sources
	Digest  string // "sha256:" and 64 hexadecimal digits
}

// Entry is a rendered file.
type Entry struct {
	Mode Mode
	Hash string // of the content as rendered: "sha256:" and 64 hexadecimal digits
	// Base is that content, packed (deflate, base64), of a file that is merged; "" of others, and in files of older
	// versions of dxctl. See [Entry.Content].
	Base string
}

// Follows reports whether the directory follows a golden path; without one, the file only declines.
func (l *Lock) Follows() bool { return l.Path.Name != "" }

// Hash returns the hash of a file's content as the lock file holds it.
func Hash(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// written is the file as it is written.
type written struct {
	APIVersion string            `yaml:"apiVersion"`
	Kind       string            `yaml:"kind"`
	Path       *writtenPath      `yaml:"path,omitempty"`
	Answers    map[string]string `yaml:"answers,omitempty"`
	Defaults   map[string]string `yaml:"defaults,omitempty"`
	Adopted    bool              `yaml:"adopted,omitempty"`
	Files      map[string]entry  `yaml:"files,omitempty"`
	Removed    []string          `yaml:"removed,omitempty"`
	Declined   []declined        `yaml:"declined,omitempty"`
}

type writtenPath struct {
	Name    string `yaml:"name"`
	Version string `yaml:"version"`
	Source  string `yaml:"source"`
	Ref     string `yaml:"ref,omitempty"`
	Commit  string `yaml:"commit,omitempty"`
	Digest  string `yaml:"digest"`
}

type entry struct {
	Mode Mode   `yaml:"mode"`
	Hash string `yaml:"hash"`
	Base string `yaml:"base,omitempty"`
}

const heading = "# Written by dxctl: which golden path this directory follows. Commit it.\n" +
	"# Only the list declined is edited by hand.\n"

// Encode returns the file, in a stable order.
func (l *Lock) Encode() ([]byte, error) {
	if err := l.secretFree(); err != nil {
		return nil, fmt.Errorf("writing %s: %w", File, err)
	}
	w := written{
		APIVersion: APIVersion,
		Kind:       Kind,
		Answers:    l.Answers,
		Defaults:   l.Defaults,
		Adopted:    l.Adopted,
		Files:      map[string]entry{},
		Removed:    l.Removed,
	}
	for name, e := range l.Files {
		w.Files[name] = entry(e)
	}
	if l.Follows() {
		path := writtenPath(l.Path)
		w.Path = &path
	}
	for _, d := range l.Declined {
		w.Declined = append(w.Declined, d.written())
	}
	var out bytes.Buffer
	out.WriteString(heading)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(w); err != nil {
		return nil, fmt.Errorf("writing %s: %w", File, err)
	}
	if _, err := Parse(out.Bytes(), File); err != nil {
		return nil, fmt.Errorf("writing %s: what was to be written could not be read again: %w", File, err)
	}
	return out.Bytes(), nil
}

// secretFree returns an error if a text that somebody gave has the form of a secret.
func (l *Lock) secretFree() error {
	check := func(what, text string) error {
		if form := content.SecretForm(text); form != "" {
			return fmt.Errorf("%s contains a secret (%s); secrets are never written to it", what, form)
		}
		return nil
	}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(l.Answers)) {
		errs = append(errs, check("the answer to "+key, l.Answers[key]))
	}
	for _, key := range slices.Sorted(maps.Keys(l.Defaults)) {
		errs = append(errs, check("paths.defaults."+key, l.Defaults[key]))
	}
	for _, d := range l.Declined {
		errs = append(errs, check("the reason of declining "+cmp.Or(d.Rule, d.File), d.Reason))
	}
	return errors.Join(errs...)
}

// Read reads the lock file of a directory. The error wraps [fs.ErrNotExist] if there is none.
func Read(fsys fs.FS) (*Lock, error) {
	// The type is checked before the file is opened: opening a named pipe would block forever.
	info, err := fs.Lstat(fsys, File)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", File, cause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: it is not a regular file; remove it", File)
	}
	f, err := fsys.Open(File)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", File, cause(err))
	}
	defer f.Close() //nolint:errcheck // opened for reading only
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", File, cause(err))
	}
	l, err := Parse(data, File)
	if err != nil {
		return nil, fmt.Errorf("reading the lock file of the golden path: %w", err)
	}
	return l, nil
}

func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// Parse reads a lock file. name is its name as shown to people. The error joins all mistakes, each a
// [strictyaml.Mistake] with its place.
func Parse(data []byte, name string) (*Lock, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%s is larger than 1 MB", name)
	}
	docs, err := strictyaml.Read(name, data)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, fmt.Errorf("%s has %d YAML documents instead of one", name, len(docs))
	}
	if err := docs[0].RefuseAliases(); err != nil {
		return nil, err
	}
	var w written
	where, err := docs[0].Decode(&w)
	p := parser{name: name, where: where}
	if err != nil {
		p.errs = append(p.errs, err)
	}
	if l := p.lock(&w); len(p.errs) == 0 {
		return l, nil
	}
	return nil, errors.Join(p.errs...)
}

type parser struct {
	name  string
	where strictyaml.Positions
	errs  []error
}

func (p *parser) fail(at, format string, args ...any) {
	line, column := p.where.Place(at)
	p.errs = append(p.errs, strictyaml.Mistake{
		File: p.name, Line: line, Column: column, Message: fmt.Sprintf(format, args...),
	})
}

var (
	hashPattern   = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	commitPattern = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
)

func (p *parser) lock(w *written) *Lock {
	if w.APIVersion != APIVersion || w.Kind != Kind {
		p.fail("kind", "apiVersion is %q and kind is %q; write apiVersion: %s and kind: %s", w.APIVersion, w.Kind,
			APIVersion, Kind)
	}
	l := &Lock{Adopted: w.Adopted, Files: map[string]Entry{}}
	if w.Path != nil || len(w.Declined) == 0 || len(w.Files) > 0 {
		w.Path = cmp.Or(w.Path, &writtenPath{})
		p.path(w.Path)
		l.Path = Path(*w.Path)
	}
	l.Answers = p.texts("answers", w.Answers)
	l.Defaults = p.texts("defaults", w.Defaults)
	p.files(w.Files, l)
	p.removed(w.Removed, l)
	if len(w.Declined) > maxDeclined {
		p.fail("declined", "%d entries; at most %d are read", len(w.Declined), maxDeclined)
		return l
	}
	for i := range w.Declined {
		l.Declined = append(l.Declined, p.declined(fmt.Sprintf("declined[%d]", i), &w.Declined[i]))
	}
	return l
}

// texts checks a mapping of texts.
func (p *parser) texts(at string, texts map[string]string) map[string]string {
	if len(texts) > maxAnswers {
		p.fail(at, "%d entries; at most %d are read", len(texts), maxAnswers)
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if len(texts[key]) > MaxAnswer {
			p.fail(at+"."+key, "the text has %d bytes; at most %d are read", len(texts[key]), MaxAnswer)
		}
	}
	return texts
}

func (p *parser) path(w *writtenPath) {
	if w.Name == "" {
		p.fail("path", "the golden path has no name; let `dxctl fix` write the file again")
	}
	for key, text := range map[string]string{
		"name": w.Name, "version": w.Version, "source": w.Source, "ref": w.Ref,
	} {
		if len(text) > maxText {
			p.fail("path."+key, "%s has %d bytes; at most %d are read", key, len(text), maxText)
		}
	}
	if !hashPattern.MatchString(w.Digest) {
		p.fail("path.digest", "digest %.80q is not sha256: with 64 hexadecimal digits", w.Digest)
	}
	if w.Commit != "" && !commitPattern.MatchString(w.Commit) {
		p.fail("path.commit", "commit %.80q is not the full hash of a commit", w.Commit)
	}
}

func (p *parser) files(files map[string]entry, l *Lock) {
	if len(files) > maxFiles {
		p.fail("files", "%d files; at most %d are read", len(files), maxFiles)
		return
	}
	folded, spelled := map[string]string{}, map[string]string{}
	unpacked := 0 // bytes: a few of the lock file can become many
	for _, name := range slices.Sorted(maps.Keys(files)) {
		at := "files." + name
		if err := CheckPath(name); err != nil {
			p.fail(at, "path %.200q %v", name, err)
			continue
		}
		if other, taken := folded[Folded(name)]; taken {
			p.fail(at, "path %q differs from %q only in case", name, other)
		}
		folded[Folded(name)] = name
		if err := CheckSpelling(name, spelled); err != nil {
			p.fail(at, "path %.200q, %v", name, err)
			continue
		}
		e := Entry(files[name])
		if !slices.Contains(Modes, e.Mode) {
			p.fail(at, "mode %q is not one of once, managed, merge, block%s", e.Mode, hint(string(e.Mode)))
		}
		if !hashPattern.MatchString(e.Hash) {
			p.fail(at, "hash %.80q is not sha256: with 64 hexadecimal digits", e.Hash)
		}
		content, err := e.Content()
		if unpacked += len(content); err == nil && unpacked > maxUnpacked {
			err = fmt.Errorf("the bases of all files have more than %d bytes when they are unpacked", maxUnpacked)
		}
		if err != nil {
			p.fail(at, "%v; take the lock file from git again, or remove the base", err)
			if unpacked > maxUnpacked {
				return
			}
		}
		l.Files[name] = e
	}
}

func (p *parser) removed(names []string, l *Lock) {
	if len(names) > maxFiles {
		p.fail("removed", "%d files; at most %d are read", len(names), maxFiles)
		return
	}
	for i, name := range names {
		if err := CheckPath(name); err != nil {
			p.fail(fmt.Sprintf("removed[%d]", i), "path %.200q %v", name, err)
			continue
		}
		l.Removed = append(l.Removed, name)
	}
}

func hint(word string) string {
	words := make([]string, len(Modes))
	for i, m := range Modes {
		words[i] = string(m)
	}
	if near := spelling.Nearest(word, words); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	return ""
}

// Sorted returns the names of the files in order.
func (l *Lock) Sorted() []string { return slices.SortedFunc(maps.Keys(l.Files), cmp.Compare[string]) }
