// Package embedded runs ClickHouse inside the process. [Engine] is an [http.RoundTripper] over libchdb that answers
// what clickhouse-go sends over HTTP, so the driver, and everything above it, cannot tell it from a server:
//
//	engine, err := embedded.Open(ctx, embedded.Options{Path: "data"})
//	conn, err := clickhouse.Open(&clickhouse.Options{
//		Protocol:      clickhouse.HTTP,
//		Addr:          []string{"embedded"},
//		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return engine, nil },
//	})
//
// A process can have one data directory open at a time (libchdb's rule), and a data directory can be open in one
// process at a time. With Options.Share the process that holds the directory answers others of the same user over a
// unix socket.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxIdleConns is how many prepared connections an engine keeps. Each holds a thread and little memory.
const maxIdleConns = 16

// maxReaders is how many read-only statements run at once; others wait. Each has a limit of its own for memory, and
// together they must not take all of it.
const maxReaders = 2

// Options say what to open.
type Options struct {
	Path    string       // the data directory; made when it is not there
	Library string       // the libchdb file; empty: [FindLibrary]
	Program string       // who we are, for the message that another process will see: "dxctl serve"
	Share   bool         // answer other processes of this user
	Logger  *slog.Logger // nil: silent
}

// Engine is ClickHouse over one data directory. It is safe for concurrent use.
type Engine struct {
	path   string
	lib    *library
	lock   *lock
	logger *slog.Logger
	hello  []byte
	server string // ClickHouse's version: "26.7.2.1"
	share  *shareServer

	readers chan struct{} // a place for every read-only statement that runs

	control *conn // holds the engine open, and kills statements of the other connections
	killing sync.Mutex

	mu     sync.Mutex
	idle   []*conn // most recently used last
	closed bool
	busy   sync.WaitGroup // one for every connection in use
	//nolint:containedctx // the engine's own life, which every request's context is bound to
	ended context.Context // ends when Close has waited long enough for running statements
	end   context.CancelCauseFunc
	tags  atomic.Uint64
}

var _ http.RoundTripper = (*Engine)(nil)

// Open opens the data directory. Errors: [LibraryMissingError], [LibraryUnusableError], [InUseError], [DiskFullError],
// [NewerDataError], [NotWritableError].
func Open(ctx context.Context, o Options) (*Engine, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("opening the data directory %s: %w", o.Path, err)
	}
	libraryPath := o.Library
	if libraryPath == "" {
		if libraryPath, err = FindLibrary(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, directoryError(path, err)
	}
	if err := keepPrivate(path); err != nil {
		return nil, err
	}
	lock, err := acquire(path, o.Program, o.Share)
	if err != nil {
		return nil, err
	}
	e := &Engine{path: path, lock: lock, logger: o.Logger, readers: make(chan struct{}, maxReaders)}
	e.ended, e.end = context.WithCancelCause(context.Background())
	err = e.open(ctx, libraryPath, o.Share)
	if err == nil {
		err = keepPrivate(path) // again: the library has made directories
	}
	if err != nil {
		if failed := e.abandonOpen(); failed != nil {
			err = errors.Join(err, failed)
		}
		return nil, err
	}
	return e, nil
}

func (e *Engine) open(ctx context.Context, libraryPath string, share bool) error {
	began := time.Now()
	var err error
	if e.lib, err = openLibrary(libraryPath); err != nil {
		return err
	}
	if err := checkMarker(e.path, e.lib.version); err != nil {
		return err
	}
	if err := probe(e.path); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	settings, err := writeSettings(e.path)
	if err != nil {
		return err
	}
	if e.control, err = dial(e.lib, e.path, "dxctl-control", "--config-file="+settings); err != nil {
		return fmt.Errorf("opening the data directory %s: the engine did not start (%w): either its files are damaged, or "+
			"this process has another data directory open (the library opens one at a time)", e.path, err)
	}
	if err := writeMarker(e.path, e.lib.version); err != nil {
		return err
	}
	var version []byte
	e.control.do(func() { version, err = e.control.run("SELECT version()", "RawBLOB", newParams(nil)) })
	if err != nil {
		return fmt.Errorf("opening the data directory %s: %w", e.path, err)
	}
	e.server = string(version)
	if e.hello, err = helloBlock(e.server); err != nil {
		return err
	}
	if share {
		if e.share, err = serveSocket(e, e.lock.socket); err != nil {
			return err
		}
	}
	e.logger.Debug("engine open", "path", e.path, "library", e.lib.path, "version", e.server, "took", time.Since(began))
	return nil
}

// abandonOpen gives back what a failed Open had taken.
func (e *Engine) abandonOpen() error {
	if e.control != nil {
		e.control.close()
	}
	return e.lock.release()
}

// Path returns the data directory.
func (e *Engine) Path() string { return e.path }

// Library returns the file of the library.
func (e *Engine) Library() string { return e.lib.path }

// Version returns ClickHouse's version: "26.7.2.1".
func (e *Engine) Version() string { return e.server }

// closePatience is how long Close waits for running statements before it ends them.
const closePatience = 3 * time.Second

// Close waits a moment for running statements and then ends them, shuts the engine down and gives the data directory
// free.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	idle := e.idle
	e.idle = nil
	e.mu.Unlock()
	var err error
	if e.share != nil {
		err = e.share.close()
	}
	overdue := time.AfterFunc(closePatience, func() { e.end(errClosed) })
	e.busy.Wait()
	overdue.Stop()
	e.end(errClosed)
	for _, c := range idle {
		c.close()
	}
	e.control.close()
	return errors.Join(err, e.lock.release())
}

// errClosed is what a request after Close gets.
var errClosed = errors.New("the embedded ClickHouse is closed")

// bound returns a context that also ends when the engine is closed, and a function that frees it.
func (e *Engine) bound(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(e.ended, func() { cancel(errClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// admitReader waits for a place among the readers and returns a function that gives it back.
func (e *Engine) admitReader(ctx context.Context) (leave func(), err error) {
	select {
	case e.readers <- struct{}{}:
		return func() { <-e.readers }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-e.ended.Done():
		return nil, errClosed
	}
}

// acquire returns a connection prepared for the database and settings, a kept one if there is.
func (e *Engine) acquire(database string, settings map[string]string) (*conn, error) {
	key := connKey(database, settings)
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, errClosed
	}
	e.busy.Add(1)
	for i := len(e.idle) - 1; i >= 0; i-- {
		if c := e.idle[i]; c.key == key {
			e.idle = append(e.idle[:i], e.idle[i+1:]...)
			e.mu.Unlock()
			return c, nil
		}
	}
	e.mu.Unlock()
	c, err := dial(e.lib, e.path, "dxctl-"+strconv.FormatUint(e.tags.Add(1), 10))
	if err != nil {
		e.busy.Done()
		return nil, fmt.Errorf("connecting to the embedded ClickHouse: %w", err)
	}
	c.key = key
	if err := c.prepare(database, settings); err != nil {
		e.release(c, false)
		return nil, err
	}
	return c, nil
}

// release returns a connection. It is kept for the next request only when keep says that its state is what it was.
func (e *Engine) release(c *conn, keep bool) {
	defer e.busy.Done()
	var old *conn
	e.mu.Lock()
	switch {
	case !keep || e.closed:
		old = c
	case len(e.idle) >= maxIdleConns:
		old = e.idle[0]
		e.idle = append(e.idle[1:], c)
	default:
		e.idle = append(e.idle, c)
	}
	e.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// kill ends the statement that runs on c and returns when done is closed. The statement may not be registered yet when
// it is asked to end, and can outlast the first try, so kill repeats.
func (e *Engine) kill(c *conn, done <-chan struct{}) {
	sql := "KILL QUERY WHERE Settings['log_comment'] = " + quote(c.tag) + " ASYNC"
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		e.killing.Lock()
		err := e.control.exec(sql)
		e.killing.Unlock()
		if err != nil {
			e.logger.Warn("ending a cancelled statement", "error", err)
		}
		select {
		case <-done:
			return
		case <-time.After(wait):
		}
	}
}
