package source

import (
	"maps"
	"strings"
)

// Words is what the words of a source mean that dxctl has one word for, such as its statuses. Upper and lower case are
// the same. The zero Words has no word.
type Words[T any] struct {
	// Meaning has the documented words, in lower case. The empty word is in it where a source may leave the field out.
	Meaning map[string]T
	// Otherwise is what every other word is taken for. A status that is not final makes a collector read the record
	// again.
	Otherwise T
}

// Of returns what a word means.
func (w Words[T]) Of(word string) T {
	if meaning, recognized := w.Meaning[strings.ToLower(word)]; recognized {
		return meaning
	}
	return w.Otherwise
}

// Has reports whether the word is one of the documented ones.
func (w Words[T]) Has(word string) bool {
	_, recognized := w.Meaning[strings.ToLower(word)]
	return recognized
}

// Read returns what a word means, and gives a word that is not documented to unrecognized, which logs it:
// [Base.Unrecognized] of a collector, the function of the same name of a webhook; nil: nothing is logged. what names
// what has the word: "status of a job". The caller stores the word as it is in addition to its meaning.
func (w Words[T]) Read(what, word string, unrecognized func(what, word string)) T {
	if unrecognized != nil && !w.Has(word) {
		unrecognized(what, word)
	}
	return w.Of(word)
}

// With returns the words with more of them, which replace those of the same spelling.
func (w Words[T]) With(more map[string]T) Words[T] {
	meaning := maps.Clone(w.Meaning)
	maps.Copy(meaning, more)
	return Words[T]{Meaning: meaning, Otherwise: w.Otherwise}
}
