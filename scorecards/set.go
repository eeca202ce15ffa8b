package scorecards

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/scorecards/facts"
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/spelling"
)

// Problem is a mistake in a file, with its place.
type Problem = format.Problem

// Problems are mistakes in files, in the order of their places.
type Problems = format.Problems

// Set is what was loaded: scorecards to grade by, and files that cannot be used.
type Set struct {
	Cards  []Scorecard // a scorecard comes after those whose level it asks for
	Broken []Broken
	// Files are the files that [Load] read, in order; one that could not be read has no data. [LoadFiles] makes the same
	// set of them.
	Files []File
}

// Broken is a file whose scorecards are not used. The others are.
type Broken struct {
	File     string // as shown to people
	Names    []string
	Problems Problems
}

// Err returns every problem of every file as one error of type [Problems]; nil if the set has no broken file.
func (s Set) Err() error {
	var all Problems
	for _, b := range s.Broken {
		all = append(all, b.Problems...)
	}
	return all.Err()
}

// taken returns the problem of a scorecard whose name another one has: their grades could not be distinguished.
func (s *Set) taken(card Scorecard) *Problem {
	for _, first := range s.Cards {
		if first.Name == card.Name {
			p := card.doc.At("name", fmt.Sprintf("scorecard %s is defined at %s:%d already; give one another name",
				card.Name, first.File, first.Line))
			return &p
		}
	}
	return nil
}

// otherTypes returns the facts that a scorecard declares with another type than one before it: the fact has one value,
// which would be an error to one of the two.
func (s *Set) otherTypes(card Scorecard) Problems {
	var problems Problems
	for i, f := range card.doc.Facts {
		for _, first := range s.Cards {
			j := slices.IndexFunc(first.doc.Facts, func(o facts.Definition) bool { return o.Name == f.Name })
			if j >= 0 && first.doc.Facts[j].Type != f.Type {
				problems = append(problems, card.doc.At(fmt.Sprintf("facts[%d].type", i), fmt.Sprintf("fact %s is a %s here and a "+
					"%s at %s:%d, in scorecard %s; make the types equal, or give one of the facts another name", f.Name, f.Type,
					first.doc.Facts[j].Type, first.File, first.doc.Line(fmt.Sprintf("facts[%d].type", j)), first.Name)))
				break
			}
		}
	}
	return problems
}

// resolved checks the references between the scorecards and puts each after those that it asks for. Scorecards that ask
// for each other in a circle, and those that ask for one that no file has, are broken.
func (s Set) resolved() Set {
	named := map[string]bool{}
	for _, b := range s.Broken {
		for _, name := range b.Names {
			named[name] = true
		}
	}
	for _, card := range s.Cards {
		named[card.Name] = true
	}
	// A file that cannot be parsed may have any name: then nothing can be said about an absent one.
	unreadable := slices.ContainsFunc(s.Broken, func(b Broken) bool { return len(b.Names) == 0 })
	out := Set{Broken: s.Broken, Files: s.Files}
	var sound []Scorecard
	for _, card := range s.Cards {
		var problems Problems
		for _, ref := range card.references() {
			if !named[ref.scorecard] && !unreadable {
				problems = append(problems, ref.problem(fmt.Sprintf("no scorecard has the name %q%s", ref.scorecard,
					spelling.Hint(ref.scorecard, keysOf(named)))))
			}
		}
		if len(problems) > 0 {
			out.Broken = append(out.Broken, Broken{card.File, []string{card.Name}, problems.Sorted()})
			continue
		}
		sound = append(sound, card)
	}
	order(sound, &out)
	return out
}

func keysOf(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// order adds the scorecards to out, each after those that it asks for, otherwise in their order. What is left asks for
// itself through others.
func order(cards []Scorecard, out *Set) {
	for len(cards) > 0 {
		waiting := map[string]bool{}
		for _, card := range cards {
			waiting[card.Name] = true
		}
		var later []Scorecard
		for _, card := range cards {
			if slices.ContainsFunc(card.references(), func(r reference) bool { return waiting[r.scorecard] }) {
				later = append(later, card)
				continue
			}
			out.Cards = append(out.Cards, card)
			delete(waiting, card.Name)
		}
		if len(later) == len(cards) {
			circle(later, out)
			return
		}
		cards = later
	}
}

// circle splits scorecards none of which can come first: those in a circle are broken; the others only wait for one,
// and are graded with its level unknown.
func circle(cards []Scorecard, out *Set) {
	byName := map[string]Scorecard{}
	for _, card := range cards {
		byName[card.Name] = card
	}
	var sound []Scorecard
	for _, card := range cards {
		way := wayTo(card.Name, card, byName, map[string]bool{})
		if way == nil {
			sound = append(sound, card)
			continue
		}
		names := []string{card.Name}
		for _, ref := range way {
			names = append(names, ref.scorecard)
		}
		out.Broken = append(out.Broken, Broken{card.File, []string{card.Name}, Problems{way[0].problem(
			"scorecards ask for each other's level in a circle: " + strings.Join(names, " → ") + "; remove one of them")}})
	}
	order(sound, out)
}

// wayTo returns the references that lead from a scorecard to the one of a name, nil if none do.
func wayTo(name string, from Scorecard, byName map[string]Scorecard, seen map[string]bool) []reference {
	for _, ref := range from.references() {
		if ref.scorecard == name {
			return []reference{ref}
		}
		next, ok := byName[ref.scorecard]
		if !ok || seen[ref.scorecard] {
			continue
		}
		seen[ref.scorecard] = true
		if way := wayTo(name, next, byName, seen); way != nil {
			return append([]reference{ref}, way...)
		}
	}
	return nil
}

// reference is a place where a scorecard asks for the level of another.
type reference struct {
	scorecard string
	problem   func(message string) Problem
}

func (s *Scorecard) references() []reference {
	if s.compiled == nil {
		return nil
	}
	return s.compiled.references
}
