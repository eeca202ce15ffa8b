package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/web/answers"
	"github.com/gofiber/fiber/v2"
)

// answer is a page, a document or a file in the form in which it is sent.
type answer struct {
	kind       string // content type
	attachment string // name of the file to save as; "" for what is shown
	body       []byte
	zipped     []byte // body with gzip; nil where that saves nothing
	etag       string
	problem    error // a *fiber.Error of the reader's: the answer is that there is none
}

// maker makes the answer to a request. It reads nothing but the request, the store and the catalog.
type maker func(ctx context.Context, r request) (answer, error)

// The bounds of the caches. An answer is at most freshFor plus answerStale old when it is given without its time, and a
// figure at most answerStale older than the newest record.
const (
	freshFor     = time.Minute
	blindFor     = 5 * time.Second
	answerStale  = 10 * time.Second
	patience     = 250 * time.Millisecond
	latePatience = 2 * time.Second
	errorAge     = time.Second
	readerLimit  = time.Minute // waiting for a slot and for the computation
	slots        = 4
	mostAnswers  = 2000
	answerBytes  = 128 << 20
	mostFigures  = 1000
	figureBytes  = 64 << 20
)

// queryTimeout bounds a computation.
const queryTimeout = 30 * time.Second

func newAnswers(m *answers.Metrics) *answers.Cache[answer] {
	return answers.New[answer](answers.Config{
		Name: "answers", MaxEntries: mostAnswers, MaxBytes: answerBytes, MaxAge: freshFor, Blind: blindFor, MaxStale: answerStale,
		Patience: patience, Late: latePatience, Timeout: queryTimeout, ErrorAge: errorAge, Slots: slots,
	}, m)
}

// answering makes the handler of a route whose answers are kept.
func (a *app) answering(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		req, err := r.request(c)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.UserContext(), readerLimit)
		defer cancel()
		var current any
		if !r.live {
			current = a.versions.current(ctx)
		}
		got, err := a.answers.Get(ctx, answers.Ask[answer]{
			Key: req.key(), Version: current, AcceptLate: !strings.HasPrefix(r.path, "/api/"),
			Compute: func(ctx context.Context) (answer, int64, error) { return compute(ctx, r.make, req) },
		})
		switch {
		case errors.Is(err, answers.ErrBusy), errors.Is(err, context.DeadlineExceeded):
			c.Set(fiber.HeaderRetryAfter, "10")
			a.deps.Logger.Warn("no answer in time", "path", c.Path(), "error", err)
			return fiber.NewError(fiber.StatusServiceUnavailable, "the answer is not ready yet: "+err.Error()+"; try again in some seconds")
		case err != nil:
			return err
		case got.Value.problem != nil:
			return got.Value.problem
		}
		return send(c, got)
	}
}

// compute makes an answer ready to be sent. What is wrong with the request is an answer too; it holds as long as others.
func compute(ctx context.Context, produce maker, r request) (answer, int64, error) {
	made, err := produce(ctx, r)
	var known *fiber.Error
	var limit *metrics.LimitError
	if errors.As(err, &limit) {
		err = badRequest("%s", limit)
	}
	switch {
	case errors.As(err, &known) && known.Code < fiber.StatusInternalServerError:
		return answer{problem: err}, int64(len(known.Message)), nil
	case err != nil:
		return answer{}, 0, err
	}
	made.zipped = zipped(made.body)
	sum := sha256.Sum256(made.body)
	made.etag = hex.EncodeToString(sum[:12])
	return made, int64(len(made.body) + len(made.zipped)), nil
}

// zipped returns nil for a body that is too short to be worth it.
func zipped(body []byte) []byte {
	if len(body) < 1000 {
		return nil
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil
	}
	if _, err := w.Write(body); err != nil {
		return nil
	}
	if err := w.Close(); err != nil || b.Len() >= len(body) {
		return nil
	}
	return b.Bytes()
}

// send writes an answer, or that the reader has it.
func send(c *fiber.Ctx, got answers.Answer[answer]) error {
	v := got.Value
	body, etag := v.body, v.etag
	switch {
	case got.Late:
		body, etag = withTime(body, got.Made), etag+"-late"
	case v.zipped != nil && acceptsGzip(c.Get(fiber.HeaderAcceptEncoding)):
		body, etag = v.zipped, etag+"-gzip"
		c.Set(fiber.HeaderContentEncoding, "gzip")
	}
	etag = `"` + etag + `"`
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	c.Set(fiber.HeaderCacheControl, "no-cache, private")
	c.Set(fiber.HeaderETag, etag)
	c.Set(fiber.HeaderAge, strconv.Itoa(max(0, int(time.Since(got.Made).Seconds()))))
	for known := range strings.SplitSeq(c.Get(fiber.HeaderIfNoneMatch), ",") {
		if known = strings.TrimPrefix(strings.TrimSpace(known), "W/"); known == etag || known == "*" {
			c.Response().Header.Del(fiber.HeaderContentEncoding)
			return c.SendStatus(fiber.StatusNotModified)
		}
	}
	c.Set(fiber.HeaderContentType, v.kind)
	if v.attachment != "" {
		c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+v.attachment+`"`)
	}
	return c.Send(body)
}

// acceptsGzip reads Accept-Encoding; gzip;q=0 refuses it.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(part, ";")
		if coding = strings.ToLower(strings.TrimSpace(coding)); coding == "gzip" || coding == "*" {
			_, q, found := strings.Cut(strings.ReplaceAll(parameters, " ", ""), "q=")
			weight, err := strconv.ParseFloat(q, 64)
			return !found || err != nil || weight > 0
		}
	}
	return false
}

// mainStart is where the content of every page begins.
const mainStart = `<main id="main" tabindex="-1"><div class="wrap">`

// withTime puts the time of a page's figures at the head of the page. What is no page stays as it is.
func withTime(body []byte, made time.Time) []byte {
	notice := fmt.Sprintf(mainStart+`<div class="note-box warn" role="status"><strong>These figures are of %s.</strong>`+
		`<span>Newer ones are being computed, which takes longer than usual; reload the page to see them.</span></div>`, utc(made))
	return bytes.Replace(body, []byte(mainStart), []byte(notice), 1)
}
