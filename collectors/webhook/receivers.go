// Package webhook receives the deliveries that sources send: webhooks, and events of scripts.
//
// A delivery goes this way. [Handler] checks who sent it, reads it with [Receivers.Parse] so that a malformed one is
// answered with its mistake, queues it in the inbox on disk, and answers. The inbox's worker delivers the queue in its
// order to the [Applier], which parses every delivery again, folds its updates into what is stored and appends the
// result; only then does the inbox remove it. A delivery that arrives twice, or too late, changes nothing.
//
// What a sender's payload means is in the package of its source, which gives a [Receiver].
package webhook

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// Receiver reads the deliveries of one kind of sender. It is safe for concurrent use.
type Receiver interface {
	// Protocol is the same at every call.
	Protocol() delivery.Protocol
	// Parse returns what a delivery says and what becomes of it. It asks nobody and changes nothing. Parse may panic on a
	// malformed payload, which is then refused.
	Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict)
}

// Source is one sender of deliveries.
type Source struct {
	Name string // of the source; where a collector polls the same one, its name, so that both make the same rows
	// Secret is what the sender proves to know, as the protocol says.
	Secret string
	// Previous is the secret before the current one; both are accepted while a secret is being changed.
	Previous string
	// Polled: a collector reads the source too. Then a webhook writes only what that collector would not do better, and
	// asks for a collect of the scope for the rest.
	Polled bool
	// Scopes are those to be taken, spelled as the collector spells them; empty: every scope. Case does not matter.
	Scopes   []string
	Receiver Receiver
}

var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)

// minSecret is the length of the shortest accepted secret; a shorter one can be guessed.
const minSecret = 16

// Validate reports every mistake, joined.
func (s Source) Validate() error {
	var errs []error
	if !nameRule.MatchString(s.Name) {
		errs = append(
			errs,
			fmt.Errorf("name %q: give 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit", s.Name),
		)
	}
	switch {
	case s.Secret == "":
		errs = append(errs, errors.New("secret is missing: without one anybody could write; make one with `openssl rand "+
			"-hex 32` and set it here and at the sender"))
	case len(s.Secret) < minSecret:
		errs = append(errs, fmt.Errorf("secret is shorter than %d characters and could be guessed; make one with `openssl "+
			"rand -hex 32`", minSecret))
	}
	if s.Previous != "" && len(s.Previous) < minSecret {
		errs = append(errs, fmt.Errorf("previous_secret is shorter than %d characters; leave it out", minSecret))
	}
	if validate := s.Receiver.Protocol().ValidateSecret; validate != nil {
		for _, secret := range []string{s.Secret, s.Previous} {
			if secret != "" {
				errs = append(errs, validate(secret))
			}
		}
	}
	return errors.Join(errs...)
}

// Validate reports the mistakes of every source, each with the source it is in.
func Validate(sources []Source) error {
	var errs []error
	for i, s := range sources {
		where := fmt.Sprintf("receiving source %d %q", i, s.Name)
		if err := s.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
		}
		for _, other := range sources[:i] {
			if other.Name == s.Name {
				errs = append(errs, fmt.Errorf("%s: the name is taken; a sender is known by it", where))
			}
			shared := s.Receiver.Protocol().Shared && other.Receiver.Protocol().Shared
			if shared && s.Secret != "" && (s.Secret == other.Secret || s.Secret == other.Previous) {
				errs = append(errs, fmt.Errorf("%s: has the token of %q; the token tells which source an event is of, so each "+
					"needs its own", where, other.Name))
			}
		}
	}
	return errors.Join(errs...)
}

// Options are the dependencies of Receivers; each may be left out.
type Options struct {
	// Service returns the entity ref of the service that a sender calls by a name. Without it, and for names that it does
	// not know, only complete refs (component:default/x) are taken as such.
	Service func(name string) (ref string, ok bool)
	// Machine reports whether a login is a machine's, whatever the sender says.
	Machine func(provider, login string) bool
	Logger  *slog.Logger // gets a warning for every unrecognized word, once
}

// Receivers reads the deliveries of all sources. It is safe for concurrent use.
type Receivers struct {
	sources []receiving
	log     *slog.Logger

	warnMu sync.Mutex
	warned map[string]bool // unrecognized words that were logged
}

// receiving is a source with what its receiver needs.
type receiving struct {
	Source
	protocol delivery.Protocol
	context  delivery.Source
}

// NewReceivers returns the receivers of the sources; it fails when one of them is not valid.
func NewReceivers(sources []Source, opt Options) (*Receivers, error) {
	if err := Validate(sources); err != nil {
		return nil, err
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Receivers{log: opt.Logger, warned: map[string]bool{}}
	for _, s := range sources {
		protocol := s.Receiver.Protocol()
		r.sources = append(r.sources, receiving{Source: s, protocol: protocol, context: delivery.Source{
			Name: s.Name, Polled: s.Polled, Scopes: s.Scopes, Lookup: opt.Service, Logger: opt.Logger,
			Unrecognized: func(what, word string) { r.warn(s.Name, protocol.Kind, what, word) },
			Machine:      func(login string) bool { return opt.Machine != nil && opt.Machine(protocol.Kind, login) },
		}})
	}
	return r, nil
}

// named returns the source of a name.
func (r *Receivers) named(name string) (receiving, bool) {
	i := slices.IndexFunc(r.sources, func(s receiving) bool { return s.Name == name })
	if i < 0 {
		return receiving{}, false
	}
	return r.sources[i], true
}

// Parse returns what a delivery says and what becomes of it. It asks nobody and changes nothing. It never panics: input
// on which a receiver panics is refused.
func (r *Receivers) Parse(d delivery.Delivery) (updates []delivery.Update, verdict delivery.Verdict) {
	defer func() {
		if failure := recover(); failure != nil {
			updates, verdict = delivery.Refuse("the payload could not be read: %v", failure)
		}
	}()
	s, ok := r.named(d.Source)
	if !ok {
		return delivery.Refuse("no source is named %q (anymore)", d.Source)
	}
	if d.Kind != s.protocol.Kind {
		return delivery.Refuse(
			"the delivery is of kind %s, but the source %s is of kind %s (now)",
			d.Kind,
			s.Name,
			s.protocol.Kind,
		)
	}
	updates, verdict = storable(s.Receiver.Parse(s.context, d))
	if verdict.Outcome == delivery.Refused && len(verdict.Misfits) > 0 &&
		!strings.Contains(verdict.Reason, verdict.Misfits[0].Reason) {
		verdict.Reason += " (" + verdict.Misfits[0].String() + ")"
	}
	return updates, verdict
}

// storable leaves out the updates that cannot be stored. A delivery of which nothing is left is refused with the cause.
func storable(updates []delivery.Update, verdict delivery.Verdict) ([]delivery.Update, delivery.Verdict) {
	var errs []error
	updates = slices.DeleteFunc(updates, func(u delivery.Update) bool {
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
		return delivery.RefuseWith(verdict.Misfits, "%v", errors.Join(errs...))
	}
	for _, err := range errs {
		(*delivery.Misfits)(&verdict.Misfits).Add("record", "%v", err)
	}
	return updates, verdict
}

// maxWarned bounds how many unrecognized words are remembered; further ones are not logged.
const maxWarned = 1000

// warn logs an unrecognized word, once for a source.
func (r *Receivers) warn(source, kind, what, word string) {
	key := source + "\x00" + what + "\x00" + word
	r.warnMu.Lock()
	first := !r.warned[key] && len(r.warned) < maxWarned
	if first {
		r.warned[key] = true
	}
	r.warnMu.Unlock()
	if first {
		r.log.Warn(
			"unrecognized status; stored as is",
			"source",
			source,
			"kind",
			kind,
			"what",
			what,
			"word",
			word,
		)
	}
}

// proof begins the check of a request.
func (s receiving) proof(h http.Header) *delivery.Proof {
	p := &delivery.Proof{}
	for _, secret := range []string{s.Secret, s.Previous} {
		if secret != "" {
			s.protocol.Sign(p, secret, h)
		}
	}
	return p
}

// shared returns the protocol of the sources that have one address, as a source without a name; false where there is
// none.
func (r *Receivers) shared() (receiving, bool) {
	for _, s := range r.sources {
		if s.protocol.Shared {
			return receiving{protocol: s.protocol}, true
		}
	}
	return receiving{}, false
}

// sender returns the source that has the token of a request at the shared address. Every source is compared, so that
// the time does not tell which.
func (r *Receivers) sender(protocol delivery.Protocol, h http.Header) (receiving, *delivery.Proof) {
	found, proof := receiving{protocol: protocol}, &delivery.Proof{}
	for _, s := range r.sources {
		if !s.protocol.Shared {
			continue
		}
		if p := s.proof(h); p.Known() {
			found, proof = s, p
		}
	}
	return found, proof
}
