package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
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
	// MaxBody is the size of the largest body that is read, in bytes; default 25 MiB, which is GitHub's largest.
	MaxBody int64
	// RetryAfter is what a sender is asked to wait when the inbox is full; default 30 s.
	RetryAfter time.Duration
	// SpoolDir is where bodies of more than 1 MiB are held while they are received; default the system's temporary
	// directory.
	SpoolDir string
	// MaxMemory and MaxDisk bound what all bodies that are being received hold together, in bytes; default 32 MiB in memory and
	// 256 MiB in SpoolDir. Senders beyond that are answered 503.
	MaxMemory, MaxDisk int64
}

// The places where deliveries are received. {source} is the name of a source.
const (
	EventsPath   = "/api/v1/events"
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
	receiver *Receiver
	inbox    Queue
	opt      HandlerOptions
	bodies   *bodies
	received *prometheus.CounterVec
}

// NewHandler returns a Handler that serves [EventsPath] and [WebhooksPath].
func NewHandler(r *Receiver, inbox Queue, opt HandlerOptions) *Handler {
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
	h := &Handler{receiver: r, inbox: inbox, opt: opt, bodies: newBodies(opt.SpoolDir, opt.MaxBody, opt.MaxMemory, opt.MaxDisk), received: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dxctl_deliveries_total", Help: "Deliveries received, by source, kind and outcome (accepted, ignored, refused, unauthorized, unsupported, too_large, slow, full)."},
		[]string{"source", "kind", "outcome"})}
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
	Outcome Outcome        `json:"outcome,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Events  []EventVerdict `json:"events,omitempty"`
	Misfits []Misfit       `json:"ignored_fields,omitempty"` // parts that were left out because they do not fit
	Error   string         `json:"error,omitempty"`
}

// ServeHTTP receives one delivery.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, webhook := strings.CutPrefix(r.URL.Path, WebhooksPath)
	if !webhook && r.URL.Path != EventsPath {
		h.answer(w, http.StatusNotFound, Answer{Error: "deliveries are received at " + EventsPath + " and " + WebhooksPath + "<source>"})
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.answer(w, http.StatusMethodNotAllowed, Answer{Error: "send a POST"})
		return
	}
	s := Source{Kind: Events}
	if webhook {
		var ok bool
		if s, ok = h.receiver.sources[name]; !ok || s.Kind == Events {
			h.answer(w, http.StatusNotFound, Answer{Error: "no source of this name receives webhooks; the address is " + WebhooksPath + "<name of the source>"})
			return
		}
	}
	if reason := unsupported(s.Kind, r.Header); reason != "" {
		h.count(s, "unsupported")
		h.answer(w, http.StatusUnsupportedMediaType, Answer{Error: reason})
		return
	}
	p := s.proof(r.Header)
	if !webhook {
		s, p.known = h.receiver.sender(r.Header)
	}
	if !p.possible() {
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
	if !p.valid() {
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

func (h *Handler) unauthorized(w http.ResponseWriter, r *http.Request, s Source) {
	h.count(s, "unauthorized")
	h.opt.Logger.Warn("a delivery was not authentic", "source", s.Name, "from", r.RemoteAddr)
	w.Header().Set("WWW-Authenticate", "Bearer")
	h.answer(w, http.StatusUnauthorized, Answer{Error: notAuthentic(s.Kind)})
}

// formType is how GitHub sends unless a webhook's content type is set to JSON.
const formType = "application/x-www-form-urlencoded"

// unsupported says why a body of this type is not read; empty when it is. A sender that names no type means JSON.
func unsupported(k Kind, h http.Header) string {
	sent := h.Get("Content-Type")
	media, _, err := mime.ParseMediaType(sent)
	switch {
	case sent != "" && err != nil:
		return fmt.Sprintf("Content-Type %.80q cannot be read; send application/json", sent)
	case k == Events:
		if h.Get("Ce-Specversion") != "" || media == cloudevent.ApplicationCloudEventsJSON || media == cloudevent.ApplicationCloudEventsBatchJSON {
			return ""
		}
		return "send Content-Type application/cloudevents+json, application/cloudevents-batch+json, or a CloudEvent's attributes as ce- headers"
	case sent == "" || media == "application/json" || strings.HasSuffix(media, "+json"):
		return ""
	case k == GitHub && media == formType:
		return ""
	}
	return fmt.Sprintf("Content-Type %.80q is not read; send application/json", sent)
}

func notAuthentic(k Kind) string {
	switch k {
	case GitHub:
		return "X-Hub-Signature-256 is missing or does not fit; set the webhook's secret to the source's secret"
	case GitLab:
		return "X-Gitlab-Token or webhook-signature is missing or does not fit; set the webhook's secret token or signing token to the source's secret"
	case CircleCI:
		return "circleci-signature is missing or does not fit; set the webhook's secret to the source's secret"
	}
	return "the token is missing or not right; send the source's secret as Authorization: Bearer <secret>"
}

// unreadable answers a request of which the body could not be read or held.
func (h *Handler) unreadable(w http.ResponseWriter, s Source, err error) {
	var slow interface{ Timeout() bool }
	switch {
	case errors.Is(err, errBodyTooLarge):
		h.count(s, "too_large")
		h.answer(w, http.StatusRequestEntityTooLarge, Answer{Error: "the body is larger than " + strconv.FormatInt(h.opt.MaxBody, 10) + " bytes"})
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
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, s Source, body []byte) {
	d := Delivery{Source: s.Name, Kind: s.Kind, ReceivedAt: h.opt.Now().UTC(), Headers: keep(s.Kind, r.Header), Body: body}
	d.ID = deliveryID(r.Header)
	updates, v := h.receiver.Parse(d) //nolint:contextcheck // it reads what is in memory and waits for nothing
	switch v.Outcome {
	case Refused:
		h.count(s, string(Refused))
		h.opt.Logger.Warn("a delivery was refused", "source", s.Name, "id", d.ID, "reason", v.Reason)
		h.answer(w, http.StatusBadRequest, Answer{Outcome: Refused, Reason: v.Reason, Events: v.Events, Misfits: v.Misfits, Error: v.Reason})
		return
	case Ignored:
		h.count(s, string(Ignored))
		h.answer(w, http.StatusOK, Answer{Outcome: Ignored, Reason: v.Reason, Events: v.Events, Misfits: v.Misfits})
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
	h.count(s, string(Accepted))
	h.opt.Logger.Debug("a delivery was accepted", "source", s.Name, "id", d.ID, "updates", len(updates))
	h.answer(w, http.StatusAccepted, Answer{Outcome: Accepted, Reason: v.Reason, Events: v.Events, Misfits: v.Misfits})
}

func (h *Handler) count(s Source, outcome string) {
	h.received.WithLabelValues(s.Name, string(s.Kind), outcome).Inc()
}

func (h *Handler) answer(w http.ResponseWriter, status int, a Answer) {
	doc, err := json.Marshal(a)
	if err != nil { // a reason that is no text
		doc = []byte(`{"error":"the answer could not be written"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(append(doc, '\n')); err != nil {
		h.opt.Logger.Debug("a sender did not wait for its answer", "error", err)
	}
}

// sender finds the source of events by its token. Every source is compared, so that the time does not tell which.
func (r *Receiver) sender(h http.Header) (Source, bool) {
	var found Source
	for _, s := range r.ordered {
		if s.Kind == Events && s.proof(h).known {
			found = r.sources[s.Name]
		}
	}
	return found, found.Name != ""
}

// kept are the headers without which a body cannot be read, by kind.
var kept = map[Kind][]string{
	Events:       {"content-type"},
	GitHub:       {"content-type", "x-github-event"},
	GitLab:       {"content-type", "x-gitlab-event"},
	CircleCI:     {"content-type", "circleci-event-type"},
	ArgoCD:       {"content-type"},
	Alertmanager: {"content-type"},
}

// keep returns the headers to be kept: no credentials, no signatures.
func keep(k Kind, h http.Header) map[string]string {
	headers := map[string]string{}
	for _, name := range kept[k] {
		if v := h.Get(name); v != "" {
			headers[name] = v
		}
	}
	if k == Events {
		for name, values := range h {
			if name = strings.ToLower(name); strings.HasPrefix(name, "ce-") && len(values) > 0 {
				headers[name] = values[0]
			}
		}
	}
	return headers
}

// deliveryID is the sender's own name of a delivery.
func deliveryID(h http.Header) string {
	for _, name := range []string{"X-GitHub-Delivery", "X-Gitlab-Event-UUID", "webhook-id", "Ce-Id"} {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return ""
}
