package workflow

import "strings"

// token is a part of an expression: an identifier in lower case, a literal, or an operator.
type token struct {
	kind byte // 'a' identifier, 'l' literal, else the first character of an operator
	text string
}

// tokenize splits an expression. A character that is none of the language becomes a token that no rule accepts.
func tokenize(text string) []token {
	var tokens []token
	for i := 0; i < len(text); {
		ch := text[i]
		end := i + 1
		kind := ch
		switch {
		case ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r':
			i++
			continue
		case ch == '\'': // '' inside a literal is a quote
			for end < len(text) {
				if strings.HasPrefix(text[end:], "''") {
					end++
				} else if text[end] == '\'' {
					end++
					break
				}
				end++
			}
			tokens = append(tokens, token{'l', text[i+1 : max(i+1, end-1)]})
			i = end
			continue
		case isWord(ch):
			for end < len(text) && (isWord(text[end]) || text[end] == '-') {
				end++
			}
			kind = 'a'
		case strings.HasPrefix(text[i:], "&&"), strings.HasPrefix(text[i:], "||"), strings.HasPrefix(text[i:], "=="),
			strings.HasPrefix(text[i:], "!="), strings.HasPrefix(text[i:], "<="), strings.HasPrefix(text[i:], ">="):
			end++
			if ch == '!' {
				kind = '='
			}
		}
		tokens = append(tokens, token{kind, strings.ToLower(text[i:end])})
		i = end
	}
	return tokens
}

func isWord(ch byte) bool {
	return ch == '_' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= '0' && ch <= '9'
}

// maxNesting bounds parentheses inside each other; GitHub's own limit is 50.
const maxNesting = 50

// evaluator finds out whether the value of an expression can be untrusted text, by recursive descent. Each method
// consumes tokens and returns that for what it consumed. A comparison and a negation are true or false, whatever they
// compare; "a && b || c" is one of its parts.
type evaluator struct {
	tokens []token
	env    map[string]bool
	failed bool
}

// next consumes and returns the next token if it is of a kind.
func (p *evaluator) next(kind byte) (string, bool) {
	if len(p.tokens) == 0 || p.tokens[0].kind != kind {
		return "", false
	}
	text := p.tokens[0].text
	p.tokens = p.tokens[1:]
	return text, true
}

func (p *evaluator) or(depth int, whole bool) bool {
	if depth > maxNesting {
		p.failed = true
	}
	if p.failed {
		return false
	}
	result := p.and(depth, whole)
	for {
		if _, ok := p.next('|'); !ok {
			return result
		}
		result = p.and(depth, whole) || result
	}
}

func (p *evaluator) and(depth int, whole bool) bool {
	result := p.comparison(depth, whole)
	for {
		if _, ok := p.next('&'); !ok {
			return result
		}
		// The left part is the value only if it is false, which is an empty text.
		result = p.comparison(depth, whole)
	}
}

func (p *evaluator) comparison(depth int, whole bool) bool {
	result := p.unary(depth, whole)
	for {
		compares := false
		for _, kind := range []byte("=<>") {
			if _, ok := p.next(kind); ok {
				compares = true
			}
		}
		if !compares {
			return result
		}
		p.unary(depth, whole)
		result = false
	}
}

func (p *evaluator) unary(depth int, whole bool) bool {
	negated := false
	for {
		if _, ok := p.next('!'); !ok {
			break
		}
		negated = true
	}
	return p.primary(depth, whole) && !negated
}

func (p *evaluator) primary(depth int, whole bool) bool {
	if _, ok := p.next('l'); ok {
		return false
	}
	if _, ok := p.next('-'); ok { // a negative number
		_, ok := p.next('a')
		p.failed = p.failed || !ok
		return false
	}
	if _, ok := p.next('('); ok {
		result := p.or(depth+1, whole)
		p.want(')')
		return p.path(nil, depth, whole) || result
	}
	name, ok := p.next('a')
	if !ok {
		p.failed = true
		return false
	}
	if _, ok := p.next('('); ok {
		return p.call(name, depth)
	}
	return p.path([]string{name}, depth, whole)
}

func (p *evaluator) want(kind byte) {
	if _, ok := p.next(kind); !ok {
		p.failed = true
	}
}

// call reads the arguments of a function. Of functions whose value is true, false or a hash, the arguments do not
// matter; of all others, also unrecognized ones, the value can contain them.
func (p *evaluator) call(name string, depth int) bool {
	result := false
	for {
		if _, ok := p.next(')'); ok {
			break
		}
		result = p.or(depth+1, name == "tojson" || name == "join") || result
		if _, ok := p.next(','); !ok {
			p.want(')')
			break
		}
		if p.failed {
			return false
		}
	}
	result = p.path(nil, depth, false) || result
	switch name {
	case "contains", "startswith", "endswith", "hashfiles", "success", "failure", "always", "cancelled":
		return false
	}
	return result
}

// path reads what follows a name: .name, .*, ['name'] and [index].
func (p *evaluator) path(path []string, depth int, whole bool) bool {
	for !p.failed {
		if _, ok := p.next('.'); ok {
			if _, ok := p.next('*'); ok {
				path = append(path, "*")
			} else if name, ok := p.next('a'); ok {
				path = append(path, name)
			} else {
				p.failed = true
			}
			continue
		}
		if _, ok := p.next('['); !ok {
			break
		}
		if name, ok := p.next('l'); ok {
			path = append(path, strings.ToLower(name))
		} else if _, ok := p.next('*'); ok {
			path = append(path, "*")
		} else {
			p.or(depth+1, false)
			path = append(path, "*")
		}
		p.want(']')
	}
	return isUntrusted(path, p.env, whole)
}
