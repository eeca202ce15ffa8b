package planning

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/dxctl/dxctl/access"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/prometheus/client_golang/prometheus"
)

// Refusal is why there is no plan, for the sender.
type Refusal struct {
	Status   int // of HTTP
	Detail   string
	Mistakes scorecards.Problems // in the files
}

// Error returns the detail.
func (r *Refusal) Error() string { return r.Detail }

// PlanProblem is why there is no plan: a problem document (RFC 9457), with the mistakes in the files.
type PlanProblem struct {
	Type     string    `json:"type"`
	Title    string    `json:"title"`
	Status   int       `json:"status"`
	Detail   string    `json:"detail"`
	Instance string    `json:"instance"`
	Mistakes []Mistake `json:"mistakes,omitempty"`
}

// Mistake is one in a file, with its place; line and column begin at 1, and are 0 for the whole file.
type Mistake struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// Planner plans a request, which is valid JSON of a [Request], and returns the plan as JSON. An error of type
// [*Refusal] is for the sender; another one is for the log.
type Planner func(ctx context.Context, request []byte) ([]byte, error)

// Deps is what a Handler is made from. Logger and Registerer may be nil.
type Deps struct {
	Tokens     *access.Tokens
	Plan       Planner
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Handler answers requests for plans:
//
//	200 the plan, 400 the request is malformed, 401 there is no token or an unknown one, 403 the token lacks the scope,
//	405 and 415 it is not a POST of JSON, 408 the body did not come in time, 413 it is too large, 422 the files have
//	mistakes, all of which are in the answer, 503 with Retry-After another plan is being made, 503 without it the plan
//	took too long or too much memory.
//
// Who sends is checked before the body is read. One plan is made at a time, because each takes what a grading of the
// whole catalog takes.
type Handler struct {
	deps    Deps
	bodies  chan struct{} // a place for each body that is read
	plans   chan struct{} // a place for each plan that is made
	planned *prometheus.CounterVec
}

const (
	bodiesAtOnce = 4
	plansAtOnce  = 1
	retryAfter   = 10 * time.Second
)

// New returns a Handler for [Path].
func New(deps Deps) (*Handler, error) {
	if deps.Tokens == nil || deps.Plan == nil {
		return nil, errors.New("planning: Deps.Tokens and Deps.Plan are required")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{
		deps: deps, bodies: make(chan struct{}, bodiesAtOnce), plans: make(chan struct{}, plansAtOnce),
		planned: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dxctl_plans_total", Help: "Requests for a plan of edited scorecards, by the status of the answer."},
			[]string{"status"}),
	}
	if deps.Registerer != nil {
		if err := deps.Registerer.Register(h.planned); err != nil {
			return nil, fmt.Errorf("registering the metric of plans: %w", err)
		}
	}
	return h, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	sender, plan, err := h.plan(w.Header(), r)
	status := http.StatusOK
	if err != nil {
		var refusal *Refusal
		if !errors.As(err, &refusal) {
			h.deps.Logger.Error("planning failed", "error", err)
			refusal = &Refusal{Status: http.StatusInternalServerError, Detail: "the plan could not be made; the log of the " +
				"server has the cause"}
		}
		status = refusal.Status
		plan = problem(refusal)
		w.Header().Set("Content-Type", "application/problem+json")
	} else {
		w.Header().Set("Content-Type", "application/json")
	}
	h.planned.WithLabelValues(strconv.Itoa(status)).Inc()
	level := slog.LevelInfo
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		level = slog.LevelWarn
	}
	h.deps.Logger.Log(r.Context(), level, "a plan was asked for", "token", sender, "status", status,
		"took", time.Since(began).Round(time.Millisecond))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if _, err := w.Write(append(plan, '\n')); err != nil {
		h.deps.Logger.Debug("a sender did not wait for its plan", "error", err)
	}
}

// problem is a refusal as a problem document (RFC 9457), with the mistakes in the files.
func problem(r *Refusal) []byte {
	doc := PlanProblem{
		Type: "about:blank", Title: http.StatusText(r.Status), Status: r.Status, Detail: r.Detail, Instance: Path,
	}
	for _, m := range r.Mistakes {
		doc.Mistakes = append(doc.Mistakes, Mistake(m))
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return []byte(`{"detail":"the answer could not be written"}`)
	}
	return text
}

// plan returns the name of the token that sends, and the plan.
func (h *Handler) plan(header http.Header, r *http.Request) (sender string, plan []byte, err error) {
	if r.Method != http.MethodPost {
		header.Set("Allow", http.MethodPost)
		return "", nil, &Refusal{Status: http.StatusMethodNotAllowed, Detail: "send a POST"}
	}
	from, known := h.deps.Tokens.Sender(r.Header.Get("Authorization"))
	switch {
	case !known:
		header.Set("WWW-Authenticate", "Bearer")
		return "", nil, &Refusal{Status: http.StatusUnauthorized, Detail: "missing or invalid token; send a secret of " +
			"server.tokens as Authorization: Bearer <secret>"}
	case !from.May(access.Plan):
		return from.Name, nil, &Refusal{Status: http.StatusForbidden, Detail: "the token " + from.Name +
			" lacks the scope " + string(access.Plan) + "; send one of server.tokens that has it"}
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return from.Name, nil, &Refusal{Status: http.StatusUnsupportedMediaType,
			Detail: "send Content-Type: application/json"}
	}
	if !acquire(h.bodies) {
		return from.Name, nil, busy(header, "too many requests for plans are being received")
	}
	body, err := readBody(r)
	<-h.bodies
	if err != nil {
		return from.Name, nil, err
	}
	if _, err := Decode(body); err != nil {
		return from.Name, nil, &Refusal{Status: http.StatusBadRequest, Detail: err.Error()}
	}
	if !acquire(h.plans) {
		return from.Name, nil, busy(header, "another plan is being made")
	}
	defer func() { <-h.plans }()
	plan, err = h.deps.Plan(r.Context(), body)
	return from.Name, plan, err
}

func acquire(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}

func busy(header http.Header, what string) error {
	header.Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	return &Refusal{Status: http.StatusServiceUnavailable, Detail: what + "; send it again later"}
}

// readBody reads a body of at most MaxBody bytes.
func readBody(r *http.Request) ([]byte, error) {
	tooLarge := &Refusal{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body is larger than %d "+
		"bytes; plan fewer files at once", MaxBody)}
	if r.ContentLength > MaxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	var slow interface{ Timeout() bool }
	switch {
	case len(body) > MaxBody:
		return nil, tooLarge
	case errors.As(err, &slow) && slow.Timeout():
		return nil, &Refusal{Status: http.StatusRequestTimeout, Detail: "the body did not come in time"}
	case err != nil:
		return nil, &Refusal{Status: http.StatusBadRequest, Detail: "the body ended early: " + err.Error()}
	}
	return body, nil
}
