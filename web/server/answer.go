package server

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
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/answers"
	"github.com/dxctl/dxctl/web/route"
	"github.com/gofiber/fiber/v2"
)

// prepared is an answer in the form in which it is sent.
type prepared struct {
	route.Answer
	zipped  []byte // the body with gzip; nil where that saves nothing
	etag    string
	problem error // a *fiber.Error of the reader's: the answer is that there is none
}

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
	maxAnswers   = 2000
	answerBytes  = 128 << 20
	maxResults   = 1000
	resultBytes  = 64 << 20
)

// QueryLimit is how long a query of a request may take at most. A query ends with its request; fasthttp does not
// report that a client has gone, so a request ends when it is answered, at readerLimit, or when the server stops.
const QueryLimit = 30 * time.Second

// The bounds of planning actions. Plans have slots of their own: pages and the API answer while all of them are taken.
const (
	planSlots = 2
	planQueue = 8 // plans that wait for a slot; further ones are refused at once
)

func newPlans(m *answers.Metrics) *answers.Cache[prepared] {
	return answers.New[prepared](answers.Config{
		Name: "plans", MaxEntries: 100, MaxBytes: resultBytes, MaxAge: freshFor, Blind: blindFor, Patience: patience,
		Late: latePatience, Timeout: QueryLimit, ErrorAge: errorAge, Slots: planSlots, Queue: planQueue,
	}, m)
}

func newAnswers(m *answers.Metrics) *answers.Cache[prepared] {
	return answers.New[prepared](answers.Config{
		Name: "answers", MaxEntries: maxAnswers, MaxBytes: answerBytes, MaxAge: freshFor, Blind: blindFor,
		MaxStale: answerStale, Patience: patience, Late: latePatience, Timeout: QueryLimit, ErrorAge: errorAge, Slots: slots,
	}, m)
}

// answering makes the handler of a route whose answers are cached.
func (a *app) answering(r route.Route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		req, err := r.Request(c, audience(c))
		if err != nil {
			return err
		}
		if r.MaxBody > 0 {
			body, err := jsonBody(c, r.MaxBody)
			if err != nil {
				return err
			}
			req = req.WithBody(body)
		}
		ctx, cancel := context.WithTimeout(c.UserContext(), readerLimit)
		defer cancel()
		var current any
		if !r.Live {
			current = a.versions.current(ctx)
		}
		cache := a.answers
		if r.Plans {
			cache = a.plans
		}
		got, err := cache.Get(ctx, answers.Ask[prepared]{
			Key: req.Key(), Version: current, AcceptLate: !strings.HasPrefix(r.Path, "/api/"),
			Compute: func(ctx context.Context) (prepared, int64, error) { return prepare(ctx, r.Make, req) },
		})
		switch {
		case errors.Is(err, answers.ErrBusy), errors.Is(err, context.DeadlineExceeded):
			c.Set(fiber.HeaderRetryAfter, "10")
			a.deps.Logger.Warn("no answer in time", "path", c.Path(), "error", err)
			return fiber.NewError(fiber.StatusServiceUnavailable,
				"the answer is not ready yet: "+err.Error()+"; try again in some seconds")
		case err != nil:
			return err
		case got.Value.problem != nil:
			return got.Value.problem
		}
		return send(c, got)
	}
}

// audience is what the viewer of a request may see. There is no sign-in yet.
func audience(*fiber.Ctx) report.Audience { return report.Everyone }

// prepare makes an answer and readies it for sending. What is wrong with the request is an answer too; it holds as long
// as others.
func prepare(ctx context.Context, produce route.Maker, r route.Request) (prepared, int64, error) {
	made, err := produce(ctx, r)
	err = readersError(err)
	var known *fiber.Error
	switch {
	case errors.As(err, &known) && known.Code < fiber.StatusInternalServerError:
		return prepared{problem: err}, int64(len(known.Message)), nil
	case err != nil:
		return prepared{}, 0, err
	}
	sum := sha256.Sum256(made.Body)
	p := prepared{Answer: made, zipped: zipped(made.Body), etag: hex.EncodeToString(sum[:12])}
	return p, int64(len(p.Body) + len(p.zipped)), nil
}

// readersError gives the errors of a reader their HTTP status.
func readersError(err error) error {
	var limit *metrics.LimitError
	var missing *report.NotFoundError
	var tooMuch *report.TooMuchError
	switch {
	case errors.As(err, &tooMuch):
		return route.BadRequest("%s", tooMuch)
	case errors.As(err, &limit):
		return route.BadRequest("%s", limit)
	case errors.As(err, &missing):
		return fiber.NewError(fiber.StatusNotFound, missing.Error())
	}
	return err
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
func send(c *fiber.Ctx, got answers.Answer[prepared]) error {
	v := got.Value
	body, etag := v.Body, v.etag
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
	if v.MaxAge > 0 {
		c.Set(fiber.HeaderCacheControl, fmt.Sprintf("public, max-age=%d", int(v.MaxAge.Seconds())))
	}
	c.Set(fiber.HeaderETag, etag)
	c.Set(fiber.HeaderAge, strconv.Itoa(max(0, int(time.Since(got.Made).Seconds()))))
	for known := range strings.SplitSeq(c.Get(fiber.HeaderIfNoneMatch), ",") {
		if c.Method() == fiber.MethodPost { // the condition is for what an address shows
			break
		}
		if known = strings.TrimPrefix(strings.TrimSpace(known), "W/"); known == etag || known == "*" {
			c.Response().Header.Del(fiber.HeaderContentEncoding)
			return c.SendStatus(fiber.StatusNotModified)
		}
	}
	c.Set(fiber.HeaderContentType, v.Type)
	if v.Attachment != "" {
		c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+v.Attachment+`"`)
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

// withTime puts the time of a page's figures at the head of the page. What is no page stays as it is.
func withTime(body []byte, made time.Time) []byte {
	notice := fmt.Sprintf(route.MainStart+`<div class="note-box warn" role="status">`+
		`<strong>These figures are of %s.</strong><span>Newer ones are being computed, which takes longer than usual; `+
		`reload the page to see them.</span></div>`, words.UTC(made))
	return bytes.Replace(body, []byte(route.MainStart), []byte(notice), 1)
}
