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

// guess is what a column seems to ask for.
type guess struct {
	item    surveys.Item
	ok      bool
	unclear string // what a person should check
}

var (
	negative = regexp.MustCompile(`(?i)\b(frustrat\w*|interrupt\w*|difficult\w*|hard to|too (slow|long|much|many|often)|` +
		`slow|waste\w*|wasting|blocked|unable|confus\w*|stress\w*|burn(ed|t)? ?out|overwhelm\w*|flaky|painful|struggle\w*|` +
		`lose|lost|annoy\w*|cumbersome|unclear|tedious|context switch\w*|get in the way|toil|afraid|wait(ing)? (a lot|long|too))\b`)
	negation   = regexp.MustCompile(`(?i)\b(not|rarely|never|seldom|without|no|don't|do not|isn't|aren't)\b`)
	recommends = regexp.MustCompile(`(?i)\brecommend|\be?nps\b`)
	satisfied  = regexp.MustCompile(`(?i)\bsatisf(ied|action)\b`)
	ofTeam     = regexp.MustCompile(`(?i)^(your |what is your |what's your |which is your )?(team|squad|crew)( name)?\??$|\b(which|what) (team|squad)\b|\bteam (are you|do you)\b`)
	ofTenure   = regexp.MustCompile(`(?i)\bhow long have you (been|worked)\b|\btenure\b|\byears (at|with) (the )?company\b|\blength of service\b|\bwhen did you (join|start)\b`)
	ofGolden   = regexp.MustCompile(`(?i)\bgolden[ -]path\b`)
	anyRange   = regexp.MustCompile(`(?i)(?:\(|\bscale (?:of|from) |\bfrom )(0|1)\s*(?:-|–|to)\s*(\d{1,2})\b`)
	fromTo     = regexp.MustCompile(`(?i)\b(0|1)\s*(?:-|–|to)\s*(5|7|10)\b`)
)

// dimensionWords lead to the dimension of a question. The first that fits counts.
var dimensionWords = []struct {
	dimension surveys.Dimension
	words     *regexp.Regexp
}{
	{surveys.Flow, regexp.MustCompile(`(?i)\b(interrupt\w*|focus\w*|uninterrupted|deep work|meetings?|concentrat\w*|` +
		`distract\w*|flow|goals?|priorit\w*|context switch\w*|engag\w*)\b`)},
	{surveys.FeedbackLoops, regexp.MustCompile(`(?i)\b(builds?|ci|pipelines?|tests?|reviews?|reviewed|deploy\w*|releas\w*|` +
		`feedback|waiting|wait|compile\w*|production|roll ?backs?)\b`)},
	{surveys.CognitiveLoad, regexp.MustCompile(`(?i)\b(understand\w*|document\w*|docs|complex\w*|code ?base|tools?|tooling|` +
		`processes|simple|easy|learn\w*|find|knowledge|debug\w*|environment|set ?up|clear|architecture)\b`)},
}

const noAnswers = "no row has an answer"

var asksForNumber = regexp.MustCompile(`(?i)^(about |roughly )?how (many|often per)\b|\bhow much time\b|\bhours (a|per) `)

// guessItem guesses what a column asks for from its header and its cells.
func guessItem(c form.Column, cells []string) guess {
	text := c.Header
	if c.Row != "" {
		text = c.Row // the question of a grid is often only "How much do you agree?"
	}
	values := distinct(cells, 40)
	answered := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return unknownAnswers[form.Fold(v)] })
	if len(answered) == 0 {
		return guess{unclear: noAnswers}
	}
	if asksForNumber.MatchString(c.Header) {
		return guess{unclear: "a number that is no point of a scale"}
	}
	scale, by, note := guessScale(c.Header, cells)
	if said := otherScale(c.Header, answered); said != "" && scale != (surveys.Scale{}) {
		return guess{unclear: "its question says " + said + ", which is none of the scales 1-5, 1-7, 1-10 and 0-10"}
	}
	if scale.Min == 0 && isYesOrNo(answered) {
		return guess{unclear: "only 0 and 1, as for yes or no"}
	}
	if scale == (surveys.Scale{}) {
		switch {
		case areFacts(answered): // of people: when they came, how old they are
			return guess{unclear: "numbers or dates that are on no known scale"}
		case isText(c.Header, answered, cells):
			return guess{ok: true, item: surveys.Item{Text: c.Header, Headers: []string{c.Header}, Kind: surveys.Comment}}
		case mostlyDiffer(answered, cells):
			return guess{unclear: "short texts that nearly all differ, as names do"}
		}
		return guess{unclear: "a choice whose answers are on no known scale"}
	}
	item := surveys.Item{Text: c.Header, Headers: []string{c.Header}, Kind: surveys.Rating, Scale: scale}
	item.Turned = isTurned(scale, append(endsOf(c.Header), answered...))
	if by.check() != "" {
		item.Labels = by.labels(by.column)
	}
	if said := unclearEnds(c.Header, scale, item.Turned); said != "" && by.family == nil {
		note = strings.TrimPrefix(note+"; "+said, "; ")
	}
	if scale.Points() == 5 && withoutMiddle(answered) {
		note = strings.TrimPrefix(note+"; no answer is in the middle: four labels are stored as 1, 2, 4 and 5", "; ")
	}
	switch {
	case recommends.MatchString(c.Header) && scale == surveys.Scale{Min: 0, Max: 10}:
		item.Dimension = surveys.Recommend
	case satisfied.MatchString(c.Header):
		item.Dimension = surveys.Satisfaction
	default:
		for _, d := range dimensionWords {
			if d.words.MatchString(text) {
				item.Dimension = d.dimension
				break
			}
		}
	}
	if item.Dimension != surveys.Recommend && negative.MatchString(text) && !negation.MatchString(text) &&
		!byGoodness(by, answered) {
		item.Reversed = true
		note = strings.TrimPrefix(note+"; the text sounds negative, so that agreement is taken as bad", "; ")
	}
	return guess{ok: true, item: item, unclear: note}
}

// byGoodness reports whether labels say themselves how good something is, so that a negative question does not turn
// them round.
func byGoodness(by fit, answered []string) bool {
	kinds := []string{"difficulty", "satisfaction", "quality"}
	if by.family != nil {
		return slices.Contains(kinds, by.name)
	}
	return hasFamily(answered, kinds...)
}

// otherScale returns the scale that a question says, such as "1-4", if it is none that is read and the answers are
// numbers on it. Taken for a scale of more points, its best answer would not be the best.
func otherScale(header string, answered []string) string {
	m := anyRange.FindStringSubmatch(header)
	if m == nil {
		return ""
	}
	said := m[1] + "-" + m[2]
	if _, err := surveys.ParseScale(said); err == nil {
		return ""
	}
	if slices.ContainsFunc(answered, func(a string) bool {
		read := readCell(a)
		return read.number > atoi(m[2]) || read.number < atoi(m[1]) && !unknownAnswers[form.Fold(a)]
	}) {
		return ""
	}
	return said
}

// isYesOrNo reports whether the answers are 0 and 1, as forms export a box that is ticked or not.
func isYesOrNo(answered []string) bool {
	return !slices.ContainsFunc(answered, func(a string) bool { n := readCell(a).number; return n != 0 && n != 1 })
}

// withoutMiddle reports whether the answers are four labels of a scale of five, all but the one in the middle.
func withoutMiddle(answered []string) bool {
	return slices.ContainsFunc(families, func(f family) bool {
		points := map[int]bool{}
		for _, a := range answered {
			if read := readCell(a); read.number < 0 {
				points[f.point(read.label)] = true
			}
		}
		return len(f.points) == 5 && len(points) == 4 && points[1] && points[2] && points[4] && points[5]
	})
}

// distinct returns the different cells that are not blank, at most so many.
func distinct(cells []string, most int) []string {
	seen := map[string]bool{}
	var out []string
	for _, c := range cells {
		c = form.Clean(c)
		if c == "" || seen[c] {
			continue
		}
		seen[c] = true
		if out = append(out, c); len(out) == most {
			break
		}
	}
	return out
}

// enough is the share of the answers of a column that must be on a scale for the column to be a rating; the others are
// wrong rows then.
const enough = 0.7

// mostDistinct is how many different cells a column of ratings can have: its points, in a few spellings, and mistakes.
const mostDistinct = 300

// guessScale returns the scale on which most answers are, none if there is none, the family of labels that they have if
// they are labels, and what is unclear about it.
func guessScale(header string, cells []string) (scale surveys.Scale, by fit, note string) {
	low, high, numbers, labels, ranges := 99, -1, 0, 0, 0
	above := 0                 // numbers above 5
	within := -1               // the highest of the others
	column := map[string]int{} // labels
	tally := map[string]int{}  // how often each cell is there
	for _, cell := range cells {
		tally[cell]++
		if len(tally) > mostDistinct {
			return surveys.Scale{}, fit{}, ""
		}
	}
	if areRowNumbers(cells) {
		return surveys.Scale{}, fit{}, ""
	}
	for cell, times := range tally {
		if unknownAnswers[form.Fold(cell)] {
			continue
		}
		switch read := readCell(cell); {
		case read.label != "" && read.label[0] >= '0' && read.label[0] <= '9':
			ranges += times // "1-3 years", "8 hours"
		case read.number >= 0 && read.number <= 10:
			numbers += times
			low, high = min(low, read.number), max(high, read.number, read.top)
			if read.number > 5 {
				above += times
			} else {
				within = max(within, read.number)
			}
		default:
			labels += times
			if read.label != "" {
				column[read.label] += times
			}
		}
	}
	if above == 1 && high > 7 && numbers > 6 && within == 5 { // one cell that is wrong is more likely than a scale to 10
		high = 5
	}
	all := float64(numbers + labels + ranges)
	if best, ok := fitting(column, 0); ok && numbers < labels && float64(best.covered) >= enough*all {
		best.column = column
		return surveys.Scale{Min: 1, Max: len(best.points)}, best, best.check()
	}
	if numbers == 0 || float64(numbers) < enough*all || high > 10 {
		return surveys.Scale{}, fit{}, ""
	}
	scale, note = scaleOf(header, low, high)
	return scale, fit{}, note
}

// scaleOf returns the scale of numbers between low and high, and what is unclear about it: an answer that nobody gave
// does not show how far the scale goes.
func scaleOf(header string, low, high int) (scale surveys.Scale, note string) {
	if m := fromTo.FindStringSubmatch(header); m != nil {
		if said, err := surveys.ParseScale(m[1] + "-" + m[2]); err == nil && said.Has(low) && said.Has(high) {
			return said, ""
		}
	}
	switch {
	case recommends.MatchString(header) && high > 5:
		return surveys.Scale{Min: 0, Max: 10}, ""
	case low == 0:
		scale = surveys.Scale{Min: 0, Max: 10}
	case high <= 5:
		scale = surveys.Scale{Min: 1, Max: 5}
	case high <= 7:
		scale = surveys.Scale{Min: 1, Max: 7}
	default:
		scale = surveys.Scale{Min: 1, Max: 10}
	}
	if high < scale.Max {
		note = fmt.Sprintf("the scale is taken as %s, because no answer is higher than %d: if it ends there, give each "+
			"number its point with labels", scale, high)
	}
	return scale, note
}

// areRowNumbers reports whether the cells of a column count its rows: numbers, each one more, or one less, than the one
// before. Ten people do not answer 1 to 10 in this order.
func areRowNumbers(cells []string) bool {
	const least = 8
	step, before := 0, 0
	for i, cell := range cells {
		n, err := strconv.Atoi(strings.TrimSpace(cell))
		if err != nil {
			return false
		}
		if i == 1 {
			step = n - before
		}
		if i > 0 && n-before != step {
			return false
		}
		before = n
	}
	return len(cells) >= least && (step == 1 || step == -1)
}

func hasFamily(answered []string, names ...string) bool {
	return slices.ContainsFunc(families, func(f family) bool {
		return slices.Contains(names, f.name) && slices.ContainsFunc(answered, func(a string) bool {
			label := readCell(a).label
			return label != "" && f.point(label) > 0 && label != "neutral"
		})
	})
}

// ends matches what a question says of the ends of its scale: "(1 = strongly agree, 5 = strongly disagree)", "from 1
// (strongly agree) to 5 (strongly disagree)".
var ends = regexp.MustCompile(`\b(\d{1,2})\s*[=:(]\s*(\pL[\pL' ]*)`)

// endsOf returns the ends of the scale that a question names, as cells: "1 - strongly agree".
func endsOf(header string) (cells []string) {
	for _, m := range ends.FindAllStringSubmatch(header, -1) {
		cells = append(cells, m[1]+" - "+m[2])
	}
	return cells
}

// bestEnd and worstEnd match what questions call the ends of a scale, besides its labels.
var (
	bestEnd = regexp.MustCompile(`(?i)^(best|highest|high|excellent|outstanding|very (good|high|satisfied|easy|well)|always|` +
		`strongly agree|agree|sehr gut|am besten|stimme .*zu|excellente?|très (bon|bien)|muy (bueno|bien)|ótimo|muito bom)\b`)
	worstEnd = regexp.MustCompile(`(?i)^(worst|lowest|low|poor|awful|terrible|very (bad|poor|low|dissatisfied|difficult|hard)|` +
		`never|not at all|strongly disagree|disagree|sehr schlecht|mangelhaft|ungenügend|am schlechtesten|stimme .*nicht zu|` +
		`très (mauvais|mal)|muy (malo|mal)|péssimo|muito ruim)\b`)
)

// endWord is whether what a question says of an end of its scale is the best (1) or the worst (−1); 0: not known.
func endWord(label string) int {
	switch {
	case worstEnd.MatchString(label):
		return -1
	case bestEnd.MatchString(label):
		return 1
	}
	return 0
}

// unclearEnds returns a note if a question names both ends of its scale, and it is not known which of them is the best;
// else "".
func unclearEnds(header string, scale surveys.Scale, turned bool) string {
	named := map[int]string{}
	for _, end := range endsOf(header) {
		number, label, _ := strings.Cut(end, " - ")
		named[atoi(number)] = label
	}
	low, high := named[scale.Min], named[scale.Max]
	if low == "" || high == "" || turned || labelPoint(form.Fold(low), scale.Points()) > 0 ||
		labelPoint(form.Fold(high), scale.Points()) > 0 || endWord(low) < 0 || endWord(high) > 0 {
		return ""
	}
	return fmt.Sprintf("its question says that %d is %q and %d is %q: if the first is the best, write scale: %d-%d",
		scale.Min, shorten(low), scale.Max, shorten(high), scale.Max, scale.Min)
}

// isTurned reports whether cells such as "1 - Strongly agree" show that the highest label has the lowest number.
func isTurned(scale surveys.Scale, answered []string) bool {
	turned, straight := 0, 0
	for _, a := range answered {
		read := readCell(a)
		if read.number < 0 || read.label == "" || scale.Min != 1 {
			continue
		}
		p := labelPoint(read.label, scale.Points())
		if p == 0 && (read.number == scale.Min || read.number == scale.Max) {
			p = map[int]int{-1: scale.Min, 1: scale.Max}[endWord(read.label)]
		}
		switch {
		case p == 0 || p*2 == scale.Min+scale.Max:
		case p == read.number:
			straight++
		case p == scale.Min+scale.Max-read.number:
			turned++
		}
	}
	return turned > straight
}

var asksForText = regexp.MustCompile(`(?i)\b(comments?|anything else|tell us|describe|suggest\w*|explain|why|in your own ` +
	`words|what should|what would|what is (the )?(one|most|best|worst)|what (helps|slows|blocks|stops))\b|open-ended`)

// isText reports whether a column holds what people wrote: by its header, because a text is long, or because nearly all
// answers differ. Those of one or two words are not taken for it: they can be names.
func isText(header string, answered, cells []string) bool {
	if asksForText.MatchString(header) {
		return true
	}
	words := 0
	for _, a := range answered {
		n := len(strings.Fields(a))
		if words += n; n > 12 {
			return true
		}
	}
	return words > 4*len(answered) || words > 2*len(answered) && mostlyDiffer(answered, cells)
}

// mostlyDiffer reports whether nearly all answers differ, and are many.
func mostlyDiffer(answered, cells []string) bool {
	filled := 0
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			filled++
		}
	}
	return len(answered) >= 8 && len(answered)*2 > min(filled, 40)
}

// areFacts reports whether most answers are numbers or dates.
func areFacts(answered []string) bool {
	facts := 0
	for _, a := range answered {
		_, number := strconv.ParseFloat(strings.ReplaceAll(strings.ReplaceAll(a, " ", ""), ",", "."), 64)
		_, date := form.Clock{}.Time(a)
		if number == nil || date == nil {
			facts++
		}
	}
	return 2*facts > len(answered)
}

var stopWords = map[string]bool{
	"a": true, "an": true, "the": true, "i": true, "my": true, "me": true, "we": true, "our": true, "is": true,
	"are": true,
	"to":  true, "of": true, "in": true, "on": true, "for": true, "and": true, "or": true, "with": true, "it": true,
	"do": true, "you": true, "your": true, "how": true, "am": true, "be": true, "can": true, "have": true, "that": true,
	"this": true, "as": true, "at": true, "by": true, "what": true, "would": true, "much": true, "does": true, "has": true,
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// keyOf makes a key of the words of a question that no other has.
func keyOf(text string, taken map[string]bool) string {
	var words []string
	for _, w := range strings.Fields(notWord.ReplaceAllString(strings.ReplaceAll(form.Fold(text), "'", ""), " ")) {
		if !stopWords[w] && len(words) < 4 && len(w) < 30 {
			words = append(words, w)
		}
	}
	key := strings.Join(words, "-")
	if key == "" {
		key = "question"
	}
	for base, n := key, 2; taken[key]; n++ {
		key = base + "-" + strconv.Itoa(n)
	}
	taken[key] = true
	return key
}
