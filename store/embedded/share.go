package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// maxSocketPath is the longest path that a unix socket may have everywhere (104 bytes on macOS, with the final zero).
const maxSocketPath = 100

// socketPath returns where the holder of dir listens: in the directory or, when that path is too long for a socket,
// in the system's temporary directory under a name made of the path. The lock file tells others which it is.
func socketPath(dir string) string {
	if path := filepath.Join(dir, "dxctl.sock"); len(path) <= maxSocketPath {
		return path
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(os.TempDir(), "dxctl-"+strconv.Itoa(os.Getuid())+"-"+hex.EncodeToString(sum[:8])+".sock")
}

// shareServer answers other processes over a unix socket that only this user can open.
type shareServer struct {
	server *http.Server
	path   string
	done   chan error
}

// serveSocket begins to answer at path. A socket that a killed process left is replaced: whoever holds the directory's
// lock owns the path.
func serveSocket(e *Engine, path string) (*shareServer, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("sharing the data directory %s: %w", e.path, err)
	}
	// Made under another name and moved when only the owner can connect: the mode of a socket is set after its making.
	temporary := path + ".n"
	_ = os.Remove(temporary)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("sharing the data directory %s: %w", e.path, err)
	}
	listener.SetUnlinkOnClose(false)
	if err = os.Chmod(temporary, 0o600); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return nil, errors.Join(
			fmt.Errorf("sharing the data directory %s: %w", e.path, err),
			listener.Close(),
			os.Remove(temporary),
		)
	}
	s := &shareServer{
		path:   path,
		done:   make(chan error, 1),
		server: &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { s.done <- s.server.Serve(listener) }()
	return s, nil
}

// close stops answering; statements that run get a moment to end, then their context ends.
func (s *shareServer) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close()
	}
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if removed := os.Remove(s.path); !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

// versionPath is where a shared engine tells its version and data directory.
const versionPath = "/dxctl/engine"

// ServeHTTP answers a request that came over the socket. A client that goes away ends its statement.
func (e *Engine) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == versionPath {
		w.Header().Set("X-Dxctl-Library", e.Library())
		_, _ = io.WriteString(w, e.server)
		return
	}
	res, err := e.RoundTrip(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = res.Body.Close() }()
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	_, err = io.Copy(w, res.Body)
	if err != nil && req.Context().Err() == nil {
		// The status is sent; only a broken response can still say that it is not whole.
		panic(http.ErrAbortHandler)
	}
}

// Remote is the engine of another process that shares its data directory.
type Remote struct {
	path      string
	library   string
	server    string
	holder    holder
	transport *http.Transport
}

var _ http.RoundTripper = (*Remote)(nil)

// Connect connects to the process that has the data directory open. It returns an [InUseError] when that process does
// not share it, and nil, nil when no process has the directory open. It waits a moment for a holder that is just
// starting.
func Connect(ctx context.Context, path string) (*Remote, error) {
	dir, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening the data directory %s: %w", path, err)
	}
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		if !held(dir) {
			return nil, nil
		}
		h, err := readHolder(dir)
		if err == nil && h.Socket != "" {
			remote, err := connect(ctx, dir, h)
			if err == nil {
				return remote, nil
			}
		}
		// An empty file or no answer: it is starting or ending. A holder without a socket never shares.
		if err == nil && h.Socket == "" || wait > 3*time.Second {
			return nil, &InUseError{Path: dir, PID: h.PID, Program: h.Program}
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

func connect(ctx context.Context, dir string, h holder) (*Remote, error) {
	r := &Remote{path: dir, holder: h}
	r.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", h.Socket)
		},
		MaxIdleConnsPerHost: maxIdleConns,
		DisableCompression:  true,
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://embedded"+versionPath, nil)
	if err != nil {
		return nil, err
	}
	res, err := r.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	version, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	r.server, r.library = string(version), res.Header.Get("X-Dxctl-Library")
	return r, nil
}

// RoundTrip sends the request to the process that holds the engine.
func (r *Remote) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host, out.URL.User = "http", "embedded", nil
	res, err := r.transport.RoundTrip(out)
	if err != nil && req.Context().Err() == nil {
		return nil, fmt.Errorf(
			"asking %s (process %d), which has the data directory %s open: %w",
			r.holder.Program,
			r.holder.PID,
			r.path,
			err,
		)
	}
	return res, err
}

// Path returns the data directory.
func (r *Remote) Path() string { return r.path }

// Library returns the file of the library that the other process uses.
func (r *Remote) Library() string { return r.library }

// Version returns ClickHouse's version: "26.7.2.1".
func (r *Remote) Version() string { return r.server }

// Holder names the process that has the directory open: "dxctl serve (process 4711)".
func (r *Remote) Holder() string {
	return fmt.Sprintf("%s (process %d)", r.holder.Program, r.holder.PID)
}

// Close drops the connections. The other process goes on.
func (r *Remote) Close() error {
	r.transport.CloseIdleConnections()
	return nil
}
