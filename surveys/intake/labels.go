package intake

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// family is a set of labels that belong to one scale, the lowest first. Several texts can name a point.
type family struct {
	name   string
	points [][]string
}

// english are the labels that forms offer in English.
var english = []family{
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
	{"satisfaction", [][]string{
		{"extremely dissatisfied"}, {"moderately dissatisfied"}, {"slightly dissatisfied"},
		{"neither satisfied nor dissatisfied", "neutral"}, {"slightly satisfied"}, {"moderately satisfied"},
		{"extremely satisfied"},
	}},
	{"frequency", [][]string{
		{"never"}, {"almost never", "rarely"}, {"sometimes", "occasionally"}, {"almost always", "often"}, {"always"},
	}},
	{"frequency", [][]string{
		{"never"}, {"sometimes"}, {"about half the time", "half the time"}, {"most of the time", "usually"}, {"always"},
	}},
	{"frequency", [][]string{
		{"never"}, {"rarely", "seldom", "almost never"}, {"occasionally"}, {"sometimes"}, {"often", "frequently"},
		{"usually", "almost always", "most of the time"}, {"always", "every time"},
	}},
	{"likelihood", [][]string{
		{"extremely unlikely", "very unlikely"}, {"moderately unlikely", "unlikely"},
		{"slightly unlikely", "somewhat unlikely"}, {"neither likely nor unlikely", "neutral"},
		{"slightly likely", "somewhat likely"}, {"moderately likely", "likely"}, {"extremely likely", "very likely"},
	}},
	{"likelihood", [][]string{
		{"definitely not"}, {"probably not"}, {"might or might not", "maybe"}, {"probably yes", "probably"},
		{"definitely yes", "definitely"},
	}},
	{"difficulty", [][]string{
		{"extremely difficult", "very difficult"}, {"moderately difficult", "difficult"},
		{"slightly difficult", "somewhat difficult"}, {"neither easy nor difficult", "neutral"},
		{"slightly easy", "somewhat easy"}, {"moderately easy", "easy"}, {"extremely easy", "very easy"},
	}},
	{"amount", [][]string{
		{"not at all"}, {"slightly", "a little"}, {"moderately", "somewhat"}, {"very", "quite a bit", "a lot"}, {"extremely"},
	}},
}

// graded are words of which forms make scales from "not at all" to "extremely".
var graded = []string{"satisfied", "easy", "difficult", "likely", "clear", "confident", "important", "useful",
	"helpful", "effective", "familiar", "productive", "engaged", "fast", "reliable", "stressful", "well", "often"}

// families are all labels that are known.
var families = allFamilies()

func allFamilies() []family {
	all := slices.Concat(english, languages)
	for _, word := range graded {
		all = append(all, family{"amount", [][]string{{"not at all " + word}, {"not so " + word, "slightly " + word},
			{"somewhat " + word, "moderately " + word}, {"very " + word}, {"extremely " + word}}})
	}
	return all
}

// fit is how a family fits the labels of a column.
type fit struct {
	*family
	covered  int            // answers whose labels the family has
	distinct int            // points that these labels have
	merged   string         // two labels that have one point, quoted; "": none do
	column   map[string]int // the labels of the column, each with how often it is there
	other    string         // a label that has another point in a family that fits as well; "": none has
}

// fitting returns the family that fits labels best: it has the most of the answers, then it tells the most labels
// apart, then it has the fewest points. Without the second, "poor, fair, good, very good, excellent" would be on a
// scale on which the last two are one point. points is the size of the family, 0 any. The labels are folded, each with
// how often it is there. ok is false if no family has any of them.
func fitting(labels map[string]int, points int) (best fit, ok bool) {
	var all []fit
	for i := range families {
		if points == 0 || len(families[i].points) == points {
			if f := families[i].fit(labels); f.covered > 0 {
				all = append(all, f)
			}
		}
	}
	if len(all) == 0 {
		return fit{}, false
	}
	slices.SortStableFunc(all, func(a, b fit) int {
		return cmp.Or(cmp.Compare(b.covered, a.covered), cmp.Compare(b.distinct, a.distinct),
			cmp.Compare(len(a.points), len(b.points)))
	})
	best = all[0]
	for _, rival := range all[1:] {
		if rival.covered != best.covered || rival.distinct != best.distinct || len(rival.points) != len(best.points) {
			break
		}
		for _, label := range slices.Sorted(maps.Keys(labels)) {
			if p := rival.point(label); p > 0 && p != best.point(label) && best.other == "" {
				best.other = label
			}
		}
	}
	return best, true
}

func (f *family) fit(labels map[string]int) fit {
	of := fit{family: f}
	by := map[int]string{}
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		p := f.point(label)
		if p == 0 {
			continue
		}
		of.covered += labels[label]
		if before, again := by[p]; again {
			of.merged = strconv.Quote(before) + " and " + strconv.Quote(label)
			continue
		}
		by[p] = label
		of.distinct++
	}
	return of
}

// check says what a person should check of the points of labels; "" if they are clear.
func (f fit) check() string {
	switch {
	case f.merged != "":
		return f.merged + " are taken for one point: correct it with labels if they are two"
	case f.other != "":
		return fmt.Sprintf("%q can be another point than %d: correct labels if it is", f.other, f.point(f.other))
	}
	return ""
}

// labels are those of a family and their points, as a definition has them: the first text of each point, and all that
// the column has.
func (f fit) labels(column map[string]int) map[string]int {
	all := map[string]int{}
	for i, texts := range f.points {
		all[texts[0]] = i + 1
	}
	for label := range column {
		if p := f.point(label); p > 0 {
			all[label] = p
		}
	}
	return all
}

func (f family) point(label string) int {
	for i, texts := range f.points {
		if slices.Contains(texts, label) {
			return i + 1
		}
	}
	return 0
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
	"je ne sais pas": true, "no sé": true, "no lo sé": true, "no aplica": true, "não sei": true,
	"não se aplica": true, "non so": true, "weet niet": true, "n.v.t": true, "sans objet": true, "nicht zutreffend": true,
	"わからない": true, "分からない": true, "該当なし": true, "不知道": true, "不适用": true, "je préfère ne pas répondre": true,
	"prefiero no decirlo": true, "prefiro não dizer": true, "möchte ich nicht sagen": true, "回答しない": true,
}
