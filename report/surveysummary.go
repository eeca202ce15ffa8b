package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/report/words"
)

// SurveySummary is what there is to say about a published survey in half a page, for those who answered it.
type SurveySummary struct {
	Survey
	Before   string    `json:"before"` // id of the survey that changes are since; "": there is none
	Everyone SurveyRow `json:"everyone"`
	// Highest and Lowest are questions, the most and the least content first; Changed those that changed beyond noise.
	Highest []SurveyNumber `json:"highest"`
	Lowest  []SurveyNumber `json:"lowest"`
	Changed []SurveyNumber `json:"changed"`
	Hurts   []SurveyHurt   `json:"hurts"`
	Done    []SurveyDone   `json:"done"`
	Path    string         `json:"path"` // of its page
}

// summaryItems is how many questions of each kind a summary names.
const summaryItems = 3

// SurveySummary returns the summary of a published survey; id "": the latest one.
func (r *Reader) SurveySummary(ctx context.Context, id string) (*SurveySummary, error) {
	x, err := r.SurveyResults(ctx, SurveyQuery{Survey: id, By: SurveyByQuestion})
	if err != nil {
		return nil, err
	}
	after, err := r.SurveyFollowUp(ctx, x.Survey.ID)
	if err != nil {
		return nil, err
	}
	s := &SurveySummary{Survey: x.Survey, Everyone: x.Everyone, Hurts: after.Hurts, Done: after.Done,
		Path: x.Survey.Path(), Changed: []SurveyNumber{}}
	if x.Before != nil {
		s.Before = x.Before.ID
	}
	items := slices.DeleteFunc(slices.Clone(x.Everyone.Numbers), func(n SurveyNumber) bool {
		return n.Measure != SurveyItems || n.Score.Value == nil
	})
	slices.SortStableFunc(items, func(a, b SurveyNumber) int { return cmp.Compare(*b.Score.Value, *a.Score.Value) })
	n := min(summaryItems, (len(items)+1)/2)
	s.Highest = list(items[:n])
	s.Lowest = list(slices.Clone(items[max(n, len(items)-n):])) // no question is both
	slices.Reverse(s.Lowest)
	for _, item := range items {
		if item.Change != nil && item.Change.BeyondNoise {
			s.Changed = append(s.Changed, item)
		}
	}
	slices.SortStableFunc(s.Changed, func(a, b SurveyNumber) int {
		return cmp.Compare(b.Change.Difference, a.Change.Difference)
	})
	return s, nil
}

// SummaryPart is a part of a summary: a sentence, and rows that belong to it.
type SummaryPart struct {
	Head string
	Rows []string
}

// Parts is the summary in words. shown makes a text of somebody else fit to be shown.
func (s *SurveySummary) Parts(shown func(string) string) []SummaryPart {
	people := ""
	if s.Everyone.People > 0 {
		people = fmt.Sprintf(" of %s (%s)", words.Whole(s.Everyone.People), words.Percent(s.Everyone.ResponseRate))
	}
	first := SummaryPart{Head: fmt.Sprintf("%s%s people answered from %s to %s.", words.Whole(s.Everyone.Answers), people,
		words.Day(s.FirstDay), words.Day(s.LastDay))}
	for _, n := range s.Everyone.Numbers {
		if n.Measure != SurveyItems {
			interval := ""
			if n.Score.Low != nil {
				interval = " (" + EstimateInterval(n.Score, 0) + ")"
			}
			first.Rows = append(first.Rows, fmt.Sprintf("%s: %s of 100%s%s", n.Text, EstimateValue(n.Score, 0), interval,
				since(n.Change)))
		}
	}
	parts := []SummaryPart{first}
	add := func(head string, rows []string) {
		if len(rows) > 0 {
			parts = append(parts, SummaryPart{head, rows})
		}
	}
	scores := func(all []SurveyNumber) (rows []string) {
		for _, n := range all {
			rows = append(rows, fmt.Sprintf("%s: %s of 100%s", shown(n.Text), EstimateValue(n.Score, 0), since(n.Change)))
		}
		return rows
	}
	add("Highest:", scores(s.Highest))
	add("Lowest:", scores(s.Lowest))
	add("Changed beyond noise since "+s.Before+":", scores(s.Changed))
	if s.Before != "" && len(s.Changed) == 0 {
		parts = append(parts, SummaryPart{Head: "No question changed beyond noise since " + s.Before + "."})
	}
	var rows []string
	for _, h := range s.Hurts {
		row := fmt.Sprintf("%s: %d of %s pass “%s”", shown(h.Text), h.All.Pass, words.Plural(h.All.Of, "service", "services"),
			shown(h.Rule.Title))
		if h.Rule.Patched {
			row += "; dxctl fix proposes the change"
		}
		rows = append(rows, row)
	}
	add("What to fix: low for everyone or in a team, where a rule that addresses it fails", rows)
	rows = nil
	for _, d := range s.Done {
		if len(d.Began) == 0 && len(d.Fixes) == 0 {
			continue
		}
		row := fmt.Sprintf("%s: %s to pass “%s” since the survey", shown(d.Text),
			words.Plural(len(d.Began), "service came", "services came"), shown(d.Rule.Title))
		if len(d.Fixes) > 0 {
			row += fmt.Sprintf("; %s, %d merged", words.Plural(len(d.Fixes), "pull request of a fix", "pull requests of fixes"),
				d.Merged)
		}
		rows = append(rows, row)
	}
	add("What was done since:", rows)
	return append(parts, SummaryPart{Head: "Results are of groups of at least 5 answers; no name and no " +
		"address is kept."})
}

// since is a change in words, after a comma; "" if it is not known.
func since(c *SurveyChange) string {
	if c == nil {
		return ""
	}
	return ", " + ChangeText(c)
}

// Text is the summary as plain text. shown is that of Parts.
func (s *SurveySummary) Text(shown func(string) string) string {
	return s.write(shown(s.Title)+"\n", "", "  - %s\n", shown)
}

// markdown escapes what Markdown and HTML read as markup.
var markdown = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`,
	"<", "&lt;", ">", "&gt;", "#", `\#`, "@", "&#64;", "\n", " ", "\r", " ")

// Markdown is the summary as Markdown.
func (s *SurveySummary) Markdown() string {
	return s.write("# "+markdown.Replace(s.Title)+"\n", "\n", "- %s\n", markdown.Replace)
}

// write writes the title and the parts; gap is what comes before the first row of a part.
func (s *SurveySummary) write(title, gap, row string, shown func(string) string) string {
	var b strings.Builder
	b.WriteString(title)
	for _, part := range s.Parts(shown) {
		fmt.Fprintf(&b, "\n%s\n", part.Head)
		for i, text := range part.Rows {
			if i == 0 {
				b.WriteString(gap)
			}
			fmt.Fprintf(&b, row, text)
		}
	}
	return b.String()
}
