// Package webhook receives what sources push: CloudEvents that carry CDEvents, and the webhooks of GitHub, GitLab,
// CircleCI, Argo CD and Alertmanager.
//
// A delivery goes this way. [Handler] checks who sent it, reads it with [Receiver.Parse] so that a malformed one is
// answered with its mistake, queues it in the inbox on disk, and answers. The inbox's worker delivers the queue in its
// order to the [Applier], which parses every delivery again, folds its updates into what is stored and appends the result;
// only then does the inbox remove it. A delivery that arrives twice, or too late, changes nothing.
package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/event"
)

// Kind says how deliveries of a source are signed and read.
type Kind string

// The kinds of sources that push.
const (
	Events       Kind = "events" // CloudEvents at POST /api/v1/events
	GitHub       Kind = "github"
	GitLab       Kind = "gitlab"
	CircleCI     Kind = "circleci"
	ArgoCD       Kind = "argocd"
	Alertmanager Kind = "alertmanager"
)

var kinds = []Kind{Events, GitHub, GitLab, CircleCI, ArgoCD, Alertmanager}

// Source is one sender of deliveries.
type Source struct {
	Name string `yaml:"name"` // of the source; where a collector polls the same one, its name, so that both make the same rows
	Kind Kind   `yaml:"kind"`
	// Secret is what the sender proves to know: the bearer token of events, Argo CD and Alertmanager; GitHub's and
	// CircleCI's webhook secret; GitLab's secret token or its signing token (whsec_…).
	Secret string `yaml:"secret"`
	// Previous is the secret before the current one; both are accepted while a secret is being changed.
	Previous string `yaml:"previous_secret"`
	// Polled says that a collector reads the source too. Then a webhook writes only what that collector would not do
	// better, and asks for a collect of the scope for the rest.
	Polled bool `yaml:"-"`
	// Scopes are those to be taken, spelled as the collector spells them; empty: every scope. Case does not matter.
	Scopes []string `yaml:"scopes"`
	// URL is where people look at the source; only Argo CD needs it, for links.
	URL string `yaml:"url"`

	ServiceLabels []string `yaml:"service_labels"` // Alertmanager: the labels that may name the service, in order; default service, app, job
	SeverityLabel string   `yaml:"severity_label"` // Alertmanager: default severity
	// Severities are the Alertmanager severities that are incidents; empty: every one, but for none and info.
	Severities []string `yaml:"severities"`
	// IncidentLabels are the labels that make a GitHub issue an incident; empty: no issue is one. Case does not matter.
	IncidentLabels []string `yaml:"incident_labels"`

	// Application says of an Argo CD application, a JSON document, what its collector calls its scope and its environment,
	// and whether it reads it at all; nil: the scope is the name, and a label or the destination says the environment.
	Application func(doc []byte) (scope, environment string, taken bool) `yaml:"-"`
}

var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)

// minSecret is the shortest secret that is accepted; a shorter one can be guessed.
const minSecret = 16

// Validate reports every mistake, joined.
func (s Source) Validate() error {
	var errs []error
	if !nameRule.MatchString(s.Name) {
		errs = append(errs, fmt.Errorf("name %q: give 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit", s.Name))
	}
	if !slices.Contains(kinds, s.Kind) {
		errs = append(errs, fmt.Errorf("kind %q cannot push; give one of events, github, gitlab, circleci, argocd, alertmanager", s.Kind))
	}
	switch {
	case s.Secret == "":
		errs = append(errs, errors.New("secret is missing: without one anybody could write; make one with `openssl rand -hex 32` and set it here and at the sender"))
	case len(s.Secret) < minSecret:
		errs = append(errs, fmt.Errorf("secret is shorter than %d characters and could be guessed; make one with `openssl rand -hex 32`", minSecret))
	}
	if s.Previous != "" && len(s.Previous) < minSecret {
		errs = append(errs, fmt.Errorf("previous_secret is shorter than %d characters; leave it out", minSecret))
	}
	if len(s.IncidentLabels) > 0 && s.Kind != GitHub {
		errs = append(errs, fmt.Errorf("incident_labels: only issues of GitHub are read by their labels, and the kind is %s; leave them out", s.Kind))
	}
	for _, label := range s.IncidentLabels {
		if strings.TrimSpace(label) == "" {
			errs = append(errs, errors.New("incident_labels: a label is empty; give the label's name as the repository has it"))
		}
	}
	for _, secret := range []string{s.Secret, s.Previous} {
		if s.Kind == GitLab && strings.HasPrefix(secret, signingPrefix) {
			if _, err := signingKey(secret); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// Validate reports the mistakes of every source, each with the source it is in.
func Validate(sources []Source) error {
	var errs []error
	for i, s := range sources {
		where := fmt.Sprintf("push source %d %q", i, s.Name)
		if err := s.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
		}
		for _, other := range sources[:i] {
			if other.Name == s.Name {
				errs = append(errs, fmt.Errorf("%s: the name is taken; a sender is known by it", where))
			}
			if s.Kind == Events && other.Kind == Events && s.Secret != "" && (s.Secret == other.Secret || s.Secret == other.Previous) {
				errs = append(errs, fmt.Errorf("%s: has the token of %q; the token says which source an event is of, so each needs its own", where, other.Name))
			}
		}
	}
	return errors.Join(errs...)
}

// scope returns the scope as the collector spells it; false when the source does not take it.
func (s Source) scope(name string) (string, bool) {
	if len(s.Scopes) == 0 {
		return name, name != ""
	}
	for _, configured := range s.Scopes {
		if strings.EqualFold(configured, name) {
			return configured, true
		}
	}
	return "", false
}

// Outcome is what becomes of a delivery.
type Outcome string

// The outcomes.
const (
	Accepted Outcome = "accepted"
	Ignored  Outcome = "ignored" // understood and of no use; Verdict.Reason says why
	Refused  Outcome = "refused" // not understood; Verdict.Reason says what is wrong
)

// Target is a scope of a polled source that is worth collecting soon.
type Target struct{ Source, Scope string }

// Verdict says what becomes of a delivery, and why.
type Verdict struct {
	Outcome Outcome
	Reason  string
	// Collect lists scopes that the Runner should collect soon, because the payload does not say enough.
	Collect []Target
	// Events says what became of each event of a delivery that carries several; empty for one that carries one.
	Events []EventVerdict
	// Misfits are the parts of the payload that were left out because they do not fit.
	Misfits []Misfit
}

// EventVerdict is what became of one event of a delivery.
type EventVerdict struct {
	ID      string  `json:"id"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	// Misfits are the parts of the event that were left out because they do not fit.
	Misfits []Misfit `json:"ignored_fields,omitempty"`
}

// Update is what a delivery says about one record. What is empty in Event is not known, unless Whole.
type Update struct {
	Event event.Event
	// At is when the sender says that it was so; zero: it does not say. An update older than what is stored only fills
	// what is empty there.
	At time.Time
	// Whole: the sender described the record in full, so that a closed or resolved record without such a time in the
	// event has been opened again.
	Whole bool
	// Loose: a job whose run the sender did not name; the job may be stored under its run.
	Loose bool
	// Earlier: apply only when every earlier attempt of the run is stored as final. A collector asks for the earlier
	// attempts of a run that it has not seen, and would not if this one were there before them.
	Earlier bool
	// Run, of a run or a job, is the sender's own id of the attempt, with which the run's URL ends; set where the sender does
	// not number attempts. The attempt is then the one that is stored with such a URL, else the next.
	Run string
}

func accepted(updates []Update, collect ...Target) ([]Update, Verdict) {
	return updates, Verdict{Outcome: Accepted, Collect: collect}
}

func ignored(format string, args ...any) ([]Update, Verdict) {
	return nil, Verdict{Outcome: Ignored, Reason: fmt.Sprintf(format, args...)}
}

func refused(format string, args ...any) ([]Update, Verdict) {
	return nil, Verdict{Outcome: Refused, Reason: fmt.Sprintf(format, args...)}
}

// refusedWith refuses a payload and lists the parts of it that do not fit, which may be why.
func refusedWith(m misfits, format string, args ...any) ([]Update, Verdict) {
	return nil, Verdict{Outcome: Refused, Reason: fmt.Sprintf(format, args...), Misfits: m}
}

// soon accepts a delivery of which nothing is written: the collector reads it.
func soon(s Source, scope, reason string) ([]Update, Verdict) {
	if !s.Polled {
		return ignored("%s, and no collector polls %s", reason, s.Name)
	}
	return nil, Verdict{Outcome: Accepted, Reason: reason, Collect: []Target{{s.Name, scope}}}
}

// Options are what a Receiver needs from outside; each may be left out.
type Options struct {
	// Service finds the entity ref of a service by the name that a sender uses for it. Without it, and for names that
	// it does not know, only complete refs (component:default/x) are taken as such.
	Service func(name string) (ref string, ok bool)
	Logger  *slog.Logger // is told once of every word that is not known
}

// Receiver reads deliveries. It is safe for use from several goroutines.
type Receiver struct {
	sources map[string]Source
	ordered []Source
	opt     Options

	warnMu sync.Mutex
	warned map[string]bool // unknown words that were logged
}

// NewReceiver returns a receiver for the sources; it fails when one of them is not valid.
func NewReceiver(sources []Source, opt Options) (*Receiver, error) {
	if err := Validate(sources); err != nil {
		return nil, err
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Receiver{sources: make(map[string]Source, len(sources)), ordered: slices.Clone(sources), opt: opt, warned: map[string]bool{}}
	for _, s := range sources {
		s.SeverityLabel = cmp.Or(s.SeverityLabel, "severity")
		if len(s.ServiceLabels) == 0 {
			s.ServiceLabels = []string{"service", "app", "job"}
		}
		r.sources[s.Name] = s
	}
	return r, nil
}

// Parse says what a delivery tells and what becomes of it. It asks nobody and changes nothing. It never panics: input
// that brings a parser down is refused.
func (r *Receiver) Parse(d Delivery) (updates []Update, verdict Verdict) {
	defer func() {
		if failure := recover(); failure != nil {
			updates, verdict = refused("the payload could not be read: %v", failure)
		}
	}()
	s, ok := r.sources[d.Source]
	if !ok {
		return refused("no source is named %q (any more)", d.Source)
	}
	if d.Kind != s.Kind {
		return refused("the delivery is of kind %s, but the source %s is of kind %s (now)", d.Kind, s.Name, s.Kind)
	}
	switch s.Kind {
	case Events:
		updates, verdict = r.events(s, d)
	case GitHub:
		updates, verdict = github{r, s}.parse(d)
	case GitLab:
		updates, verdict = gitlab{r, s}.parse(d)
	case CircleCI:
		updates, verdict = circleci{r, s}.parse(d)
	case ArgoCD:
		updates, verdict = argocd{r, s}.parse(d)
	case Alertmanager:
		updates, verdict = alertmanager{r, s}.parse(d)
	}
	updates, verdict = storable(updates, verdict)
	if verdict.Outcome == Refused && len(verdict.Misfits) > 0 && !strings.Contains(verdict.Reason, verdict.Misfits[0].Reason) {
		verdict.Reason += " (" + verdict.Misfits[0].String() + ")"
	}
	return updates, verdict
}

// storable leaves out the updates that cannot be stored. A delivery of which nothing is left is refused with the cause.
func storable(updates []Update, verdict Verdict) ([]Update, Verdict) {
	var errs []error
	updates = slices.DeleteFunc(updates, func(u Update) bool {
		err := event.Normalize(u.Event).Validate()
		if err != nil {
			errs = append(errs, err)
		}
		return err != nil
	})
	for i := range updates {
		updates[i].Event = event.Normalize(updates[i].Event)
	}
	if len(errs) == 0 {
		return updates, verdict
	}
	if len(updates) == 0 {
		return refusedWith(verdict.Misfits, "%v", errors.Join(errs...))
	}
	for _, err := range errs {
		(*misfits)(&verdict.Misfits).add("record", "%v", err)
	}
	return updates, verdict
}

// maxWarned bounds how many unknown words are remembered; further ones are not logged.
const maxWarned = 1000

// unknown logs a word that is not known, once for a source. What it is of stands in what: "status of a run".
func (r *Receiver) unknown(s Source, what, word string) {
	key := s.Name + "\x00" + what + "\x00" + word
	r.warnMu.Lock()
	tell := !r.warned[key] && len(r.warned) < maxWarned
	if tell {
		r.warned[key] = true
	}
	r.warnMu.Unlock()
	if tell {
		r.opt.Logger.Warn("a sender uses a word that is not known; it is kept as it is", "source", s.Name, "kind", s.Kind, "what", what, "word", word)
	}
}

// service returns the ref of a service that is called by one of the names; the empty string when none is known.
func (r *Receiver) service(names ...string) string {
	for _, name := range names {
		if name == "" {
			continue
		}
		if r.opt.Service != nil {
			if ref, ok := r.opt.Service(name); ok {
				return ref
			}
		}
		if refRule.MatchString(name) {
			return strings.ToLower(name)
		}
	}
	return ""
}

var refRule = regexp.MustCompile(`^[A-Za-z]+:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
