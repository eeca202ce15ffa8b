package github

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Ledger is a file with the times of the writes that all processes of this user make with the same credentials: the
// limit of an hour is that of the credentials. Each process appends a line for each of its writes, with its own id.
// Ledger is safe for concurrent use, also by several processes.
type Ledger struct {
	path string
	pid  int
	now  func() time.Time

	mutex sync.Mutex
	read  int64 // bytes of whole lines that were read
}

// maxLedger is the size at which a ledger is written anew without what is older than an hour: some 40,000 writes.
const maxLedger = 1 << 20

// LedgerFile returns the path of the ledger of credentials in a directory. Its name tells nothing of them. token is
// that of the environment, as in [New].
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

// NewLedger returns the ledger in a file, which need not exist. pid is the id of this process.
func NewLedger(path string, pid int, now func() time.Time) *Ledger {
	return &Ledger{path: path, pid: pid, now: now}
}

// Note appends a write of this process.
func (l *Ledger) Note() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return fmt.Errorf("counting a write to GitHub: %w", err)
	}
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("counting a write to GitHub: %w", err)
	}
	// One write: lines of several processes do not mix.
	_, err = fmt.Fprintf(file, "%d %d\n", l.now().UnixMilli(), l.pid)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("counting a write to GitHub: %w", err)
	}
	return nil
}

// Others returns when other processes wrote in the last hour, as far as an earlier call has not returned it.
func (l *Ledger) Others() ([]time.Time, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	file, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("counting what other processes wrote to GitHub: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	info, err := file.Stat()
	if err == nil && info.Size() < l.read {
		l.read = 0 // it was written anew
	}
	var text []byte
	if err == nil {
		_, err = file.Seek(l.read, io.SeekStart)
	}
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(file, 2*maxLedger))
	}
	if err != nil {
		return nil, fmt.Errorf("counting what other processes wrote to GitHub: %w", err)
	}
	whole := text[:strings.LastIndexByte(string(text), '\n')+1]
	first := l.read == 0
	l.read += int64(len(whole))
	var times []time.Time
	var kept strings.Builder
	for line := range strings.Lines(string(whole)) {
		at, pid, fits := parseWrite(line)
		if !fits || at.Before(l.now().Add(-time.Hour)) {
			continue
		}
		kept.WriteString(line)
		if pid != l.pid {
			times = append(times, at)
		}
	}
	if first && len(whole) > maxLedger {
		return times, l.renew(kept.String())
	}
	return times, nil
}

// parseWrite reads a line: milliseconds since 1970, and the id of a process. A line that is none is left out.
func parseWrite(line string) (at time.Time, pid int, fits bool) {
	milli, id, _ := strings.Cut(strings.TrimSpace(line), " ")
	n, err := strconv.ParseInt(milli, 10, 64)
	pid, pidErr := strconv.Atoi(id)
	return time.UnixMilli(n), pid, err == nil && pidErr == nil
}

// renew writes the ledger anew.
func (l *Ledger) renew(text string) error {
	temporary := fmt.Sprintf("%s.%d", l.path, l.pid)
	err := os.WriteFile(temporary, []byte(text), 0o600)
	if err == nil {
		err = os.Rename(temporary, l.path)
	}
	if err != nil {
		return fmt.Errorf("shortening %s: %w", l.path, err)
	}
	l.read = int64(len(text))
	return nil
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
