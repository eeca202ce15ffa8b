// Package spelling finds the word that a person meant by one that does not exist.
package spelling

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

const (
	// maxLength bounds the words that are compared, in bytes: a longer one is not a typing error.
	maxLength = 100
	// maxListed bounds how many known words Hint lists.
	maxListed = 20
)

var separators = strings.NewReplacer(".", "", "_", "", "-", "")

// Nearest returns the word of known that word most likely stands for, or "": one that differs only in case and
// separators, one within a third of the letters (at least two) by Levenshtein distance, or else one that contains
// word. The first of equally near words wins.
func Nearest(word string, known []string) string {
	if word == "" || len(word) > maxLength {
		return ""
	}
	lower := strings.ToLower(word)
	best := ""
	limit := max(2, len(word)/3) + 1
	for _, candidate := range known {
		if len(candidate) > maxLength {
			continue
		}
		other := strings.ToLower(candidate)
		// A name with dots for underscores, or without its group, is meant however many letters it lacks.
		if separators.Replace(other) == separators.Replace(lower) || strings.HasSuffix(other, "."+lower) {
			return candidate
		}
		if d := levenshtein.ComputeDistance(lower, other); d < limit && d < len(other) {
			best = candidate
			limit = d
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	for _, candidate := range known {
		if strings.Contains(strings.ToLower(candidate), lower) {
			return candidate
		}
	}
	return ""
}

// Hint returns what an error about the unknown word appends: ` (did you mean "x"?)`, or the known words, at most 20 of
// them, where none is near.
func Hint(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return fmt.Sprintf(" (did you mean %q?)", best)
	}
	if len(known) == 0 {
		return ""
	}
	if len(known) > maxListed {
		return fmt.Sprintf(" (known: %s and %d more)", strings.Join(known[:maxListed], ", "), len(known)-maxListed)
	}
	return fmt.Sprintf(" (known: %s)", strings.Join(known, ", "))
}
