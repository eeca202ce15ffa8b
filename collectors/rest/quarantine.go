package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Quarantine holds the objects of one stream that the source answers with an error each time, so that they do not hold
// up their neighbors. It is a field of the stream's checkpoint:
//
//	type state struct {
//		…
//		Failed *rest.Quarantine `json:"failed,omitzero"`
//	}
//	s.Failed = s.Failed.Begin()                      // once a pass, after the checkpoint was loaded
//	for _, id := range append(s.Failed.Due(now), fresh...) {
//		ok, err := s.Failed.Do(ctx, id, now, func(ctx context.Context) error { return read(ctx, id) })
//		if err != nil {
//			return err                               // an outage: nothing is known of the object, the checkpoint stays
//		}
//		// !ok: set aside; go on, the checkpoint may move past it
//	}
//	… save the checkpoint, write the ledger with s.Failed.Note() …
//	return s.Failed.Err("pipeline")                  // nil, or a *SkippedError: dxctl collect exits 7
//
// The invariants: an object is held from its first failure until it was read or [Quarantine.Forget] drops it; a held
// object is asked for again by each of the next three runs, and then after 10 minutes, doubled up to a day; a failure
// that is not about the object ([Unusable]) holds nothing; and after [maxStreak] failures without one success between
// them the pass ends with an error, because then it is the source that fails.
//
// A Quarantine is safe for use from several goroutines.
type Quarantine struct {
	mu     sync.Mutex
	held   map[string]Held
	failed map[string]bool // in this pass
	streak int             // failures since the last success of this pass
}

// Held is what is known of an object that cannot be read.
type Held struct {
	Failures int       `json:"failures"`
	Since    time.Time `json:"since"`
	Next     time.Time `json:"next,omitzero"` // it is not asked for before; zero: the next run asks
	Error    string    `json:"error"`         // the last one
}

const (
	maxStreak     = 8
	eagerFailures = 3 // after so many the next run still asks
	firstHold     = 10 * time.Minute
	longestHold   = 24 * time.Hour
	maxHeldError  = 300 // bytes
	heldAttempts  = 2   // for an object that failed in an earlier run
	laterAttempts = 4   // for an object of a pass in which another one has failed
)

// Begin starts a pass and returns q, or a new Quarantine where there was none.
func (q *Quarantine) Begin() *Quarantine {
	if q == nil {
		return &Quarantine{}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failed, q.streak = nil, 0
	return q
}

// IsZero reports whether nothing is held.
func (q *Quarantine) IsZero() bool { return q.Len() == 0 }

// Len is how many objects are held.
func (q *Quarantine) Len() int {
	if q == nil {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.held)
}

// Has reports whether the object is held.
func (q *Quarantine) Has(key string) bool {
	if q == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	_, held := q.held[key]
	return held
}

// Keys returns the keys of the held objects, sorted.
func (q *Quarantine) Keys() []string {
	if q == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Sorted(maps.Keys(q.held))
}

// Due returns the keys of the held objects that are to be asked for again now, sorted.
func (q *Quarantine) Due(now time.Time) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var due []string
	for key, h := range q.held {
		if !now.Before(h.Next) {
			due = append(due, key)
		}
	}
	slices.Sort(due)
	return due
}

// Do reads an object, unless it is held and not due yet. It returns true when the object was read, false without an
// error when it is set aside, and an error when the failure is not the object's: the pass ends with it.
func (q *Quarantine) Do(
	ctx context.Context,
	key string,
	now time.Time,
	read func(context.Context) error,
) (bool, error) {
	q.mu.Lock()
	h, held := q.held[key]
	failed := len(q.failed) > 0
	q.mu.Unlock()
	switch {
	case held && now.Before(h.Next):
		return false, nil
	case held:
		ctx = WithMaxAttempts(ctx, heldAttempts)
	case failed:
		ctx = WithMaxAttempts(ctx, laterAttempts)
	}
	err := read(ctx)
	if err == nil {
		q.Done(key)
		return true, nil
	}
	return false, q.Hold(key, now, err)
}

// Done notes that the object was read.
func (q *Quarantine) Done(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.streak = 0
	delete(q.held, key)
}

// ForgetRead drops the objects that did not fail in this pass, which has read all there is.
func (q *Quarantine) ForgetRead() {
	q.Forget(func(key string) bool { return q.failed[key] })
}

// Forget drops the objects that keep no longer wants, such as those that the source no longer lists.
func (q *Quarantine) Forget(keep func(key string) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	maps.DeleteFunc(q.held, func(key string, _ Held) bool { return !keep(key) })
}

// Hold sets an object aside that failed with err. It returns err where that is no failure of the object alone.
func (q *Quarantine) Hold(key string, now time.Time, err error) error {
	if !Unusable(err) {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	h, again := q.held[key]
	if q.failed[key] { // a pass may meet an object twice, which says nothing new
		return nil
	}
	if q.failed == nil {
		q.failed = map[string]bool{}
	}
	if q.failed[key] = true; !again {
		h.Since = now.UTC()
	}
	if h.Failures++; h.Failures > eagerFailures {
		h.Next = now.UTC().Add(min(firstHold<<min(h.Failures-eagerFailures-1, 10), longestHold))
	}
	if h.Error = short(err); len(h.Error) > maxHeldError {
		h.Error = strings.ToValidUTF8(h.Error[:maxHeldError], "") + "…"
	}
	if q.held == nil {
		q.held = map[string]Held{}
	}
	q.held[key] = h
	if again { // it says nothing about the others
		return nil
	}
	if q.streak++; q.streak >= maxStreak {
		return fmt.Errorf("%d objects in a row could not be read, the last of them %s: %w", q.streak, key, err)
	}
	return nil
}

var query = regexp.MustCompile(`\?[^\s":]+`)

// short is an error's text with the address once and without its query, which says little and can be long.
func short(err error) string {
	text := err.Error()
	if request := (*url.Error)(nil); errors.As(err, &request) {
		text = strings.Replace(text, request.Error(), request.Err.Error(), 1)
	}
	return query.ReplaceAllString(text, "?…")
}

// Note says for the ledger how many objects are held, and which; empty when none are. what names one object: "run".
func (q *Quarantine) Note(what string) string {
	if err := q.Err(what); err != nil {
		return err.Error()
	}
	return ""
}

// Err returns a *SkippedError that names the held objects, or nil when none are.
func (q *Quarantine) Err(what string) error {
	if q.Len() == 0 {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return &SkippedError{What: what, Objects: maps.Clone(q.held)}
}

// SkippedError says that a stream was read but for some objects. What was read is stored, and the next runs ask again.
type SkippedError struct {
	What    string // what one object is: "run", "project"
	Objects map[string]Held
}

// Skipped returns the *SkippedError of a list that was read but for some objects, which are not remembered; nil where
// there are none. what names one object: "application".
func Skipped(what string, failed map[string]error, now time.Time) error {
	if len(failed) == 0 {
		return nil
	}
	e := &SkippedError{What: what, Objects: map[string]Held{}}
	for key, err := range failed {
		e.Objects[key] = Held{Failures: 1, Since: now.UTC(), Error: short(err)}
	}
	return e
}

// maxNamed is how many objects an error names.
const maxNamed = 5

func (e *SkippedError) Error() string {
	keys := slices.Sorted(maps.Keys(e.Objects))
	named := keys[:min(len(keys), maxNamed)]
	texts := make([]string, len(named))
	for i, key := range named {
		h := e.Objects[key]
		texts[i] = fmt.Sprintf(
			"%s (failed %d times since %s: %s)",
			key,
			h.Failures,
			h.Since.UTC().Format(time.RFC3339),
			h.Error,
		)
		if h.Failures == 1 {
			texts[i] = fmt.Sprintf("%s (%s)", key, h.Error)
		}
	}
	more := ""
	if n := len(keys) - len(named); n > 0 {
		more = fmt.Sprintf("; and %d more", n)
	}
	return fmt.Sprintf(
		"%d %s could not be read and will be tried again, everything else is stored: %s%s",
		len(keys),
		plural(e.What, len(keys)),
		strings.Join(texts, "; "),
		more,
	)
}

func plural(noun string, n int) string {
	switch {
	case n == 1:
		return noun
	case strings.HasSuffix(noun, "y"):
		return strings.TrimSuffix(noun, "y") + "ies"
	}
	return noun + "s"
}

// OnlySkipped reports whether nothing worse happened than that objects were skipped: every error that err joins or
// wraps is a *SkippedError. It is false for nil.
func OnlySkipped(err error) bool {
	if err == nil {
		return false
	}
	if _, ok := err.(*SkippedError); ok { //nolint:errorlint // the tree is walked here
		return true
	}
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case interface{ Unwrap() []error }:
		all := e.Unwrap()
		return len(all) > 0 && !slices.ContainsFunc(all, func(err error) bool { return !OnlySkipped(err) })
	case interface{ Unwrap() error }:
		return OnlySkipped(errors.Unwrap(err))
	}
	return false
}

// MarshalJSON writes the held objects.
func (q *Quarantine) MarshalJSON() ([]byte, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return json.Marshal(q.held)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (q *Quarantine) UnmarshalJSON(doc []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return json.Unmarshal(doc, &q.held)
}
