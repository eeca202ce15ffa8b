package event

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The limits of texts, in bytes of UTF-8. A part of an identity that is longer is an error of Validate, because what is
// left of it after a cut could be another record's. Every other text is cut by [Trim].
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
			errs = append(errs, fmt.Errorf("%s %s: %s has %d bytes, more than the limit of %d", kind, beginning(id), t.name, len(t.value), t.limit))
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

func (o *Origin) trim() {
	o.URL = address(o.URL)
}

func address(url string) string {
	if len(url) > MaxURL {
		return ""
	}
	return url
}

// Trim returns the event with texts that are no part of its identity cut to their limits. The same event is always cut
// alike. What is too long in an identity stays, and Validate reports it.
func Trim(e Event) Event {
	switch e := e.(type) {
	case Deployment:
		e.trim()
		cutAll(MaxWord, &e.StatusRaw, &e.SHA, &e.Trigger)
		cutAll(MaxName, &e.Ref, &e.Version, &e.Actor)
		cutAll(MaxID, &e.RollbackOf)
		return e
	case PipelineRun:
		e.trim()
		cutAll(MaxWord, &e.StatusRaw, &e.SHA, &e.Trigger)
		cutAll(MaxName, &e.Pipeline, &e.Branch, &e.Actor)
		return e
	case PipelineJob:
		e.trim()
		cutAll(MaxWord, &e.StatusRaw)
		cutAll(MaxName, &e.Name, &e.Runner)
		return e
	case Change:
		e.trim()
		cutAll(MaxText, &e.Title)
		cutAll(MaxName, &e.Repository, &e.Author)
		cutAll(MaxWord, &e.MergeSHA, &e.HeadSHA, &e.Reverts)
		e.CommitSHAs = trimCommits(e.CommitSHAs)
		return e
	case Incident:
		e.trim()
		cutAll(MaxWord, &e.Severity, &e.How)
		cutAll(MaxID, &e.Deployment)
		return e
	case Fact:
		cutAll(MaxText, &e.Error)
		e.URL = address(e.URL)
		return e
	case Grade:
		cutAll(MaxText, &e.Reason)
		e.URL = address(e.URL)
		return e
	case LedgerEntry:
		cutAll(MaxText, &e.Note)
		e.URL = address(e.URL)
		return e
	case Descriptor:
		e.URL = address(e.URL)
		return e
	case DeployedCommits:
		e.trim()
		cutAll(MaxText, &e.Reason)
		return e
	}
	return e
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
