package pages

import (
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/web/charts"
)

// strip is a score of a survey as a picture: a line from 0 to 100 with the interval, the score, and that of the survey
// before.
type strip struct {
	Known    bool // there is a score
	At       float64
	Interval bool // From and Width are set
	From     float64
	Width    float64
	Before   *float64
	Class    string // "up" or "down" if the change is beyond noise, else ""
	Label    string // the same in words
}

func stripOf(n report.SurveyNumber) strip {
	if n.Score.Value == nil {
		return strip{Label: "not known"}
	}
	s := strip{Known: true, At: *n.Score.Value, Label: report.EstimateText(n.Score, 0) + " of 100"}
	if low, high, ok := n.Score.Bounds(); ok {
		s.Interval, s.From, s.Width = true, low, high-low
	}
	if c := n.Change; c != nil && c.Before != nil {
		s.Before = c.Before
		s.Label += "; " + words.Number(*c.Before, 0) + " in " + c.Since
		switch {
		case c.BeyondNoise && c.Difference > 0:
			s.Class = "up"
		case c.BeyondNoise && c.Difference < 0:
			s.Class = "down"
		}
	}
	return s
}

// distribution lays the answers to a question out over a bar, the worst points first.
func distribution(n report.SurveyNumber) []segment {
	total := 0
	for _, count := range n.Counts {
		total += count
	}
	var out []segment
	at := 0.0
	for i, count := range n.Counts {
		if count == 0 {
			continue
		}
		tone, strength := charts.Tone(i, len(n.Counts))
		width := 100 * float64(count) / float64(total)
		s := segment{Class: tone, From: at, To: at + width, Strength: strength,
			Title: words.Plural(count, "answer", "answers") + " of " + words.Whole(n.Lowest+i)}
		out = append(out, s)
		at += width
	}
	return out
}
