package github

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Ledger has the times of the writes that all processes of this user make with the same credentials: the limit of an
// hour is that of the credentials. It is a file per hour. Each process appends a line for each of its writes, with its
// own id; no file is ever rewritten, so no process loses or repeats what another one appends. Files in which nothing is
// of the last hour are removed. Ledger is safe for concurrent use, also by several processes.
type Ledger struct {
	path string // of the files, without the hour
	id   string
	now  func() time.Time

	mutex sync.Mutex
	read  map[int64]int64 // bytes that were read of the file of each hour
	hour  int64           // of the last write; files before it were removed then
}

const (
	// ledgerChunk is how many bytes of a ledger are read at a time.
	ledgerChunk = 1 << 20
	// clockTolerance is how far other clocks may be ahead. A line that is later is none of this hour.
	clockTolerance = time.Minute
)

// ProcessID returns the id of this process in ledgers: 16 random hexadecimal digits. The number of a process does not
// tell processes apart that share a directory, such as those of containers.
var ProcessID = sync.OnceValue(func() string {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // it never returns an error
	return hex.EncodeToString(id)
})

// LedgerFile returns the path of the ledger of credentials in a directory, to which each file adds its hour. Its name
// tells nothing of them. token is that of the environment, as in [New].
func LedgerFile(dir string, cfg Config, token string) string {
	if cfg.Token != "" {
		token = cfg.Token
	}
	who := "token " + token
	if cfg.App.Configured() {
		who = fmt.Sprintf("app %s %s", cfg.App.ID, cfg.App.InstallationID)
	}
	sum := sha256.Sum256([]byte(APIURL(cfg.URL) + "\n" + who))
	return filepath.Join(dir, "github-writes-"+hex.EncodeToString(sum[:8]))
}

// NewLedger returns the ledger with a path, of which no file need exist. id is that of this process: see [ProcessID].
func NewLedger(path, id string, now func() time.Time) *Ledger {
	return &Ledger{path: path, id: id, now: now, read: map[int64]int64{}}
}

func hourOf(at time.Time) int64 { return at.Unix() / int64(time.Hour/time.Second) }

// file returns the name of the file of an hour, counted from 1970.
func (l *Ledger) file(hour int64) string { return fmt.Sprintf("%s.%d", l.path, hour) }

// Note appends a write of this process.
func (l *Ledger) Note() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return fmt.Errorf("counting a write to GitHub: %w", err)
	}
	at := l.now()
	hour := hourOf(at)
	if hour != l.hour {
		l.clean(hour)
		l.hour = hour
	}
	file, err := os.OpenFile(l.file(hour), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("counting a write to GitHub: %w", err)
	}
	// One write: lines of several processes do not mix. It ends what another one may have left unfinished on a full disk.
	_, err = fmt.Fprintf(file, "\n%d %s\n", at.UnixMilli(), l.id)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("counting a write to GitHub: %w", err)
	}
	return nil
}

// clean removes the files that have nothing of the hour before this one or later. What cannot be removed now is tried
// again by the next process.
func (l *Ledger) clean(hour int64) {
	entries, _ := os.ReadDir(filepath.Dir(l.path))
	for _, entry := range entries {
		text, ours := strings.CutPrefix(entry.Name(), filepath.Base(l.path)+".")
		if of, err := strconv.ParseInt(text, 10, 64); ours && err == nil && of < hour-1 {
			_ = os.Remove(filepath.Join(filepath.Dir(l.path), entry.Name()))
		}
	}
}

// Others returns when other processes wrote in the last hour, as far as an earlier call has not returned it, none later
// than now. With an error, it has the times of the files that could be read.
func (l *Ledger) Others() ([]time.Time, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now := l.now()
	from, to := hourOf(now.Add(-time.Hour)), hourOf(now.Add(clockTolerance))
	maps.DeleteFunc(l.read, func(hour, _ int64) bool { return hour < from })
	var times []time.Time
	var errs []error
	for hour := from; hour <= to; hour++ {
		more, err := l.othersOf(hour, now)
		times = append(times, more...)
		if err != nil {
			errs = append(errs, fmt.Errorf("counting what other processes wrote to GitHub: %w", err))
		}
	}
	return times, errors.Join(errs...)
}

// othersOf reads what is new in the file of an hour.
func (l *Ledger) othersOf(hour int64, now time.Time) (times []time.Time, err error) {
	file, err := os.Open(l.file(hour))
	if errors.Is(err, fs.ErrNotExist) {
		delete(l.read, hour) // if it is there again, all of it is new
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	chunk := make([]byte, ledgerChunk)
	for {
		n, err := file.ReadAt(chunk, l.read[hour])
		if err != nil && !errors.Is(err, io.EOF) {
			return times, err
		}
		whole := bytes.LastIndexByte(chunk[:n], '\n') + 1
		if whole == 0 && n == len(chunk) {
			whole = n // no line is that long
		}
		l.read[hour] += int64(whole)
		for line := range strings.Lines(string(chunk[:whole])) {
			at, id, fits := parseWrite(line)
			if !fits || id == l.id || at.Before(now.Add(-time.Hour)) || at.After(now.Add(clockTolerance)) {
				continue
			}
			if at.After(now) {
				at = now
			}
			times = append(times, at)
		}
		if n < len(chunk) || whole == 0 {
			return times, nil
		}
	}
}

// parseWrite reads a line: milliseconds since 1970, and the id of a process. A line that is none is left out.
func parseWrite(line string) (at time.Time, id string, fits bool) {
	milli, id, _ := strings.Cut(strings.TrimSpace(line), " ")
	n, err := strconv.ParseInt(milli, 10, 64)
	return time.UnixMilli(n), id, err == nil && id != ""
}

// Counted returns the host with writes that are noted in a ledger before they are sent. A ledger that cannot be written
// keeps nothing from being sent: warn gets the error, once.
func (h *Host) Counted(l *Ledger, warn func(error)) *Host {
	counted := *h
	var once sync.Once
	counted.client = h.client.Before(func(_ context.Context, write bool) error {
		if write {
			if err := l.Note(); err != nil {
				once.Do(func() { warn(err) })
			}
		}
		return nil
	})
	return &counted
}

// Shared lets a pace count the writes of other processes, as the ledger has them when each request begins. A ledger
// that cannot be read is left out: warn gets the error, once.
func (p *Pace) Shared(l *Ledger, warn func(error)) {
	var once sync.Once
	p.others = func() []time.Time {
		times, err := l.Others()
		if err != nil {
			once.Do(func() { warn(err) })
		}
		return times
	}
}
