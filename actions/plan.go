package actions

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
)

// PlanVersion is the version of the JSON of a plan.
const PlanVersion = 1

// Plan is what an action would do: exact bytes and requests, in the order in which they are written and sent.
type Plan struct {
	Action string
	Entity string // ref of what it is about
	Title  string // a sentence: what would be done
	Input  Input  // that gives this plan again
	// On is what the plan rests on, by name: the state that was read and that Apply must find again, such as the commit
	// of a branch, or "absent".
	On       map[string]string
	Files    []FileChange
	Requests []Request
	Commands []Command // what a person does next
	Notes    []string
}

// FileChange is a file that is created, changed or deleted.
type FileChange struct {
	Path       string // relative, with slashes
	Before     []byte // nil: there is no such file
	After      []byte // nil: the file is deleted
	Executable bool
	Mode       string // of a file of a golden path: once, managed, merge or block; empty for others
}

// Request is a request to an API. It has no credentials.
type Request struct {
	Method string          `json:"method"`
	URL    string          `json:"url"`
	Body   json.RawMessage `json:"body,omitempty"`
	Why    string          `json:"why"`
	// Setting marks a request that changes a setting, and nothing that is in git.
	Setting bool `json:"setting,omitempty"`
}

// Command is a command line for a person.
type Command struct {
	Line string `json:"line"`
	Why  string `json:"why"`
}

// Digest identifies what Apply would do, and what that rests on: "sha256:" and hex digits. Titles, notes and commands
// have no part in it.
func (p Plan) Digest() string {
	h := sha256.New()
	text, err := json.Marshal(struct {
		Action, Entity string
		Input          Input
		On             map[string]string
		Files          []FileChange
		Requests       []Request
	}{p.Action, p.Entity, p.Input, p.On, p.Files, p.Requests})
	if err != nil {
		// Every part is made of texts; only the body of a request could be no JSON, and then the plan can never be applied.
		text = []byte(err.Error())
	}
	h.Write(text)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Changes reports whether applying the plan would do something.
func (p Plan) Changes() bool { return len(p.Files)+len(p.Requests) > 0 }

// Document is a plan as JSON.
type Document struct {
	Version  int               `json:"version"`
	Action   string            `json:"action"`
	Entity   string            `json:"entity"`
	Title    string            `json:"title"`
	Digest   string            `json:"digest"`
	Input    map[string]any    `json:"input"`
	On       map[string]string `json:"planned_on"`
	Files    []FileDocument    `json:"files"`
	Requests []Request         `json:"requests"`
	Commands []Command         `json:"commands"`
	Notes    []string          `json:"notes"`
}

// FileDocument is a file of a plan as JSON.
type FileDocument struct {
	Path       string `json:"path"`
	Change     string `json:"change"` // create, change or delete
	Executable bool   `json:"executable"`
	Mode       string `json:"mode,omitempty"`
	SHA256     string `json:"sha256,omitempty"` // of the new content
	Content    string `json:"content,omitempty"`
	Base64     string `json:"base64,omitempty"` // the content, if it is no text
	Diff       string `json:"diff"`             // unified; "" if the content is no text
	Added      int    `json:"added"`            // lines, by Diff
	Removed    int    `json:"removed"`
}

// Document returns the plan as JSON encodes it. Lists are never null.
func (p Plan) Document() Document {
	d := Document{
		Version: PlanVersion, Action: p.Action, Entity: p.Entity, Title: p.Title, Digest: p.Digest(),
		Input: p.Input, On: p.On, Files: []FileDocument{}, Requests: append([]Request{}, p.Requests...),
		Commands: append([]Command{}, p.Commands...), Notes: append([]string{}, p.Notes...),
	}
	if d.Input == nil {
		d.Input = map[string]any{}
	}
	if d.On == nil {
		d.On = map[string]string{}
	}
	for _, f := range p.Files {
		d.Files = append(d.Files, f.document())
	}
	return d
}

// WithoutContents returns the document without what is in files: their names and the numbers of their lines only.
func (d Document) WithoutContents() Document {
	d.Files = slices.Clone(d.Files)
	for i := range d.Files {
		f := &d.Files[i]
		f.Content, f.Base64, f.Diff, f.SHA256 = "", "", "", ""
	}
	return d
}

func (f FileChange) document() FileDocument {
	d := FileDocument{Path: f.Path, Change: f.Change(), Executable: f.Executable, Mode: f.Mode, Diff: f.Diff()}
	d.Added, d.Removed = counted(d.Diff)
	if f.After == nil {
		return d
	}
	sum := sha256.Sum256(f.After)
	d.SHA256 = hex.EncodeToString(sum[:])
	if text(f.After) {
		d.Content = string(f.After)
	} else {
		d.Base64 = base64.StdEncoding.EncodeToString(f.After)
	}
	return d
}

// counted returns how many lines a diff adds and removes.
func counted(diff string) (added, removed int) {
	_, hunks, _ := strings.Cut(diff, "\n@@")
	for line := range strings.Lines(hunks) {
		switch line[0] {
		case '+':
			added++
		case '-':
			removed++
		}
	}
	return added, removed
}

// Change is create, change or delete.
func (f FileChange) Change() string {
	switch {
	case f.Before == nil:
		return "create"
	case f.After == nil:
		return "delete"
	}
	return "change"
}

// Blobs is how many requests store the content of the file before a tree can name it: JSON holds only text.
func (f FileChange) Blobs() int {
	if f.After == nil || utf8.Valid(f.After) {
		return 0
	}
	return 1
}

// text reports whether a content can be shown.
func text(content []byte) bool {
	return utf8.Valid(content) && !strings.ContainsRune(string(content), 0)
}

// devNull is the name of a file that does not exist, in a diff.
const devNull = "/dev/null"

// Diff returns the change as git writes it, so that `git apply` reads it; "" for a content that is no text.
func (f FileChange) Diff() string {
	if !text(f.Before) || !text(f.After) {
		return ""
	}
	from, to := "a/"+f.Path, "b/"+f.Path
	mode := "100644"
	if f.Executable {
		mode = "100755"
	}
	head := fmt.Sprintf("diff --git %s %s\n", from, to)
	switch {
	case f.Before == nil:
		head += "new file mode " + mode + "\n"
		from = devNull
	case f.After == nil:
		head += "deleted file mode " + mode + "\n"
		to = devNull
	}
	return head + unified(from, to, string(f.Before), string(f.After))
}

// contextLines are the unchanged lines around a change in a diff.
const contextLines = 3

// unified returns the difference of two texts. The library computes the first line of a hunk in the new text wrongly
// after a hunk with several changes; it follows from the lines of the hunks before.
func unified(from, to, before, after string) string {
	d, err := udiff.ToUnifiedDiff(from, to, before, udiff.Lines(before, after), contextLines)
	if err != nil { // the edits do not belong to the text, which cannot be: they were computed from it
		return ""
	}
	moved := 0
	for _, h := range d.Hunks {
		h.ToLine = h.FromLine + moved
		for _, l := range h.Lines {
			switch l.Kind {
			case udiff.Insert:
				moved++
			case udiff.Delete:
				moved--
			}
		}
	}
	return d.String()
}

// Diff returns the changes of all files.
func (p Plan) Diff() string {
	var b strings.Builder
	for _, f := range p.Files {
		diff := f.Diff()
		if diff == "" {
			diff = fmt.Sprintf("diff --git a/%s b/%s\nBinary files differ (%d bytes)\n", f.Path, f.Path, len(f.After))
		}
		b.WriteString(diff)
	}
	return b.String()
}
