package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Files that dxctl keeps in the data directory in addition to ClickHouse's own.
const (
	lockName   = "dxctl.lock"    // held with flock by the process that has the directory open; says who that is
	markerName = "dxctl.version" // which engine wrote the directory last
)

// holder is what the lock file says.
type holder struct {
	PID     int    `json:"pid"`
	Program string `json:"program"`
	Socket  string `json:"socket,omitempty"` // where the holder answers others; empty: it does not share
	Since   string `json:"since"`
}

// lock is the hold on a data directory. The kernel drops it with the process, however that ends.
type lock struct {
	file   *os.File
	socket string
}

// acquire takes the lock of the directory, or returns an [InUseError] with who has it.
func acquire(dir, program string, share bool) (*lock, error) {
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, directoryError(dir, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			h, _ := readHolder(dir)
			return nil, &InUseError{Path: dir, PID: h.PID, Program: h.Program}
		}
		return nil, fmt.Errorf("locking the data directory %s: %w", dir, err)
	}
	l := &lock{file: file}
	h := holder{PID: os.Getpid(), Program: program, Since: time.Now().UTC().Format(time.RFC3339)}
	if share {
		l.socket = socketPath(dir)
		h.Socket = l.socket
	}
	doc, err := json.Marshal(h)
	if err == nil {
		if err = file.Truncate(0); err == nil {
			_, err = file.WriteAt(append(doc, '\n'), 0)
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, directoryError(dir, err)
	}
	return l, nil
}

// readHolder reads who wrote the lock file last.
func readHolder(dir string) (holder, error) {
	var h holder
	doc, err := os.ReadFile(filepath.Join(dir, lockName))
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal(doc, &h)
}

// held reports whether some process has the directory open now.
func held(dir string) bool {
	file, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return errors.Is(err, syscall.EWOULDBLOCK)
	}
	return false
}

// release gives the directory free. The file stays: removing it would let two processes lock two files of one name.
func (l *lock) release() error {
	if l == nil || l.file == nil {
		return nil
	}
	file := l.file
	l.file = nil
	return errors.Join(file.Truncate(0), file.Close())
}

// probe writes and removes a small file: the library says nothing about why it cannot start, and a full disk or a
// directory of another user are the usual reasons.
func probe(dir string) error {
	file, err := os.CreateTemp(dir, "dxctl-probe-*")
	if err != nil {
		return directoryError(dir, err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(make([]byte, 256<<10))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return directoryError(dir, err)
	}
	return nil
}

// HasData reports whether an engine has ever written to the directory.
func HasData(dir string) bool {
	for _, name := range []string{markerName, "metadata", "store"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// marker is what markerName says.
type marker struct {
	Engine string `json:"engine"` // libchdb's version: "26.7.3"
}

// checkMarker refuses a directory that a newer engine wrote: by major and minor version, because ClickHouse's files
// do not change within a minor version.
func checkMarker(dir, version string) error {
	doc, err := os.ReadFile(filepath.Join(dir, markerName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return directoryError(dir, err)
	}
	var m marker
	if err := json.Unmarshal(doc, &m); err != nil {
		return fmt.Errorf("opening the data directory %s: its file %s is damaged (%w); remove it if the directory was "+
			"last used with this version of dxctl", dir, markerName, err)
	}
	if newer(m.Engine, version) {
		return &NewerDataError{Path: dir, Written: m.Engine, Library: version}
	}
	return nil
}

// writeMarker notes the engine, in one step.
func writeMarker(dir, version string) error {
	doc, err := json.Marshal(marker{Engine: version})
	if err != nil {
		return err
	}
	return replaceFile(dir, markerName, append(doc, '\n'))
}

// settingsName is the file of settings that the engine reads when it starts.
const settingsName = "dxctl.engine.xml"

// engineSettings make the engine start whatever is damaged. By default it refuses to start when more than 100 parts of
// a table, or 1 GB of them, cannot be read; here it detaches them, and what is lost is reported.
const engineSettings = `<clickhouse>
  <merge_tree>
    <max_suspicious_broken_parts>1000000000</max_suspicious_broken_parts>
    <max_suspicious_broken_parts_bytes>1000000000000000</max_suspicious_broken_parts_bytes>
  </merge_tree>
</clickhouse>
`

// writeSettings writes the engine's settings below dir and returns the file.
func writeSettings(dir string) (string, error) {
	return filepath.Join(dir, settingsName), replaceFile(dir, settingsName, []byte(engineSettings))
}

// replaceFile gives the file name below dir these contents, in one step.
func replaceFile(dir, name string, contents []byte) error {
	path := filepath.Join(dir, name)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, contents) {
		return nil
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, contents, 0o600); err != nil {
		return directoryError(dir, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return directoryError(dir, err)
	}
	return nil
}

// newer reports whether version a has a higher major or minor number than b.
func newer(a, b string) bool {
	x, y := numbers(a), numbers(b)
	if x[0] != y[0] {
		return x[0] > y[0]
	}
	return x[1] > y[1]
}

// numbers returns the major and minor number of a version, 0 where there is none.
func numbers(version string) [2]int {
	var out [2]int
	for i, part := range strings.SplitN(version, ".", 3) {
		if i < len(out) {
			out[i], _ = strconv.Atoi(part)
		}
	}
	return out
}
