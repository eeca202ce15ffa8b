package dependency

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dxctl/dxctl/repository/fact"
)

// maxDepth bounds objects and lists inside each other.
const maxDepth = 200

// ParseJSON5 parses JSON, JSON with comments, and JSON5: comments, trailing commas, unquoted keys, single quotes,
// escaped line ends, hexadecimal numbers. It returns map[string]any, []any, string, float64, bool or nil.
func ParseJSON5(text string) (any, error) {
	p := &json5{text: text}
	value, err := p.value(0)
	if err == nil {
		if p.space(); p.pos < len(p.text) {
			err = errors.New("there is more after the end of the value")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", fact.Line(text, p.pos), err)
	}
	return value, nil
}

type json5 struct {
	text string
	pos  int
}

// space skips white space and comments.
func (p *json5) space() {
	for p.pos < len(p.text) {
		rest := p.text[p.pos:]
		switch {
		case strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			p.pos += end
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest, "*/")
			if end < 0 {
				p.pos = len(p.text)
				return
			}
			p.pos += end + 2
		case strings.ContainsRune(" \t\n\r\v\f\u00a0\ufeff\u2028\u2029", firstRune(rest)):
			p.pos += utf8.RuneLen(firstRune(rest))
		default:
			return
		}
	}
}

func firstRune(text string) rune {
	r, _ := utf8.DecodeRuneInString(text)
	return r
}

// next skips space and consumes a character if it is the next one.
func (p *json5) next(ch byte) bool {
	p.space()
	if p.pos < len(p.text) && p.text[p.pos] == ch {
		p.pos++
		return true
	}
	return false
}

func (p *json5) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	}
	switch {
	case p.next('{'):
		return p.object(depth)
	case p.next('['):
		list := []any{}
		for !p.next(']') {
			item, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
			if !p.next(',') {
				if !p.next(']') {
					return nil, errors.New("a comma or ] is missing")
				}
				break
			}
		}
		return list, nil
	case p.pos < len(p.text) && (p.text[p.pos] == '"' || p.text[p.pos] == '\''):
		return p.string()
	}
	return p.word()
}

func (p *json5) object(depth int) (any, error) {
	object := map[string]any{}
	for !p.next('}') {
		var key string
		var err error
		if p.pos < len(p.text) && (p.text[p.pos] == '"' || p.text[p.pos] == '\'') {
			key, err = p.string()
		} else {
			key = p.name()
		}
		if err != nil {
			return nil, err
		}
		if key == "" && p.pos < len(p.text) && p.text[p.pos] != ':' || !p.next(':') {
			return nil, errors.New("a key and a colon are expected")
		}
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		object[key] = value
		if !p.next(',') {
			if !p.next('}') {
				return nil, errors.New("a comma or } is missing")
			}
			break
		}
	}
	return object, nil
}

func (p *json5) name() string {
	start := p.pos
	for p.pos < len(p.text) && !strings.ContainsRune(" \t\n\r,:{}[]\"'/", rune(p.text[p.pos])) {
		p.pos++
	}
	return p.text[start:p.pos]
}

func (p *json5) word() (any, error) {
	word := p.name()
	switch strings.TrimPrefix(word, "+") {
	case "true", "false":
		return word == "true", nil
	case "null":
		return nil, nil
	case "":
		return nil, errors.New("a value is expected")
	}
	if number, err := strconv.ParseFloat(word, 64); err == nil {
		return number, nil
	}
	if number, err := strconv.ParseInt(word, 0, 64); err == nil {
		return float64(number), nil
	}
	return nil, fmt.Errorf("%.40q is not a value", word)
}

func (p *json5) string() (string, error) {
	quote := p.text[p.pos]
	var out strings.Builder
	for p.pos++; p.pos < len(p.text); p.pos++ {
		switch ch := p.text[p.pos]; ch {
		case quote:
			p.pos++
			return out.String(), nil
		case '\n':
			return "", errors.New("a text is not closed")
		case '\\':
			p.pos++
			if err := p.escape(&out); err != nil {
				return "", err
			}
		default:
			out.WriteByte(ch)
		}
	}
	return "", errors.New("a text is not closed")
}

// escape reads what follows a backslash, up to its last character.
func (p *json5) escape(out *strings.Builder) error {
	if p.pos >= len(p.text) {
		return errors.New("a text is not closed")
	}
	switch ch := p.text[p.pos]; ch {
	case '\n': // a line that continues
	case 'n':
		out.WriteByte('\n')
	case 't':
		out.WriteByte('\t')
	case 'r':
		out.WriteByte('\r')
	case 'b':
		out.WriteByte('\b')
	case 'f':
		out.WriteByte('\f')
	case 'v':
		out.WriteByte('\v')
	case '0':
		out.WriteByte(0)
	case 'u', 'x':
		size := map[byte]int{'u': 4, 'x': 2}[ch]
		if p.pos+size >= len(p.text) {
			return errors.New("a text is not closed")
		}
		digits := p.text[p.pos+1 : p.pos+1+size]
		if _, err := strconv.ParseUint(digits, 16, 32); err != nil {
			return fmt.Errorf("%.8q is not an escaped character", digits)
		}
		if ch == 'x' {
			digits = "00" + digits
		}
		var text string
		// encoding/json also joins the halves of a character that is written as two escapes.
		escaped := `\u` + digits
		if ch == 'u' && strings.HasPrefix(p.text[p.pos+1+size:], `\u`) && p.pos+3+2*size <= len(p.text) {
			pair := p.text[p.pos+3+size : p.pos+3+2*size]
			if n, err := strconv.ParseUint(pair, 16, 32); err == nil && n >= 0xdc00 && n < 0xe000 {
				escaped += `\u` + pair
				p.pos += size + 2
			}
		}
		if err := json.Unmarshal([]byte(`"`+escaped+`"`), &text); err != nil {
			return fmt.Errorf("%.8q is not an escaped character", digits)
		}
		out.WriteString(text)
		p.pos += size
	default:
		out.WriteByte(ch)
	}
	return nil
}
