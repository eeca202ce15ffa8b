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

// family is a set of labels that belong to one scale, the lowest first. Several texts can name a point.
type family struct {
	name   string
	points [][]string
}

// families are the labels that forms offer in English, by their number of points.
var families = []family{
	{"agreement", [][]string{
		{"strongly disagree", "completely disagree", "totally disagree", "fully disagree"},
		{"disagree"},
		{"neutral", "neither agree nor disagree", "neither disagree nor agree", "neither", "undecided", "neither / nor"},
		{"agree"},
		{"strongly agree", "completely agree", "totally agree", "fully agree"},
	}},
	{"agreement", [][]string{
		{"strongly disagree", "completely disagree", "totally disagree"},
		{"disagree"},
		{"somewhat disagree", "slightly disagree", "mostly disagree", "disagree somewhat"},
		{"neutral", "neither agree nor disagree", "neither disagree nor agree", "neither", "undecided"},
		{"somewhat agree", "slightly agree", "mostly agree", "agree somewhat"},
		{"agree"},
		{"strongly agree", "completely agree", "totally agree"},
	}},
	{"agreement", [][]string{ // five points without a plain "agree"
		{"strongly disagree"}, {"somewhat disagree"}, {"neither agree nor disagree", "neutral"}, {"somewhat agree"},
		{"strongly agree"},
	}},
	{"satisfaction", [][]string{
		{"very dissatisfied", "very unsatisfied", "extremely dissatisfied", "completely dissatisfied"},
		{"dissatisfied", "unsatisfied", "somewhat dissatisfied"},
		{"neutral", "neither satisfied nor dissatisfied", "neither dissatisfied nor satisfied"},
		{"satisfied", "somewhat satisfied"},
		{"very satisfied", "extremely satisfied", "completely satisfied"},
	}},
	{"satisfaction", [][]string{
		{"extremely dissatisfied", "very dissatisfied", "completely dissatisfied"},
		{"dissatisfied", "moderately dissatisfied", "mostly dissatisfied"},
		{"somewhat dissatisfied", "slightly dissatisfied"},
		{"neutral", "neither satisfied nor dissatisfied"},
		{"somewhat satisfied", "slightly satisfied"},
		{"satisfied", "moderately satisfied", "mostly satisfied"},
		{"extremely satisfied", "very satisfied", "completely satisfied"},
	}},
	{"frequency", [][]string{
		{"never", "almost never"}, {"rarely", "seldom"}, {"sometimes", "occasionally"},
		{"often", "usually", "frequently", "most of the time"}, {"always", "almost always"},
	}},
	{"quality", [][]string{
		{"very poor", "very bad", "terrible"}, {"poor", "bad"}, {"fair", "average", "okay", "ok", "acceptable"}, {"good"},
		{"very good", "excellent"},
	}},
	{"quality", [][]string{{"poor"}, {"fair"}, {"good"}, {"very good"}, {"excellent"}}},
	{"likelihood", [][]string{
		{"very unlikely", "extremely unlikely"}, {"unlikely", "somewhat unlikely"},
		{"neutral", "neither likely nor unlikely"}, {"likely", "somewhat likely"}, {"very likely", "extremely likely"},
	}},
	{"difficulty", [][]string{
		{"very difficult", "very hard", "extremely difficult"}, {"difficult", "hard", "somewhat difficult"},
		{"neutral", "neither easy nor difficult"}, {"easy", "somewhat easy"}, {"very easy", "extremely easy"},
	}},
	{"amount", [][]string{
		{"not at all"}, {"slightly", "a little"}, {"moderately", "somewhat"}, {"very", "quite a bit", "a lot"}, {"extremely"},
	}},
}

// unknownAnswers are answers that say that there is none, folded.
var unknownAnswers = map[string]bool{
	"n/a": true, "na": true, "n.a": true, "not applicable": true, "does not apply": true, "doesn't apply": true,
	"i don't know": true, "don't know": true, "i do not know": true, "do not know": true, "dont know": true,
	"i dont know": true, "i don't know or na": true, "i don't know / na": true, "don't know / na": true,
	"don't know/na": true, "i don't know or n/a": true, "n/a or i don't know": true, "unsure": true, "not sure": true,
	"i'm not sure": true, "no opinion": true, "prefer not to say": true, "prefer not to answer": true,
	"i prefer not to say": true, "i prefer not to answer": true, "can't say": true, "cannot say": true, "dk": true,
	"i don't know / not applicable": true, "i don't know/not applicable": true, "don't know / not applicable": true,
	"not applicable to me": true, "no answer": true, "skip": true, "?": true, "": true, "no experience": true,
	"weiß nicht": true, "weiss nicht": true, "keine angabe": true, "k. a": true, "k.a": true, "ne sais pas": true,
	"je ne sais pas": true, "no sé": true, "no lo sé": true,
}

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

func (f family) point(label string) int {
	for i, texts := range f.points {
		for _, t := range texts {
			if t == label {
				return i + 1
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

// familyOf returns the family of the scale's size that has the most of the labels of a column.
func (r *rater) familyOf(cells []string) *family {
	labels := map[string]bool{}
	seen := map[string]bool{} // a column has few different cells
	for _, c := range cells {
		if len(labels) > 50 {
			break
		}
		if seen[c] {
			continue
		}
		seen[c] = true
		if read := readCell(c); read.label != "" {
			labels[read.label] = true
		}
	}
	var best *family
	most := 0
	for i := range families {
		if len(families[i].points) != r.item.Scale.Points() {
			continue
		}
		n := 0
		for label := range labels {
			if families[i].point(label) > 0 {
				n++
			}
		}
		if n > most {
			best, most = &families[i], n
		}
	}
	return best
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
