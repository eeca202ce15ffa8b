package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"unsafe"
)

// stream begins a query and answers with a body that fetches the result chunk by chunk as it is read. A query that
// fails before its first chunk is answered with an error; a later failure is told in the body, as a server does.
func (e *Engine) stream(
	ctx context.Context,
	free func(),
	req *http.Request,
	r *request,
	c *conn,
) (*http.Response, error) {
	b := &body{engine: e, conn: c, ctx: ctx, free: free, tag: rand.Text()[:16]}
	p := newParams(r.params)
	var first []byte
	var err error
	done := c.start(func() {
		names, nameLens, values, valueLens, count := p.args()
		b.stream = c.lib.streamQuery(
			c.handle,
			bytesPtr(r.sql),
			uintptr(len(r.sql)),
			bytesPtr(r.format),
			uintptr(len(r.format)),
			names,
			nameLens,
			values,
			valueLens,
			count,
		)
		runtime.KeepAlive(p)
		if b.stream == nil {
			err = newException("the library gave no result")
		} else if text := c.lib.resultError(b.stream); text != "" {
			err = newException(text)
		} else {
			first, err = b.fetch()
		}
	})
	if cancelled := e.await(ctx, c, done, b.release); cancelled != nil {
		return nil, cancelled
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.release()
		return nil, e.explain(err)
	}
	res := answer(req, http.StatusOK, nil)
	res.Header.Set("X-ClickHouse-Format", r.format)
	res.Header.Set("X-ClickHouse-Exception-Tag", b.tag)
	if errors.Is(err, io.EOF) {
		header := b.header(r)
		b.whole = true
		b.release()
		res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(header)), int64(len(header))
		return res, nil
	}
	b.rest = first
	res.Body, res.ContentLength = b, -1
	// A reader that has lost interest may never come back.
	b.forget = context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.abort()
	})
	return res, nil
}

// header returns a block without rows that names the columns of a result, as a server sends it for an empty one; the
// library sends nothing then. It costs another look at the statement, so only readers who may show the result to a
// person get it: read-only ones.
func (b *body) header(r *request) (block []byte) {
	if !r.readonly || r.format != "Native" {
		return nil
	}
	b.conn.do(func() {
		b.end()
		described, err := b.conn.run(
			"DESCRIBE ("+strings.TrimRight(r.sql, "; \t\r\n")+"\n)",
			"JSONCompactEachRow",
			newParams(r.params),
		)
		if err == nil {
			block, err = headerBlock(described)
		}
		if err != nil {
			b.engine.logger.Debug("naming the columns of an empty result", "error", err)
		}
	})
	return block
}

// headerBlock makes a Native block of no rows from the answer to DESCRIBE: a line of JSON a column.
func headerBlock(described []byte) ([]byte, error) {
	var columns [][]string
	decoder := json.NewDecoder(bytes.NewReader(described))
	for decoder.More() {
		var column []string
		if err := decoder.Decode(&column); err != nil || len(column) < 2 {
			return nil, fmt.Errorf("naming the columns of an empty result: %w", err)
		}
		columns = append(columns, column)
	}
	block := binary.AppendUvarint(nil, uint64(len(columns)))
	block = binary.AppendUvarint(block, 0)
	for _, column := range columns {
		for _, text := range column[:2] {
			block = append(binary.AppendUvarint(block, uint64(len(text))), text...)
		}
	}
	return block, nil
}

// body is the result of a running query. It holds one chunk in the library's memory at a time.
type body struct {
	engine *Engine
	conn   *conn
	//nolint:containedctx // of the request, as in http.Request: the body ends with it
	ctx    context.Context
	free   func()      // frees ctx
	forget func() bool // stops waiting for the end of ctx
	tag    string

	// Of the connection's thread, which may still be at work when a reader has been told that the query was cancelled.
	stream unsafe.Pointer
	chunk  unsafe.Pointer

	mu      sync.Mutex
	rest    []byte // of the chunk, not read yet; nil once the chunk may be freed
	tail    []byte // an exception's text, not read yet
	err     error  // what Read returns once rest and tail are empty
	whole   bool   // read to its end; after anything else the library keeps the query's remains in the connection
	settled bool
}

// fetch replaces the chunk by the next one and returns its bytes, which are valid until the chunk is replaced or freed;
// io.EOF after the last. Call it on the connection's thread.
func (b *body) fetch() ([]byte, error) {
	lib := b.conn.lib
	b.drop()
	b.chunk = lib.streamFetch(b.conn.handle, b.stream)
	if b.chunk == nil {
		return nil, io.EOF
	}
	if text := lib.resultError(b.chunk); text != "" {
		return nil, newException(text)
	}
	all := lib.bytes(b.chunk)
	if len(all) == 0 {
		return nil, io.EOF
	}
	return all, nil
}

// drop frees the chunk. Call it on the connection's thread.
func (b *body) drop() {
	if b.chunk != nil {
		b.conn.lib.resultDestroy(b.chunk)
		b.chunk = nil
	}
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		b.abort()
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

// abort ends the body if its context has ended.
func (b *body) abort() {
	if b.ctx.Err() != nil && !b.settled {
		b.err, b.tail = context.Cause(b.ctx), nil
		b.settle()
	}
}

// next fetches a chunk, or notes why there is none.
func (b *body) next() {
	var all []byte
	var err error
	b.rest = nil
	done := b.conn.start(func() { all, err = b.fetch() })
	if cancelled := b.engine.await(b.ctx, b.conn, done, b.release); cancelled != nil {
		b.settled, b.err = true, cancelled
		return
	}
	b.rest = all
	var ex *exception
	switch {
	case errors.As(err, &ex):
		// As a server writes it: the driver finds the text by the marker and the tag.
		b.tail = fmt.Appendf(
			nil,
			"\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n",
			b.tag,
			ex.text,
			len(ex.text),
			b.tag,
		)
		b.err = io.EOF
		b.settle()
	case err != nil:
		b.err, b.whole = io.EOF, true
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
	b.conn.do(b.end)
	if b.forget != nil {
		b.forget()
	}
	b.free()
	b.engine.release(b.conn, b.whole)
}

// end ends the query if it still runs and frees its memory. Call it on the connection's thread.
func (b *body) end() {
	b.drop()
	if b.stream != nil {
		b.conn.lib.streamCancel(b.conn.handle, b.stream)
		b.conn.lib.resultDestroy(b.stream)
		b.stream = nil
	}
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
