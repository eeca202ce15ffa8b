package event

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of texts, in bytes of UTF-8. A part of an identity that is longer is an error of Validate, because what is
// left of it after a cut could be another record's. Every other text is cut by [Normalize].
const (
	MaxID       = 512      // ids, names of facts
	MaxScope    = 1024     // scopes, environments, entity refs, locations of descriptors
	MaxWord     = 256      // statuses, triggers, severities, commit ids
	MaxName     = 1 << 10  // pipelines, jobs, runners, branches, refs, versions, logins
	MaxText     = 4 << 10  // titles, errors, reasons, notes
	MaxURL      = 2 << 10  // an address that is longer is left out: the beginning of one leads nowhere
	MaxValue    = 64 << 10 // the JSON value of a fact
	MaxDocument = 4 << 20  // a descriptor
	MaxCommits  = 10_000   // commit ids of a change; the first ones are kept
)

// bounded reports the identifying texts that are longer than their limit.
func bounded(kind Kind, id string, texts ...limited) error {
	var errs []error
	for _, t := range texts {
		if len(t.value) > t.limit {
			errs = append(errs, fmt.Errorf("%s %s: %s has %d bytes, more than the limit of %d",
				kind, beginning(id), t.name, len(t.value), t.limit))
		}
	}
	return errors.Join(errs...)
}

type limited struct {
	name, value string
	limit       int
}

// beginning shortens what is named in an error.
func beginning(s string) string { return cut(s, 80) }

const ellipsis = "…"

// cut shortens a text to at most limit bytes: at the end of a rune, with an ellipsis where something was left out.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	// A copy, so that the text that was cut does not stay in memory.
	return strings.Clone(s[:end]) + ellipsis
}

func cutAll(limit int, texts ...*string) {
	for _, t := range texts {
		*t = cut(*t, limit)
	}
}

// address returns an address of a permitted length; a longer one is left out.
func address(url string) string {
	if len(url) > MaxURL {
		return ""
	}
	return url
}

// Normalize returns the event as the store keeps it: texts that are no part of its identity are cut to their limits,
// and times are in UTC with milliseconds. Normalizing twice changes nothing. A text of the identity that is too long
// stays as it is, and Validate reports it.
func Normalize(e Event) Event { return e.normalized() }

// inMillis truncates times to milliseconds in UTC. The zero time stays zero.
func inMillis(times ...*time.Time) {
	for _, t := range times {
		if t.Location() == time.UTC && t.Nanosecond()%int(time.Millisecond) == 0 || t.IsZero() {
			continue
		}
		*t = t.UTC().Truncate(time.Millisecond)
	}
}

// trimCommits keeps the first commit ids, and copies the list where one of them is cut.
func trimCommits(shas []string) []string {
	shas = shas[:min(len(shas), MaxCommits):min(len(shas), MaxCommits)]
	for i, sha := range shas {
		if len(sha) <= MaxWord {
			continue
		}
		copied := append([]string(nil), shas...)
		for ; i < len(copied); i++ {
			copied[i] = cut(copied[i], MaxWord)
		}
		return copied
	}
	return shas
}
