package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/dxctl/dxctl/web/route"
)

// How long a client may take.
const (
	headerTimeout = 10 * time.Second // to send the request line and the headers
	bodyTimeout   = 30 * time.Second // to send the body
	lingerTimeout = 3 * time.Second  // to stop sending a body that nobody reads
	maxLingering  = 128              // connections that may do so at once; further ones are cut
	// maxConnections bounds connections, each of which holds about 20 KiB; further ones are answered 503.
	maxConnections = 4096
)

// Headers by which headerReceived hands to the middleware what it took out of a request. Senders cannot set them.
const (
	lengthHeader = "X-Dxctl-Body-Length"
	closeHeader  = "X-Dxctl-Connection-Close"
)

// headerReceived lets the handler run before the body is read. fasthttp would wait for the first 8 KiB of one whose
// length is known; of one whose length is not known it reads nothing. So the length is put aside until [streamed] puts
// it back.
func headerReceived(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	h.Del(lengthHeader)
	h.Del(closeHeader)
	length := h.ContentLength()
	if length == 0 || length == -2 { // -2: there is no body
		return fasthttp.RequestConfig{}
	}
	if length > 0 {
		h.SetContentLength(-1)
		h.Set(lengthHeader, strconv.Itoa(length))
	}
	if h.ConnectionClose() { // an answer that is followed by a close at once is lost while the client still sends
		h.ResetConnectionClose()
		h.Set(closeHeader, "1")
	}
	return fasthttp.RequestConfig{ReadTimeout: bodyTimeout}
}

// requestBody is the body of a request as it comes.
type requestBody struct {
	stream io.Reader
	left   int // bytes; negative: not known
	ended  bool
}

// Read reads on. A body that ends before its announced length is io.ErrUnexpectedEOF.
func (b *requestBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	n, err := b.stream.Read(p)
	if b.left > 0 {
		b.left -= n
		b.ended = b.left == 0
		if errors.Is(err, io.EOF) && !b.ended {
			return n, io.ErrUnexpectedEOF
		}
		return n, err
	}
	b.ended = errors.Is(err, io.EOF)
	return n, err
}

type bodyKey struct{}

// lingering counts the connections whose clients are given time to stop sending.
type lingering struct{ n atomic.Int32 }

// streamed hands the body of a request on without reading it. What the handler leaves of it is discarded for a short
// time, so that the client can read its answer, and the connection is closed.
func (l *lingering) streamed(c *fiber.Ctx) error {
	ctx := c.Context()
	header := &ctx.Request.Header
	body := &requestBody{stream: ctx.RequestBodyStream(), left: -1}
	if text := header.Peek(lengthHeader); len(text) > 0 {
		length, err := strconv.Atoi(string(text))
		if err != nil {
			return fiber.ErrBadRequest
		}
		body.left = length
		header.SetContentLength(length)
		header.Del(lengthHeader)
	}
	closing := len(header.Peek(closeHeader)) > 0
	header.Del(closeHeader)
	if body.stream == nil {
		return c.Next()
	}
	ctx.SetUserValue(bodyKey{}, body)
	err := c.Next()
	switch {
	case body.ended && closing:
		ctx.SetConnectionClose()
	case body.ended:
	case l.n.Add(1) > maxLingering:
		l.n.Add(-1)
		ctx.SetConnectionClose()
	default:
		ctx.Hijack(func(conn net.Conn) {
			defer l.n.Add(-1)
			_ = conn.SetReadDeadline(time.Now().Add(lingerTimeout)) // where it cannot be set the copy ends with the connection
			_, _ = io.Copy(io.Discard, conn)
		})
	}
	return err
}

// jsonBody reads a body of JSON. One that is longer than most bytes, or of another type, is refused.
func jsonBody(c *fiber.Ctx, most int) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEApplicationJSON {
		return nil, fiber.NewError(fiber.StatusUnsupportedMediaType, fmt.Sprintf(
			"the body is of type %q; send JSON with the header Content-Type: application/json",
			c.Get(fiber.HeaderContentType)))
	}
	body, ok := c.Context().UserValue(bodyKey{}).(*requestBody)
	if !ok {
		return nil, route.BadRequest("the request has no body; send JSON, such as {}")
	}
	tooLarge := fiber.NewError(fiber.StatusRequestEntityTooLarge,
		fmt.Sprintf("the body is larger than %d bytes, which is the most that is read; ask for less at once", most))
	if body.left > most {
		return nil, tooLarge
	}
	read, err := io.ReadAll(io.LimitReader(body, int64(most)+1))
	switch {
	case err != nil:
		return nil, route.BadRequest("reading the body: %s", err)
	case len(read) > most:
		return nil, tooLarge
	}
	return read, nil
}

// netHandler answers a request with an http.Handler that reads the body as it comes. Fiber's own adaptor reads all of
// it into memory first.
func netHandler(h http.Handler) fiber.Handler { return adapted{h}.handle }

type adapted struct{ http.Handler }

func (a adapted) handle(c *fiber.Ctx) error {
	req := c.Context()
	r := &http.Request{Method: string(req.Method()), Host: string(req.Host()), Header: http.Header{}, Body: http.NoBody,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		RemoteAddr: req.RemoteAddr().String(), RequestURI: string(req.RequestURI())}
	var err error
	if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil {
		return fiber.NewError(fiber.StatusBadRequest, "the address cannot be read: "+err.Error())
	}
	req.Request.Header.VisitAll(func(name, value []byte) { r.Header.Add(string(name), string(value)) })
	if body, ok := req.UserValue(bodyKey{}).(*requestBody); ok {
		r.Body, r.ContentLength = io.NopCloser(body), int64(body.left)
	}
	w := &buffered{header: http.Header{}, status: http.StatusOK}
	a.ServeHTTP(w, r.WithContext(c.UserContext()))
	for name, values := range w.header {
		for _, v := range values {
			req.Response.Header.Add(name, v)
		}
	}
	req.SetStatusCode(w.status)
	req.SetBody(w.body.Bytes())
	return nil
}

// buffered is an http.ResponseWriter in memory.
type buffered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns the headers of the answer.
func (b *buffered) Header() http.Header { return b.header }

// WriteHeader sets the status.
func (b *buffered) WriteHeader(status int) { b.status = status }

// Write appends to the body.
func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }
