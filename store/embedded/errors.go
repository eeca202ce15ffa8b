package embedded

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// InUseError says that another process holds the data directory and does not share it.
type InUseError struct {
	Path    string // the data directory
	PID     int    // 0 when it could not be read
	Program string // "dxctl serve"
}

func (e *InUseError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("%q (process %d)", e.Program, e.PID)
	}
	return fmt.Sprintf("opening the data directory %s: %s is using it, and only one process can: stop that one first, "+
		"or choose another directory (store.dsn; --data of the demo)", e.Path, who)
}

// DiskFullError says that the disk below the data directory is full.
type DiskFullError struct {
	Path string
	Err  error
}

func (e *DiskFullError) Error() string {
	return fmt.Sprintf("the disk that holds the data directory %s is full: free some space, or move the directory and "+
		"change store.dsn: %v", e.Path, e.Err)
}

// Unwrap returns what the system or ClickHouse said.
func (e *DiskFullError) Unwrap() error { return e.Err }

// NewerDataError says that the data directory was written by a newer ClickHouse than this one.
type NewerDataError struct {
	Path    string
	Written string // version that wrote it
	Library string // version at hand
}

func (e *NewerDataError) Error() string {
	return fmt.Sprintf("opening the data directory %s: it was written by engine version %s and this is %s, which may "+
		"not understand it; update dxctl (and run \"make engine\" in a checkout), or choose another directory (store.dsn)",
		e.Path, e.Written, e.Library)
}

// NotWritableError says that the data directory cannot be made or written.
type NotWritableError struct {
	Path string
	Err  error
}

func (e *NotWritableError) Error() string {
	return fmt.Sprintf("opening the data directory %s: this user cannot write there; change its owner or permissions, "+
		"or choose another directory (store.dsn): %v", e.Path, e.Err)
}

// Unwrap returns what the system said.
func (e *NotWritableError) Unwrap() error { return e.Err }

// directoryError turns an error of the file system about the data directory into one of the types above.
func directoryError(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return &DiskFullError{Path: path, Err: err}
	case errors.Is(err, syscall.EACCES),
		errors.Is(err, syscall.EPERM),
		errors.Is(err, syscall.EROFS),
		errors.Is(err, syscall.ENOTDIR):
		return &NotWritableError{Path: path, Err: err}
	}
	return fmt.Errorf("opening the data directory %s: %w", path, err)
}

// exception is an error in ClickHouse's own words.
type exception struct {
	code int    // ClickHouse's error code
	text string // "Code: 60. DB::Exception: …"
}

func (e *exception) Error() string { return e.text }

var codePattern = regexp.MustCompile(`^Code:\s*(\d+)\.`)

// newException reads an error text of the library. Some of its own errors carry no code; they become code 1002
// (UNKNOWN_EXCEPTION) in ClickHouse's form, because clients take an error without a code for a broken connection.
func newException(text string) *exception {
	text = strings.TrimSpace(text)
	if m := codePattern.FindStringSubmatch(text); m != nil {
		code, _ := strconv.Atoi(m[1])
		return &exception{code: code, text: text}
	}
	return refuse(1002, "UNKNOWN_EXCEPTION", text)
}

// refuse returns an exception that the adapter itself raises, in ClickHouse's form.
func refuse(code int, name, why string) *exception {
	return &exception{
		code: code,
		text: fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, strings.TrimSuffix(why, "."), name),
	}
}

// httpStatus returns the status that a ClickHouse server answers an error code with.
func (e *exception) httpStatus() int {
	switch e.code {
	case 26, 27, 36, 38, 41, 42, 43, 44, 47, 53, 62, 70, 72, 457: // the query is wrong
		return 400
	case 164, 497: // READONLY, ACCESS_DENIED
		return 403
	case 46, 60, 81, 115, 284: // unknown function, table, database, setting
		return 404
	case 241: // MEMORY_LIMIT_EXCEEDED
		return 503
	}
	return 500
}
