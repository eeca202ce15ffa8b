package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/prometheus/client_golang/prometheus"
)

// Queue stores records durably; an inbox of the [Format] does.
type Queue interface {
	Put(ctx context.Context, record []byte) error
}

// HandlerOptions are what a Handler needs from outside; each may be left out.
type HandlerOptions struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
	// MaxBody is the size of the largest body that is read, in bytes; default 25 MiB, the most that a known sender sends.
	MaxBody int64
	// RetryAfter is what a sender is asked to wait when the inbox is full; default 30 s.
	RetryAfter time.Duration
	// SpoolDir is where bodies of more than 1 MiB are held while they are received; default the system's temporary
	// directory.
	SpoolDir string
	// MaxMemory and MaxDisk bound what all bodies that are being received hold together, in bytes; default 32 MiB in
	// memory and 256 MiB in SpoolDir. Senders beyond that are answered 503.
	MaxMemory, MaxDisk int64
}

// The places where deliveries are received. {source} is the name of a source.
const (
	EventsPath   = "/api/v1/events"
	FactsPath    = "/api/v1/facts"
	WebhooksPath = "/api/v1/webhooks/"
)

const (
	defaultBody  = 25 << 20
	defaultRetry = 30 * time.Second
)

// Handler receives deliveries over HTTP. It answers when the delivery is on disk:
//
//	202 it will be applied, 200 it is valid and ignored (the body says why), 400 it is malformed (the body says what is
//	wrong), 401 the signature or token is not right, 404 there is no such source, 405 and 415 it is not a POST of JSON,
//	408 the body did not come in time, 413 it is too large, 503 with Retry-After the inbox is full, or as many bodies are
//	being received as can be held.
//
// Who sends is checked before the body is read where the header tells: by a token, or by the lack of any signature. The
// rest of a body that was not read is the server's to discard.
type Handler struct {
	receivers *Receivers
	inbox     Queue
	opt       HandlerOptions
	bodies    *bodies
	received  *prometheus.CounterVec
}

// NewHandler returns a Handler that serves [EventsPath], [FactsPath] and [WebhooksPath].
func NewHandler(r *Receivers, inbox Queue, opt HandlerOptions) *Handler {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.MaxBody <= 0 {
		opt.MaxBody = defaultBody
	}
	if opt.RetryAfter <= 0 {
		opt.RetryAfter = defaultRetry
	}
	if opt.MaxMemory <= 0 {
		opt.MaxMemory = defaultMemory
	}
	if opt.MaxDisk <= 0 {
		opt.MaxDisk = defaultDisk
	}
	h := &Handler{
		receivers: r,
		inbox:     inbox,
		opt:       opt,
		bodies:    newBodies(opt.SpoolDir, opt.MaxBody, opt.MaxMemory, opt.MaxDisk),
		received: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dxctl_deliveries_total", Help: "Deliveries received, by source, kind and outcome (accepted, ignored, " +
				"refused, unauthorized, unsupported, too_large, slow, full)."},
			[]string{"source", "kind", "outcome"}),
	}
	if opt.Registerer != nil {
		var already prometheus.AlreadyRegisteredError
		if err := opt.Registerer.Register(h.received); errors.As(err, &already) {
			if before, ok := already.ExistingCollector.(*prometheus.CounterVec); ok {
				h.received = before
			}
		}
	}
	return h
}

// Answer is the body of every answer.
type Answer struct {
	Outcome delivery.Outcome        `json:"outcome,omitempty"`
	Reason  string                  `json:"reason,omitempty"`
	Events  []delivery.EventVerdict `json:"events,omitempty"`
	Misfits []delivery.Misfit       `json:"ignored_fields,omitempty"` // parts that were left out because they do not fit
	Error   string                  `json:"error,omitempty"`
}

// Refused returns how many of the listed events are refused.
func (a Answer) Refused() int {
	n := 0
	for _, e := range a.Events {
		if e.Outcome == delivery.Refused {
			n++
		}
	}
	return n
}

// ServeHTTP receives one delivery.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, webhook := strings.CutPrefix(r.URL.Path, WebhooksPath)
	if !webhook && r.URL.Path != EventsPath && r.URL.Path != FactsPath {
		h.answer(w, http.StatusNotFound, Answer{Error: "deliveries are received at " + EventsPath + ", " + FactsPath +
			" and " + WebhooksPath + "<source>"})
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.answer(w, http.StatusMethodNotAllowed, Answer{Error: "send a POST"})
		return
	}
	s, ok := h.receivers.shared()
	if webhook {
		if s, ok = h.receivers.named(name); ok && s.protocol.Shared {
			ok = false
		}
	}
	if !ok {
		h.answer(w, http.StatusNotFound, Answer{Error: notReceived(webhook)})
		return
	}
	unsupported := s.protocol.Unsupported
	if r.URL.Path == FactsPath {
		unsupported = s.protocol.Facts
	}
	if reason := unsupported(r.Header); reason != "" {
		h.count(s, "unsupported")
		h.answer(w, http.StatusUnsupportedMediaType, Answer{Error: reason})
		return
	}
	p := s.proof(r.Header)
	if !webhook {
		s, p = h.receivers.sender(s.protocol, r.Header)
	}
	if !p.Possible() {
		h.unauthorized(w, r, s)
		return
	}
	if r.ContentLength > h.opt.MaxBody {
		h.unreadable(w, s, errBodyTooLarge)
		return
	}
	body, err := h.bodies.receive(r.Body, p)
	defer body.close()
	if err != nil {
		h.unreadable(w, s, err)
		return
	}
	if !p.Valid() {
		h.unauthorized(w, r, s)
		return
	}
	// Whoever hung up meanwhile, and a server that is being stopped, must not leave it open whether the delivery is kept.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), largePatience)
	defer cancel()
	content, err := body.bytes(ctx)
	if err != nil {
		h.unreadable(w, s, err)
		return
	}
	h.receive(w, r, s, content)
}

// largePatience is how long a large body waits for others to be done before its sender is asked to come again.
const largePatience = 10 * time.Second

func (h *Handler) unauthorized(w http.ResponseWriter, r *http.Request, s receiving) {
	h.count(s, "unauthorized")
	h.opt.Logger.Warn("a delivery was not authentic", "source", s.Name, "from", r.RemoteAddr)
	w.Header().Set("WWW-Authenticate", "Bearer")
	h.answer(w, http.StatusUnauthorized, Answer{Error: s.protocol.Unauthorized})
}

// notReceived is the answer where no source receives.
func notReceived(webhook bool) string {
	if webhook {
		return "no source of this name receives webhooks; the address is " + WebhooksPath + "<name of the source>"
	}
	return "no source receives events; add one to the configuration"
}

// unreadable answers a request of which the body could not be read or held.
func (h *Handler) unreadable(w http.ResponseWriter, s receiving, err error) {
	var slow interface{ Timeout() bool }
	switch {
	case errors.Is(err, errBodyTooLarge):
		h.count(s, "too_large")
		h.answer(
			w,
			http.StatusRequestEntityTooLarge,
			Answer{Error: "the body is larger than " + strconv.FormatInt(h.opt.MaxBody, 10) + " bytes"},
		)
	case errors.Is(err, errBodiesFull):
		h.count(s, "full")
		h.opt.Logger.Warn("a body could not be held while it was received", "source", s.Name, "error", err)
		h.busy(w, "too many bodies are being received at the moment; send it again later")
	case errors.As(err, &slow) && slow.Timeout():
		h.count(s, "slow")
		h.answer(w, http.StatusRequestTimeout, Answer{Error: "the body did not come in time"})
	default:
		h.answer(w, http.StatusBadRequest, Answer{Error: "the body ended early: " + err.Error()})
	}
}

// busy asks the sender to come again later.
func (h *Handler) busy(w http.ResponseWriter, reason string) {
	w.Header().Set("Retry-After", strconv.Itoa(int((h.opt.RetryAfter+time.Second-1)/time.Second)))
	h.answer(w, http.StatusServiceUnavailable, Answer{Error: reason})
}

// receive judges an authentic delivery, keeps it when it is of use, and answers.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, s receiving, body []byte) {
	d := delivery.Delivery{
		Source:     s.Name,
		Kind:       s.protocol.Kind,
		ReceivedAt: h.opt.Now().UTC(),
		Headers:    s.protocol.Keep(r.Header),
		Body:       body,
	}
	d.ID = s.protocol.DeliveryID(r.Header)
	updates, v := h.receivers.Parse(d)
	switch v.Outcome {
	case delivery.Refused:
		h.count(s, string(delivery.Refused))
		h.opt.Logger.Warn("a delivery was refused", "source", s.Name, "id", d.ID, "reason", v.Reason)
		h.answer(
			w,
			http.StatusBadRequest,
			Answer{Outcome: delivery.Refused, Reason: v.Reason, Events: v.Events, Misfits: v.Misfits, Error: v.Reason},
		)
		return
	case delivery.Ignored:
		h.count(s, string(delivery.Ignored))
		h.answer(w, http.StatusOK, Answer{Outcome: delivery.Ignored, Reason: v.Reason, Events: v.Events, Misfits: v.Misfits})
		return
	}
	// Whoever hung up meanwhile, and a server that is being stopped, must not leave it open whether the delivery is kept.
	record, err := json.Marshal(d)
	if err == nil {
		err = h.inbox.Put(context.WithoutCancel(r.Context()), record)
	}
	if err != nil {
		h.count(s, "full")
		h.opt.Logger.Error("cannot queue a delivery", "source", s.Name, "id", d.ID, "error", err)
		h.busy(w, "deliveries cannot be kept at the moment; send it again later")
		return
	}
	h.count(s, string(delivery.Accepted))
	h.opt.Logger.Debug("a delivery was accepted", "source", s.Name, "id", d.ID, "updates", len(updates))
	h.answer(
		w,
		http.StatusAccepted,
		Answer{Outcome: delivery.Accepted, Reason: v.Reason, Events: v.Events, Misfits: v.Misfits},
	)
}

func (h *Handler) count(s receiving, outcome string) {
	h.received.WithLabelValues(s.Name, s.protocol.Kind, outcome).Inc()
}

func (h *Handler) answer(w http.ResponseWriter, status int, a Answer) {
	doc, err := json.Marshal(a)
	if err != nil { // a reason that is no text
		doc = []byte(`{"error":"the answer could not be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(append(doc, '\n')); err != nil {
		h.opt.Logger.Debug("a sender did not wait for its answer", "error", err)
	}
}
