package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"
)

// Sizes of bodies, in bytes.
const (
	bodyInMemory  = 1 << 20   // a body that is larger is held in a file
	bodyChunk     = 32 << 10  // what is read at once
	defaultMemory = 32 << 20  // of bodies in memory, over all connections
	defaultDisk   = 256 << 20 // of bodies in files
	// largeAtOnce is how many bodies from files are read into memory at a time. It takes proof of the secret to get there.
	largeAtOnce = 2
)

var (
	errBodyTooLarge = errors.New("the body is larger than is read")
	errBodiesFull   = errors.New("as many bodies are being received as can be held")
)

// bodies bounds what the bodies of all requests hold together while they are received.
//
//	memory: a body grows here up to 1 MiB, in the steps in which it comes. What a sender announces reserves nothing.
//	disk:   what is larger, or finds no memory, grows in a file without a name, which a kill does not leave behind.
type bodies struct {
	dir   string // of the files; empty: the system's temporary directory
	limit int64  // of one body

	mu           sync.Mutex
	memory, disk int64 // what is left

	large     chan struct{}
	relieveMu sync.Mutex
	relieved  time.Time
}

func newBodies(dir string, limit, memory, disk int64) *bodies {
	if dir != "" {
		removeLeftovers(dir)
	}
	return &bodies{dir: dir, limit: limit, memory: memory, disk: disk, large: make(chan struct{}, largeAtOnce)}
}

const spoolPattern = "body-*.part"

// removeLeftovers removes files that a process made and did not come to unlink.
func removeLeftovers(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, spoolPattern)) // the pattern is well formed
	for _, path := range left {
		_ = os.Remove(path)
	}
}

func (b *bodies) reserve(pool *int64, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if *pool < n {
		return false
	}
	*pool -= n
	return true
}

func (b *bodies) free(pool *int64, n int64) {
	b.mu.Lock()
	*pool += n
	b.mu.Unlock()
}

// body is what was received of one body. Close gives back what it holds.
type body struct {
	of           *bodies
	mem          []byte
	file         *os.File
	size         int64
	memory, disk int64 // reserved
	large        bool  // holds a place among the large ones
}

var chunks = sync.Pool{New: func() any { return new([bodyChunk]byte) }}

// receive reads a body to its end and writes what it reads to seen as well. It fails with errBodyTooLarge,
// errBodiesFull, or with what the reader or the disk says. The body is to be closed in any case.
func (b *bodies) receive(r io.Reader, seen io.Writer) (*body, error) {
	out := &body{of: b}
	chunk, _ := chunks.Get().(*[bodyChunk]byte)
	defer chunks.Put(chunk)
	for {
		n, err := r.Read(chunk[:])
		if n > 0 {
			if out.size+int64(n) > b.limit {
				return out, errBodyTooLarge
			}
			_, _ = seen.Write(chunk[:n]) // a hash returns no error
			if err := out.add(chunk[:n]); err != nil {
				return out, err
			}
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
	}
}

func (o *body) add(p []byte) error {
	o.size += int64(len(p))
	if o.file == nil && o.size <= bodyInMemory && o.grow() {
		o.mem = append(o.mem, p...)
		return nil
	}
	if !o.of.reserve(&o.of.disk, int64(len(p))+int64(len(o.mem))) {
		return errBodiesFull
	}
	o.disk += int64(len(p)) + int64(len(o.mem))
	if o.file == nil {
		if err := o.spill(); err != nil {
			return err
		}
	}
	if _, err := o.file.Write(p); err != nil {
		return fmt.Errorf("%w: %w", errBodiesFull, err)
	}
	return nil
}

// grow makes room in memory for the body's size; false when there is none.
func (o *body) grow() bool {
	if o.size <= int64(cap(o.mem)) {
		return true
	}
	want := min(max(o.size, 2*int64(cap(o.mem)), 4<<10), bodyInMemory)
	more := want - o.memory
	if !o.of.reserve(&o.of.memory, more) {
		return false
	}
	o.memory += more
	o.mem = append(make([]byte, 0, want), o.mem...)
	return true
}

// spill moves what is in memory to a file that has no name anymore.
func (o *body) spill() error {
	file, err := os.CreateTemp(o.of.dir, spoolPattern)
	if err != nil {
		return fmt.Errorf("%w: %w", errBodiesFull, err)
	}
	o.file = file
	if err := os.Remove(file.Name()); err != nil {
		return err
	}
	if _, err := file.Write(o.mem); err != nil {
		return fmt.Errorf("%w: %w", errBodiesFull, err)
	}
	o.of.free(&o.of.memory, o.memory)
	o.mem, o.memory = nil, 0
	return nil
}

// bytes returns the body. One that is in a file waits until few enough others are in memory, at most until ctx ends.
func (o *body) bytes(ctx context.Context) ([]byte, error) {
	if o.file == nil {
		return o.mem, nil
	}
	select {
	case o.of.large <- struct{}{}:
		o.large = true
	case <-ctx.Done():
		return nil, errBodiesFull
	}
	all := make([]byte, o.size)
	if _, err := o.file.ReadAt(all, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the body back: %w", err)
	}
	return all, nil
}

// close gives back what the body holds.
func (o *body) close() {
	if o.file != nil {
		_ = o.file.Close() // it has no name, so nothing of it stays
	}
	o.of.free(&o.of.memory, o.memory)
	o.of.free(&o.of.disk, o.disk)
	o.mem = nil
	if o.large {
		<-o.of.large
		o.of.relieve()
	}
}

// relieveEvery is how often memory is given back to the system at most: it costs a collection of garbage.
const relieveEvery = 10 * time.Second

// relieve gives the memory of large bodies back to the system, which would otherwise take minutes.
func (b *bodies) relieve() {
	if !b.relieveMu.TryLock() {
		return
	}
	defer b.relieveMu.Unlock()
	if len(b.large) == 0 || time.Since(b.relieved) > relieveEvery {
		b.relieved = time.Now()
		debug.FreeOSMemory()
	}
}
