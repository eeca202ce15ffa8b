// Package manifest keeps the list of stored parts outside of ClickHouse, so that a loss is noticed.
//
// ClickHouse drops a damaged part of a table from view when it starts, and does not miss one whose files are gone. So
// what was stored is written down outside of it: the manifest is a file with the parts of every table that holds what
// cannot be derived. A part that the manifest names must be there, or a part that was merged from it: merges only ever
// widen the range of blocks in a part's name. It is written after the comparison, whenever losses are looked for; what
// is stored between two times and lost before the second goes unnoticed.
package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Manifest is the content of the file.
type Manifest struct {
	Address  string           `json:"address"` // of the database, so that another one is not compared with it
	Database string           `json:"database"`
	Schema   int              `json:"schema"` // version of the schema; a migration may replace tables
	Tables   map[string]Table `json:"tables"`
	Lost     []LostPart       `json:"lost,omitempty"`     // noticed, and neither back nor accepted
	Accepted []string         `json:"accepted,omitempty"` // parts set aside that are not to be told again: "table/part"
}

// Table is what a table holds.
type Table struct {
	UUID  string            `json:"uuid"`
	Parts map[string]uint64 `json:"parts"` // rows by the part's name
}

// LostPart is a part that was there once.
type LostPart struct {
	Table   string    `json:"table"`
	UUID    string    `json:"uuid"`
	Part    string    `json:"part"`
	Rows    uint64    `json:"rows"`
	Noticed time.Time `json:"noticed"`
}

// part is a part's name taken apart: the blocks of a partition, both ends included.
type part struct {
	partition string
	min, max  int64
}

// parsePart reads "all_1_7_2" and, after a mutation, "all_1_7_2_9".
func parsePart(name string) (part, bool) {
	words := strings.Split(name, "_")
	if len(words) < 4 {
		return part{}, false
	}
	p := part{partition: words[0]}
	var err1, err2 error
	p.min, err1 = strconv.ParseInt(words[1], 10, 64)
	p.max, err2 = strconv.ParseInt(words[2], 10, 64)
	return p, err1 == nil && err2 == nil
}

// covers reports whether p was merged from other, or is it.
func (p part) covers(other part) bool {
	return p.partition == other.partition && p.min <= other.min && p.max >= other.max
}

// Holds reports whether the rows of a part are among active parts: in one that covers it, or, when it was the result of
// a merge and is damaged, in the parts that it was merged from.
func (t Table) Holds(name string, rows uint64) bool {
	want, ok := parsePart(name)
	if !ok {
		return true // not a name that we understand: nothing can be said
	}
	var inside uint64
	for active, n := range t.Parts {
		have, ok := parsePart(active)
		if ok && have.covers(want) {
			return true
		}
		if ok && want.covers(have) {
			inside += n
		}
	}
	return rows > 0 && inside >= rows
}

// File is the manifest of one database. It is safe for concurrent use.
type File struct {
	path     string // "": there is none, and losses go unnoticed
	address  string
	database string
	portable bool // the file moves with the data: its address may be another
	logger   *slog.Logger
	mu       sync.Mutex // held by Locked
}

// Options describe the database that a manifest is about.
type Options struct {
	Path     string // of the file; empty: the database has no manifest
	Address  string
	Database string
	Portable bool // the file is stored with the data, so that it is about them at whatever address
	Logger   *slog.Logger
}

// New returns the manifest of a database. It reads and writes nothing.
func New(o Options) *File {
	return &File{path: o.Path, address: o.Address, database: o.Database, portable: o.Portable, logger: o.Logger}
}

// Path returns where the manifest is stored, "" when there is none.
func (f *File) Path() string { return f.path }

// Empty returns a manifest of the database that names no parts.
func (f *File) Empty() Manifest {
	return Manifest{Address: f.address, Database: f.database, Tables: map[string]Table{}}
}

// Read returns the manifest; an empty one when there is none, or when it is of another database or damaged,
// which is logged: what was lost before then cannot be known.
func (f *File) Read() (Manifest, error) {
	empty := f.Empty()
	text, err := os.ReadFile(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return empty, fmt.Errorf("reading the list of stored parts: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		f.logger.Warn(
			"the list of stored parts is damaged and is begun anew; losses before now cannot be noticed",
			"file",
			f.path,
			"error",
			err,
		)
		return empty, nil
	}
	if !f.portable && m.Address != f.address || m.Database != f.database {
		return empty, nil
	}
	m.Address = f.address
	if m.Tables == nil {
		m.Tables = empty.Tables
	}
	return m, nil
}

// Write replaces the manifest in one step.
func (f *File) Write(m Manifest) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	path := f.path
	if old, err := os.ReadFile(path); err == nil && string(old) == string(text)+"\n" {
		return nil
	}
	if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
		temporary := path + ".new"
		if err = os.WriteFile(temporary, append(text, '\n'), 0o600); err == nil {
			err = os.Rename(temporary, path)
		}
	}
	if err != nil {
		return fmt.Errorf("writing the list of stored parts: %w", err)
	}
	return nil
}

// patience is how long a process waits for another one that has the manifest.
const patience = 10 * time.Second

// Locked runs do while no other process compares or changes what the manifest is about. A store without a manifest
// has nothing to wait for.
func (f *File) Locked(ctx context.Context, do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := f.path
	if path == "" {
		return do()
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("locking the list of stored parts: %w", err)
	}
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("locking the list of stored parts: %w", err)
	}
	defer func() { _ = file.Close() }()
	for began := time.Now(); ; {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return do()
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Since(began) > patience {
			return fmt.Errorf("locking the list of stored parts %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
