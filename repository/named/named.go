// Package named gives the facts of a repository the names, types and words under which rules ask about them. It is one
// table: a name, how a value is put into words, and how it is derived from repository.Facts.
//
// Absence is stated only if it is certain. While a file could not be listed, read or rendered, a list in which nothing
// was found is unknown, with that file as the reason. A list in which something was found is known: a fault that was
// found is a fault, whatever else could not be read.
package named

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/repository"
	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
)

// Source is who gives these facts, as the end of "… should give it".
const Source = "a checkout, or a source of kind github or gitlab"

// Definition describes a fact.
type Definition struct {
	Name        string
	Type        event.FactType
	Places      bool   // a list whose elements are "path:line: text", or "path: text" for a whole file
	Label       string // noun phrase; "" for a bool
	True, False string // sentences, for a bool
	Unit        string
	Description string // one sentence
}

// Options are what a reader of the repository alone cannot know. The zero value is valid.
type Options struct {
	// Resolve returns whether an owner of CODEOWNERS ("@acme/payments", an email address) exists and can read the
	// repository. nil: nothing is known of owners.
	Resolve func(owner string) fact.Value[bool]
	// NotInherited is why it is not known which files the host takes from the organization's repository of defaults. A
	// file of which it has defaults is then unknown where the repository has none. "": what is inherited is known.
	NotInherited string
}

// Definitions returns all facts, in the order of their subjects.
func Definitions() []Definition {
	definitions := make([]Definition, 0, len(table))
	for _, e := range table {
		definitions = append(definitions, e.Definition)
	}
	return definitions
}

// Of returns every fact of a repository, or of the directory of a service, with its name and type and with either a
// value or an error. The caller sets source, entity and times. The error completes the sentence "… is not known: ".
func Of(f *repository.Facts, options Options) []event.Fact {
	r := &reader{f, options}
	facts := make([]event.Fact, 0, len(table))
	for _, e := range table {
		one := event.Fact{Name: e.Name, Type: e.Type}
		var v value
		err := fact.Contain(func() error { v = e.value(r); return nil })
		if err == nil && v.reason == "" {
			one.Value, err = json.Marshal(v.of)
		}
		switch {
		case err != nil:
			one.Value, one.Error = nil, line(err.Error())
		case v.reason != "":
			one.Error = line(v.reason)
		}
		facts = append(facts, one)
	}
	return facts
}

// entry is a row of the table.
type entry struct {
	Definition
	value func(r *reader) value
}

// table has all facts.
var table = slices.Concat(
	files, ownership, dependencies, workflows, documents, containers, workloads, operations, contents,
	waivers, goldenPath,
)

// value is what a fact is: a bool, a float64, a string or a list of strings; or the reason why it is unknown.
type value struct {
	of     any
	reason string
}

func known[T bool | float64 | string](v T) value { return value{of: v} }

func unknown(reason string) value {
	return value{reason: cmp.Or(reason, "the repository could not be read")}
}

// reader derives values from the facts of a repository.
type reader struct {
	*repository.Facts
	options Options
}

// doubt returns why something that was not found may be there: the listing is not complete, or one of the problems
// hides it. It is "" if absence is certain.
func (r *reader) doubt(problems ...[]fact.Problem) string {
	if len(r.Problems) > 0 {
		return r.Problems[0].Reason
	}
	if r.Files().Partial != "" {
		return r.Files().Partial
	}
	for _, list := range problems {
		if len(list) > 0 {
			return list[0].String()
		}
	}
	return ""
}

// exists returns whether a file is there. One that cannot be read is there, too.
func exists[T any](r *reader, v fact.Value[T], found bool) value {
	switch {
	case found, !v.Known && v.At.Path != "":
		return known(true)
	case !v.Known:
		return unknown(v.Reason)
	}
	return r.absent()
}

// inherited is exists for a file that an organization can give all of its repositories.
func inherited[T any](r *reader, v fact.Value[T], found bool) value {
	if v.Known && !found && r.options.NotInherited != "" {
		return unknown(r.options.NotInherited)
	}
	return exists(r, v, found)
}

// absent returns false, unless the listing is not complete.
func (r *reader) absent() value {
	if doubt := r.doubt(); doubt != "" {
		return unknown(doubt)
	}
	return known(false)
}

// count returns a number, which is unknown if nothing was counted and something may be there.
func count(n int, doubt string) value {
	if n == 0 && doubt != "" {
		return unknown(doubt)
	}
	return known(float64(n))
}

// texts returns a list, sorted, each element once. An empty one is unknown if something may be there.
func texts(all []string, doubt string) value {
	if len(all) == 0 && doubt != "" {
		return unknown(doubt)
	}
	all = slices.Clone(all)
	slices.Sort(all)
	return value{of: bounded(slices.Compact(all), len(all))}
}

// MaxPlaces is how many places a fact has at most. A further element says how many there are more.
const MaxPlaces = 50

// maxBytes bounds the texts of a list, because a fact may have 64 KB.
const maxBytes = 32 << 10

// bounded returns the first elements of a list, and how many there are more.
func bounded(all []string, most int) []string {
	list, bytes := []string{}, 0
	for i, one := range all {
		if bytes += len(one); i == most || bytes > maxBytes {
			return append(list, fmt.Sprintf("… and %d more", len(all)-i))
		}
		list = append(list, one)
	}
	return list
}

// places collects the places of a list fact.
type places struct{ all []place }

type place struct {
	at   fact.Location
	text string
}

func (p *places) add(at fact.Location, format string, args ...any) {
	p.all = append(p.all, place{at, line(fmt.Sprintf(format, args...))})
}

// value returns the places in order. None is unknown if something may be there.
func (p *places) value(doubt string) value {
	if len(p.all) == 0 && doubt != "" {
		return unknown(doubt)
	}
	slices.SortFunc(p.all, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.at.Path, b.at.Path), cmp.Compare(a.at.Line, b.at.Line), cmp.Compare(a.text, b.text))
	})
	var all []string
	for _, one := range slices.Compact(p.all) {
		all = append(all, one.at.String()+": "+one.text)
	}
	return value{of: bounded(all, MaxPlaces)}
}

var placePattern = regexp.MustCompile(`^(.+?)(?::(\d+))?: (.*)$`)

// ParsePlace returns the location and the text of an element of a fact of places. ok is false for "… and N more".
func ParsePlace(element string) (at fact.Location, text string, ok bool) {
	m := placePattern.FindStringSubmatch(element)
	if m == nil || strings.HasPrefix(element, "… and ") {
		return fact.Location{}, element, false
	}
	at.Path = m[1]
	at.Line, _ = strconv.Atoi(m[2])
	return at, m[3], true
}

// maxText bounds a text that a repository chooses, in bytes.
const maxText = 300

// line returns a text in one line, because texts of a repository may have any characters.
func line(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f }), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// above reports whether the files of a directory apply to the directory of the facts: it is that one or one above.
func (r *reader) above(dir string) bool { return tree.Under(r.Dir, dir) }
