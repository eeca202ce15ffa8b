package intake

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/form"
)

var (
	leading  = regexp.MustCompile(`^(\d{1,2})(?:[.,]0+)?\s*(?:$|[-:=).(/–—]\s*(.*)$|\s+(\D.*)$)`)
	trailing = regexp.MustCompile(`^(\D.*\S)\s*[(\[]\s*(\d{1,2})\s*[)\]]$`)
	ofScale  = regexp.MustCompile(`^(\d{1,2})\s*(?:/|out of|of)\s*(\d{1,2})$`)
	stars    = regexp.MustCompile(`^([★⭐]\x{fe0f}?\s*)+(☆\s*)*$`)
)

// reading is what a cell says before a scale is known.
type reading struct {
	number int    // -1: none
	top    int    // of "4/5"; 0: none is written
	label  string // folded; empty: none
}

// readCell takes a cell apart.
func readCell(text string) reading {
	text = form.Clean(text)
	if len(text) <= 2 { // the usual cell, and by far
		if n, err := strconv.Atoi(text); err == nil && n >= 0 {
			return reading{number: n}
		}
	}
	if m := ofScale.FindStringSubmatch(text); m != nil {
		return reading{number: atoi(m[1]), top: atoi(m[2])}
	}
	if m := leading.FindStringSubmatch(text); m != nil {
		label := form.Fold(strings.TrimRight(m[2]+m[3], ")"))
		if label != "" && (label[0] >= '0' && label[0] <= '9' || m[3] != "" && !knownLabel(label)) {
			return reading{number: -1, label: form.Fold(text)} // "4.5", "3-4", "8 hours"
		}
		return reading{number: atoi(m[1]), label: label}
	}
	if m := trailing.FindStringSubmatch(text); m != nil {
		return reading{number: atoi(m[2]), label: form.Fold(m[1])}
	}
	if stars.MatchString(text) {
		return reading{number: strings.Count(text, "★") + strings.Count(text, "⭐")}
	}
	return reading{number: -1, label: form.Fold(text)}
}

// knownLabel reports whether a label is one of any scale, or says that there is no answer.
func knownLabel(label string) bool {
	return unknownAnswers[label] || slices.ContainsFunc(families, func(f family) bool { return f.point(label) > 0 })
}

func atoi(digits string) int {
	n, _ := strconv.Atoi(digits) // the pattern has made sure
	return n
}

// labelPoint returns the point of a label among the families of as many points, from 1; 0 if none has it.
func labelPoint(label string, points int) int {
	for _, f := range families {
		if len(f.points) == points {
			if p := f.point(label); p > 0 {
				return p
			}
		}
	}
	return 0
}

// rater turns the cells of an item into points. It remembers what it has seen: a column has few different cells.
type rater struct {
	item    surveys.Item
	labels  map[string]int  // of the definition, folded
	unknown map[string]bool // of the definition, folded
	family  *family         // whose labels the column has; nil: any of the scale's points
	numeric bool            // the answers are numbers; only the ends of the scale may have a label instead
	seen    map[string]rated
}

type rated struct {
	point surveys.Point
	err   error
}

func newRater(item surveys.Item, cells []string) *rater {
	r := &rater{item: item, labels: map[string]int{}, unknown: map[string]bool{}, seen: map[string]rated{}}
	for label, point := range item.Labels {
		r.labels[form.Fold(label)] = point
	}
	for _, u := range item.Unknown {
		r.unknown[form.Fold(u)] = true
	}
	r.family = r.familyOf(cells)
	r.numeric = isNumeric(cells)
	return r
}

// isNumeric reports whether few answers of a column are labels alone, and the others numbers alone. Forms write a label
// for the ends of a scale then, and what else is a text, such as "Average" below the answers, is none.
func isNumeric(cells []string) bool {
	const few = 5 // so many numbers for a label
	numbers, labels := 0, 0
	kinds := map[string]int{}
	for _, c := range cells {
		kind, known := kinds[c]
		if !known {
			switch read := readCell(c); {
			case unknownAnswers[form.Fold(c)] || read.number >= 0 && read.label != "":
			case read.number >= 0:
				kind = 1
			case read.label != "":
				kind = 2
			}
			if len(kinds) < 1000 {
				kinds[c] = kind
			}
		}
		switch kind {
		case 1:
			numbers++
		case 2:
			labels++
		}
	}
	return numbers > few*labels
}

// familyOf returns the family of the scale's size that fits the labels of a column best; nil if none has any.
func (r *rater) familyOf(cells []string) *family {
	labels := map[string]int{}
	seen := map[string]string{} // a column has few different cells
	for _, c := range cells {
		if len(labels) > 50 {
			break
		}
		label, known := seen[c]
		if !known {
			label = readCell(c).label
			seen[c] = label
		}
		if label != "" {
			labels[label]++
		}
	}
	best, ok := fitting(labels, r.item.Scale.Points())
	if !ok {
		return nil
	}
	return best.family
}

// point returns the point of a cell.
func (r *rater) point(cell string) (surveys.Point, error) {
	if got, ok := r.seen[cell]; ok {
		return got.point, got.err
	}
	point, err := r.read(cell)
	if len(r.seen) < 1000 {
		r.seen[cell] = rated{point, err}
	}
	return point, err
}

func (r *rater) read(cell string) (surveys.Point, error) {
	folded := form.Fold(cell)
	if strings.TrimSpace(cell) == "" || form.Clean(cell) == "" {
		return surveys.NotAnswered, nil
	}
	if r.unknown[folded] {
		return surveys.DontKnow, nil
	}
	if point, ok := r.labels[folded]; ok {
		return surveys.Point(point), nil
	}
	if unknownAnswers[folded] || folded == "-" {
		return surveys.DontKnow, nil
	}
	scale, read := r.item.Scale, readCell(cell)
	if read.label != "" && (r.unknown[read.label] || unknownAnswers[read.label]) {
		return surveys.DontKnow, nil // "6 - I don't know"
	}
	byLabel, labeled := r.byLabel(read.label)
	if read.number < 0 {
		_, defined := r.labels[read.label]
		if labeled && (defined || !r.numeric || byLabel == scale.Min || byLabel == scale.Max) {
			return surveys.Point(byLabel), nil
		}
		return 0, fmt.Errorf("%s is not on the scale %s, and is no known label; if it is one, add it to labels of item %s "+
			"in the map, or to unknown", quote(cell), scale, r.item.Key)
	}
	if !scale.Has(read.number) || read.top != 0 && read.top != scale.Max {
		return 0, fmt.Errorf("%s is not on the scale %s of item %s", quote(cell), scale, r.item.Key)
	}
	point := read.number
	if r.item.Turned {
		point = scale.Min + scale.Max - point
	}
	if labeled && byLabel != point && byLabel == scale.Min+scale.Max-point {
		return 0, fmt.Errorf("%s: the numbers of the scale are turned round; write scale: %s for item %s in the map",
			quote(cell), turnedScale(r.item), r.item.Key)
	}
	return surveys.Point(point), nil
}

// turnedScale is the scale of an item, the other way round.
func turnedScale(i surveys.Item) string {
	if i.Turned {
		return i.Scale.String()
	}
	return fmt.Sprintf("%d-%d", i.Scale.Max, i.Scale.Min)
}

func (r *rater) byLabel(label string) (point int, ok bool) {
	if label == "" {
		return 0, false
	}
	if point, ok := r.labels[label]; ok {
		return point, true
	}
	if r.family != nil {
		if p := r.family.point(label); p > 0 {
			return r.item.Scale.Min + p - 1, true
		}
		return 0, false // a column has the labels of one scale
	}
	if r.item.Scale.Min == 1 {
		if p := labelPoint(label, r.item.Scale.Points()); p > 0 {
			return p, true
		}
	}
	return 0, false
}

// quote quotes a cell of a rating for a message. A cell that can hold an address is not shown.
func quote(cell string) string {
	const most = 40
	text := form.Clean(cell)
	switch {
	case strings.ContainsRune(text, '@'):
		return "the cell (which has an @ and is not shown)"
	case len([]rune(text)) > most:
		return fmt.Sprintf("a text of %d characters", len([]rune(text)))
	}
	return strconv.Quote(text)
}
