package create

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
)

// journalVersion is the version of the files of journals.
const journalVersion = 1

// Journal is what is known of a creation that has begun. It is saved before and after every step, so that a creation
// that ended anywhere can go on. It has no credentials.
type Journal struct {
	Version    int               `json:"version"`
	Run        string            `json:"run"` // id of the recorded run
	Input      json.RawMessage   `json:"input"`
	Plan       string            `json:"plan"` // digest
	On         map[string]string `json:"planned_on"`
	StartedAt  time.Time         `json:"started_at"`
	FinishedAt time.Time         `json:"finished_at,omitzero"`
	Begun      []string          `json:"begun"` // steps
	Done       []string          `json:"done"`
	Dir        string            `json:"dir,omitempty"`
	MadeDir    bool              `json:"made_dir,omitempty"` // the directory itself is ours
	MadeGit    bool              `json:"made_git,omitempty"` // so is its repository
	Files      map[string]string `json:"files,omitempty"`    // SHA-256 of what was written, by path
	Repository *github.Created   `json:"repository,omitempty"`
	Wanted     string            `json:"wanted,omitempty"` // full name of the repository that is created
	// Sent: a request to create the repository was sent, and GitHub has not refused it.
	Sent      bool     `json:"sent,omitempty"`
	OwnerType string   `json:"owner_type,omitempty"`
	Commits   []string `json:"commits,omitempty"` // those that GitHub made with the repository, or git here
	Pushed    string   `json:"pushed,omitempty"`  // commit with the files on GitHub

	file string
}

// journalName is the file of the journal of a service.
func journalName(dir, service string) string { return filepath.Join(dir, "create-"+service+".json") }

// NoJournalError is the error of resuming what has not begun.
type NoJournalError struct{ Service, File string }

// Error says where the journal was looked for.
func (e *NoJournalError) Error() string {
	return fmt.Sprintf("no creation of %s was begun here: there is no %s; run dxctl where it was begun, or without "+
		"--resume and --cleanup", e.Service, e.File)
}

// ReadJournal reads the journal of a service in a directory. The error is a *NoJournalError if there is none.
func ReadJournal(dir, service string) (*Journal, error) {
	name := journalName(dir, service)
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NoJournalError{Service: service, File: name}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the journal of %s: %w", service, err)
	}
	j := &Journal{file: name}
	if err := json.Unmarshal(raw, j); err != nil {
		return nil, fmt.Errorf("reading the journal %s: %w", name, err)
	}
	if j.Version != journalVersion {
		return nil, fmt.Errorf("reading the journal %s: it has the version %d; use the dxctl that wrote it", name, j.Version)
	}
	return j, nil
}

// Finished reports whether the creation has ended.
func (j *Journal) Finished() bool { return !j.FinishedAt.IsZero() }

// DecodeInput returns the input of the creation.
func (j *Journal) DecodeInput(d actions.Descriptor) (actions.Input, error) {
	in, err := d.DecodeInput(j.Input)
	if err != nil {
		return nil, fmt.Errorf("reading the journal %s: %w", j.file, err)
	}
	return in, nil
}

// save writes the journal in one step.
func (j *Journal) save() error {
	raw, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the journal %s: %w", j.file, err)
	}
	dir := filepath.Dir(j.file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	// Journals are of this machine: git does not offer to commit them.
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o600); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	f, err := os.CreateTemp(dir, "journal-*")
	if err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	_, err = f.Write(append(raw, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), j.file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("writing the journal %s: %w", j.file, err)
	}
	return nil
}

// step does a step that is not done yet. It is saved that the step begins, and when it is done; do must work after an
// earlier attempt that ended anywhere.
func (j *Journal) step(name string, progress func(actions.Step), do func() (note string, err error)) error {
	if slices.Contains(j.Done, name) {
		progress(actions.Step{Name: name, Done: true, Note: "done before"})
		return nil
	}
	if !slices.Contains(j.Begun, name) {
		j.Begun = append(j.Begun, name)
		if err := j.save(); err != nil {
			return err
		}
	}
	progress(actions.Step{Name: name})
	note, err := do()
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", name, err), j.save()) // what do has found out
	}
	j.Done = append(j.Done, name)
	if err := j.save(); err != nil {
		return err
	}
	progress(actions.Step{Name: name, Done: true, Note: note})
	return nil
}

// remove deletes the journal.
func (j *Journal) remove() error {
	if err := os.Remove(j.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the journal: %w", err)
	}
	return nil
}
