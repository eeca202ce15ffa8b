package paths

import (
	"regexp/syntax"
	"strings"
	"unicode"
)

// Sample returns an answer that the question accepts: its default, the first of its choices, or a text that its pattern
// matches. ok is false if none was found for the pattern.
func (q *Question) Sample() (text string, ok bool) {
	switch {
	case q.Default != "":
		text = q.Default
	case len(q.Choices) > 0:
		text = q.Choices[0]
	case q.Pattern == DefaultPattern:
		text = "sample"
	default:
		tree, err := syntax.Parse(q.Pattern, syntax.Perl)
		if err != nil {
			return "", false
		}
		var out strings.Builder
		matching(tree.Simplify(), &out)
		text = out.String()
	}
	return text, q.Check(text) == nil
}

// Samples returns an answer to each question, and the questions for which none was found.
func (p *Path) Samples() (a Answers, without []string) {
	a = Answers{}
	for i := range p.Questions {
		text, ok := p.Questions[i].Sample()
		if !ok {
			without = append(without, p.Questions[i].Name)
			continue
		}
		a[p.Questions[i].Name] = text
	}
	return a, without
}

// maxSample bounds the text that matching writes.
const maxSample = 2 * MaxAnswer

// matching writes a text that a regular expression matches. Conditions at its ends are not looked at; the caller checks
// the text.
func matching(re *syntax.Regexp, out *strings.Builder) {
	if out.Len() > maxSample {
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		out.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		out.WriteRune(typical(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		out.WriteByte('a')
	case syntax.OpCapture, syntax.OpPlus:
		matching(re.Sub[0], out)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			matching(sub, out)
		}
	case syntax.OpAlternate:
		matching(re.Sub[0], out)
	case syntax.OpRepeat:
		for range re.Min {
			matching(re.Sub[0], out)
		}
	default: // what may be empty, and conditions
	}
}

// typical returns a character of a class: a small letter or digit if it has one. ranges are pairs of the first and the
// last character.
func typical(ranges []rune) rune {
	in := func(r rune) bool {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= r && r <= ranges[i+1] {
				return true
			}
		}
		return false
	}
	for _, r := range "ab01AB" {
		if in(r) {
			return r
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1] && r < unicode.MaxASCII; r++ {
			if unicode.IsPrint(r) && r != ' ' {
				return r
			}
		}
	}
	if len(ranges) == 0 {
		return 'a'
	}
	return ranges[0]
}
