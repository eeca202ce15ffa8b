package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"unsafe"
)

// stream begins a query and answers with a body that fetches the result chunk by chunk as it is read. A query that
// fails before its first chunk is answered with an error; a later failure is told in the body, as a server does.
func (e *Engine) stream(ctx context.Context, req *http.Request, r *request, c *conn) (*http.Response, error) {
	b := &body{engine: e, conn: c, ctx: ctx, tag: rand.Text()[:16]}
	p := newParams(r.params)
	var err error
	done := c.start(func() {
		names, nameLens, values, valueLens, count := p.args()
		b.stream = c.lib.streamQuery(c.handle, bytesPtr(r.sql), uintptr(len(r.sql)), bytesPtr(r.format), uintptr(len(r.format)), names, nameLens, values, valueLens, count)
		runtime.KeepAlive(p)
		if b.stream == nil {
			err = newException("the library gave no result")
		} else if text := c.lib.resultError(b.stream); text != "" {
			err = newException(text)
		} else {
			err = b.fetch()
		}
	})
	if cancelled := e.await(ctx, c, done, b.release); cancelled != nil {
		return nil, cancelled
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed = true
		b.release()
		return nil, e.explain(err)
	}
	res := answer(req, http.StatusOK, nil)
	res.Header.Set("X-ClickHouse-Format", r.format)
	res.Header.Set("X-ClickHouse-Exception-Tag", b.tag)
	if errors.Is(err, io.EOF) {
		b.release()
		return res, nil
	}
	res.Body, res.ContentLength = b, -1
	return res, nil
}

// body is the result of a running query. It holds one chunk in the library's memory at a time.
type body struct {
	engine *Engine
	conn   *conn
	ctx    context.Context // of the request, as in http.Request: the body ends with it
	tag    string

	mu      sync.Mutex
	stream  unsafe.Pointer
	chunk   unsafe.Pointer
	rest    []byte // of the chunk, not read yet
	tail    []byte // an exception's text, not read yet
	err     error  // what Read returns once rest and tail are empty
	failed  bool
	settled bool
}

// fetch replaces the chunk by the next one; io.EOF after the last. Call it on the connection's thread.
func (b *body) fetch() error {
	lib := b.conn.lib
	b.drop()
	b.chunk = lib.streamFetch(b.conn.handle, b.stream)
	if b.chunk == nil {
		return io.EOF
	}
	if text := lib.resultError(b.chunk); text != "" {
		return newException(text)
	}
	if b.rest = lib.bytes(b.chunk); len(b.rest) == 0 {
		return io.EOF
	}
	return nil
}

// drop frees the chunk.
func (b *body) drop() {
	if b.chunk != nil {
		b.conn.lib.resultDestroy(b.chunk)
		b.chunk, b.rest = nil, nil
	}
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if err := b.ctx.Err(); err != nil && !b.settled {
			b.err = context.Cause(b.ctx)
			b.settle()
			return 0, b.err
		}
		if len(b.rest) > 0 {
			n := copy(p, b.rest)
			b.rest = b.rest[n:]
			return n, nil
		}
		if len(b.tail) > 0 {
			n := copy(p, b.tail)
			b.tail = b.tail[n:]
			return n, nil
		}
		if b.err != nil {
			return 0, b.err
		}
		b.next()
	}
}

// next fetches a chunk, or notes why there is none.
func (b *body) next() {
	var err error
	done := b.conn.start(func() { err = b.fetch() })
	if cancelled := b.engine.await(b.ctx, b.conn, done, b.release); cancelled != nil {
		b.settled, b.rest, b.err = true, nil, cancelled
		return
	}
	var ex *exception
	switch {
	case errors.As(err, &ex):
		// As a server writes it: the driver finds the text by the marker and the tag.
		b.tail = fmt.Appendf(nil, "\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n", b.tag, ex.text, len(ex.text), b.tag)
		b.failed = true
		fallthrough
	case err != nil:
		b.err = io.EOF
		b.settle()
	}
}

// settle releases once.
func (b *body) settle() {
	if !b.settled {
		b.settled, b.rest = true, nil
		b.release()
	}
}

// release ends the query if it still runs, frees its memory and gives the connection back.
func (b *body) release() {
	b.conn.do(func() {
		b.drop()
		if b.stream != nil {
			b.conn.lib.streamCancel(b.conn.handle, b.stream)
			b.conn.lib.resultDestroy(b.stream)
			b.stream = nil
		}
	})
	b.engine.give(b.conn, !b.failed)
}

// Close ends the query if it still runs.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
	}
	return nil
}
