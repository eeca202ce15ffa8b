package embedded

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

// request is a statement as an HTTP request of ClickHouse's protocol carries it.
type request struct {
	sql      string
	data     io.Reader // rows of an INSERT … FORMAT …; nil when the statement stands alone
	format   string    // of data, or of the result
	database string
	params   map[string]string
	settings map[string]string
	readonly bool
}

// notSettings are URL parameters of the HTTP interface that are not settings of a query.
var notSettings = map[string]bool{
	"query":                                 true,
	"database":                              true,
	"default_format":                        true,
	"client_protocol_version":               true,
	"query_id":                              true,
	"quota_key":                             true,
	"compress":                              true,
	"decompress":                            true,
	"user":                                  true,
	"password":                              true,
	"session_id":                            true,
	"session_timeout":                       true,
	"session_check":                         true,
	"wait_end_of_query":                     true,
	"buffer_size":                           true,
	"http_write_exception_in_output_format": true,
	"network_compression_method":            true,
	"network_zstd_compression_level":        true,
}

var (
	insertPattern = regexp.MustCompile(`(?is)^\s*INSERT\s`)
	// The library streams SELECT and nothing else. Comments may stand before it.
	streamable    = regexp.MustCompile(`(?is)^(\s|--[^\n]*\n|/\*.*?\*/)*\(*\s*(SELECT|WITH|FROM)\b`)
	formatPattern = regexp.MustCompile(`(?is)\s+FORMAT\s+(\w+)\s*;?\s*$`)
)

// maxStatement bounds a statement that comes as a request's body. Rows of an INSERT … FORMAT are not bounded.
const maxStatement = 256 << 20

// parse reads a request.
func parse(req *http.Request) (*request, error) {
	values := req.URL.Query()
	r := &request{
		database: values.Get("database"),
		format:   "Native",
		params:   map[string]string{},
		settings: map[string]string{},
	}
	if f := values.Get("default_format"); f != "" {
		r.format = f
	}
	if values.Get("compress") == "1" || values.Get("decompress") == "1" {
		return nil, refuse(48, "NOT_IMPLEMENTED", "the embedded engine does not compress: it shares the memory of its client")
	}
	for name, v := range values {
		switch {
		case strings.HasPrefix(name, "param_"):
			r.params[strings.TrimPrefix(name, "param_")] = v[0]
		case !notSettings[name]:
			r.settings[name] = v[0]
		}
	}
	r.readonly = r.settings["readonly"] != "" && r.settings["readonly"] != "0"
	return r, r.readStatement(values, req.Body)
}

func (r *request) readStatement(values url.Values, body io.Reader) error {
	r.sql = values.Get("query")
	if body == nil {
		return nil
	}
	if m := formatPattern.FindStringSubmatchIndex(r.sql); m != nil && insertPattern.MatchString(r.sql) {
		r.format = r.sql[m[2]:m[3]]
		r.sql, r.data = r.sql[:m[0]], body
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(body, maxStatement+1))
	if err != nil {
		return err
	}
	if len(text) > maxStatement {
		return refuse(307, "TOO_MANY_BYTES", "the statement is longer than 256 MiB; send rows as INSERT … FORMAT Native")
	}
	if r.sql != "" && len(text) > 0 {
		r.sql += "\n"
	}
	r.sql += string(text)
	return nil
}

// RoundTrip runs the statement of a request as a ClickHouse server's HTTP interface would, and answers its errors in
// the same way: the status, the header X-ClickHouse-Exception-Code and the text. When the request's context ends, the
// statement is ended and RoundTrip, or the reading of the response, returns the context's error.
func (e *Engine) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	ctx := req.Context()
	r, err := parse(req)
	if err == nil {
		if r.sql == helloQuery {
			return answer(req, http.StatusOK, e.hello), nil
		}
		var res *http.Response
		if res, err = e.serve(ctx, req, r); err == nil {
			return res, nil
		}
	}
	var ex *exception
	if !errors.As(err, &ex) {
		return nil, err
	}
	res := answer(req, ex.httpStatus(), []byte(ex.text))
	res.Header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(ex.code))
	res.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	return res, nil
}

// serve runs the statement on a connection of its own.
func (e *Engine) serve(ctx context.Context, req *http.Request, r *request) (*http.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	leave := func() {}
	if r.readonly {
		var err error
		if leave, err = e.admitReader(ctx); err != nil {
			return nil, err
		}
	}
	c, err := e.acquire(r.database, r.settings)
	if err != nil {
		leave()
		return nil, err
	}
	ctx, release := e.bound(ctx)
	free := func() {
		release()
		leave()
	}
	if r.data != nil {
		defer free()
		return e.insert(ctx, req, r, c)
	}
	class, err := c.admit(r)
	if err != nil {
		free()
		e.release(c, true)
		return nil, err
	}
	if class == classReadOnly && streamable.MatchString(r.sql) {
		return e.stream(ctx, free, req, r, c)
	}
	defer free()
	return e.exec(ctx, req, r, c, class <= classMutating)
}

// admit refuses several statements in one and, where the request is read-only, those that change anything.
func (c *conn) admit(r *request) (class uint32, err error) {
	statements, class := c.classify(r.sql)
	if statements > 1 {
		return class, refuse(62, "SYNTAX_ERROR", "one statement at a time: there is another after the first semicolon")
	}
	if r.readonly {
		return class, c.checkReadonly(r, class)
	}
	return class, nil
}

// exec runs a statement that has no rows to speak of.
func (e *Engine) exec(ctx context.Context, req *http.Request, r *request, c *conn, keep bool) (*http.Response, error) {
	var out []byte
	var err error
	p := newParams(r.params)
	done := c.start(func() { out, err = c.run(r.sql, r.format, p) })
	if cancelled := e.await(ctx, c, done, func() { e.release(c, false) }); cancelled != nil {
		return nil, cancelled
	}
	e.release(c, keep)
	if err != nil {
		return nil, e.explain(err)
	}
	return answer(req, http.StatusOK, out), nil
}

// await waits for done. When ctx ends first it returns its error at once, has the statement killed, and calls then when
// that has happened.
func (e *Engine) await(ctx context.Context, c *conn, done <-chan struct{}, then func()) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	go func() {
		e.kill(c, done)
		then()
	}()
	return context.Cause(ctx)
}

// explain adds what ClickHouse's text does not say: that the disk is full, and what to do.
func (e *Engine) explain(err error) error {
	var ex *exception
	if errors.As(err, &ex) && isDiskFull(ex) {
		return &exception{
			code: ex.code,
			text: ex.text + " [" + (&DiskFullError{Path: e.path, Err: errors.New("see above")}).Error() + "]",
		}
	}
	return err
}

// isDiskFull reports whether ClickHouse failed for want of space.
func isDiskFull(ex *exception) bool {
	return ex.code == 243 || strings.Contains(ex.text, "errno: 28,") ||
		strings.Contains(ex.text, "No space left on device") ||
		strings.Contains(ex.text, "errno: 27,") ||
		strings.Contains(ex.text, "errno: 122,")
}

// insertChunk is how much of an INSERT's rows is handed over at a time.
const insertChunk = 1 << 20

// insert feeds the rows of an INSERT … FORMAT to the engine as they come. Nothing is committed before the last one.
func (e *Engine) insert(ctx context.Context, req *http.Request, r *request, c *conn) (*http.Response, error) {
	if r.readonly {
		e.release(c, true)
		return nil, refuse(164, "READONLY", "Cannot execute query in readonly mode")
	}
	var stream unsafe.Pointer
	var err error
	p := newParams(r.params)
	names, nameLens, values, valueLens, count := p.args()
	c.do(func() {
		stream = c.lib.insert(
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
		if text := c.lib.insertError(stream); text != "" {
			err = newException(text)
		}
	})
	runtime.KeepAlive(p)
	finish := func(keep bool) {
		c.do(func() { c.lib.insertDestroy(stream) }) // cancels it if it is not done
		e.release(c, keep)
	}
	if err == nil {
		err = e.feed(ctx, c, stream, r.data)
	}
	if err != nil {
		finish(false)
		return nil, e.explain(err)
	}
	done := c.start(func() {
		result := c.lib.insertDone(stream)
		if text := c.lib.resultError(result); text != "" {
			err = newException(text)
		}
		c.lib.resultDestroy(result)
	})
	if cancelled := e.await(ctx, c, done, func() { finish(false) }); cancelled != nil {
		return nil, cancelled
	}
	finish(err == nil)
	if err != nil {
		return nil, e.explain(err)
	}
	return answer(req, http.StatusOK, nil), nil
}

// feed hands the rows over.
func (e *Engine) feed(ctx context.Context, c *conn, stream unsafe.Pointer, data io.Reader) error {
	buffer := make([]byte, insertChunk)
	for {
		n, readErr := io.ReadFull(data, buffer)
		if n > 0 {
			var failed error
			c.do(func() {
				if c.lib.insertAppend(stream, &buffer[0], uintptr(n)) != 0 {
					failed = newException(c.lib.insertError(stream))
				}
			})
			if failed != nil {
				return failed
			}
		}
		switch {
		case errors.Is(readErr, io.EOF), errors.Is(readErr, io.ErrUnexpectedEOF):
			return nil
		case readErr != nil:
			return readErr
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
	}
}
