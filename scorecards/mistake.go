package scorecards

import (
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
)

// mistake is an error in an expression, at a byte offset of its source.
type mistake struct {
	offset  int
	message string
}

// issuesOf returns the mistakes that CEL found, in the words of scorecards, with a hint where these do not help.
func issuesOf(issues *cel.Issues, source string) []mistake {
	var mistakes []mistake
	for _, issue := range issues.Errors() {
		message := issue.Message
		offset := offsetOf(source, issue.Location.Line(), issue.Location.Column())
		switch {
		case strings.Contains(message, "undeclared reference to '"+factPrefix),
			strings.Contains(message, "undeclared reference to 'facts'"):
			continue // reported by rewrite, with what was probably meant
		case strings.Contains(message, "undeclared reference to 'entity'"):
			names := make([]string, 0, len(entityVariables))
			for _, v := range entityVariables {
				names = append(names, strings.TrimPrefix(v.name, "entity."))
			}
			message = "entity has no such field; it has " + strings.Join(names, ", ")
		case strings.Contains(message, "undeclared reference"):
			message += usable
		case strings.HasPrefix(message, syntaxError):
			if strings.Contains(message, "'<EOF>'") {
				offset = len(source)
			}
			message = syntaxMessage(message, source)
		case overload.MatchString(message):
			message = overloadMessage(message)
		}
		mistakes = append(mistakes, mistake{offset, message})
	}
	return mistakes
}

// What an expression can use: that of a rule, and that of a filter.
const (
	usable         = `; an expression can use facts["name"], entity.field and now`
	usableInFilter = "; a filter can use entity.field"
)

// ofFilter returns the message of a mistake in a filter.
func ofFilter(message string) string { return strings.Replace(message, usable, usableInFilter, 1) }

const syntaxError = "Syntax error: "

var (
	// expecting is the parser's list of tokens, which names no key of a keyboard.
	expecting   = regexp.MustCompile(` expecting (\{.*\}|\S+)$`)
	unfinished  = regexp.MustCompile(`missing ('.+') at '<EOF>'`)
	unexpected  = regexp.MustCompile(`(?:mismatched|extraneous) input ('.+')`)
	noToken     = regexp.MustCompile(`token recognition error at: '(?s:(.*))'$`)
	plainSpan   = regexp.MustCompile(`^\s*[0-9]+(\.[0-9]+)?[smhdw]\s*$`)
	overload    = regexp.MustCompile(`^found no matching overload for '(.+)' applied to '(.*)'$`)
	decimalHint = regexp.MustCompile(`double.*\bint\b|\bint\b.*double`)
)

// operatorsMeant are the operators for the words that other languages have.
var operatorsMeant = map[string]string{"'and'": "&&", "'or'": "||", "'not'": "!", "'is'": "=="}

// syntaxMessage returns what is wrong where the parser of CEL does not understand source.
func syntaxMessage(message, source string) string {
	switch token := noToken.FindStringSubmatch(message); {
	case unfinished.MatchString(message):
		return syntaxError + "the expression ends before " + unfinished.FindStringSubmatch(message)[1]
	case strings.Contains(message, "'<EOF>'"):
		return syntaxError + "the expression ends too early: a value is missing"
	case token != nil && strings.HasPrefix(token[1], "="):
		return syntaxError + "= is no operator; compare with =="
	case token != nil && (strings.HasPrefix(token[1], `"`) || strings.HasPrefix(token[1], "'")):
		return syntaxError + "the text that begins here has no closing quote"
	case token != nil:
		return fmt.Sprintf("%s%q is not understood", syntaxError, token[1])
	}
	found := unexpected.FindStringSubmatch(message)
	switch {
	case found == nil:
		return expecting.ReplaceAllString(message, "")
	case operatorsMeant[found[1]] != "":
		return fmt.Sprintf("%s%s is no operator; write %s", syntaxError, found[1], operatorsMeant[found[1]])
	case plainSpan.MatchString(source):
		return syntaxError + `a span of time is written as a call with hours, minutes or seconds: duration("720h")`
	}
	return syntaxError + found[1] + " does not belong here"
}

// overloadMessage says which types an operator or function does not take. Names are those of the file format.
func overloadMessage(message string) string {
	parts := overload.FindStringSubmatch(message)
	text := fmt.Sprintf("found no matching overload for %s applied to %s",
		strings.NewReplacer("@", "", "_", "").Replace(parts[1]), typeWords.Replace(parts[2]))
	if decimalHint.MatchString(parts[2]) && parts[1] != operators.Modulo { // of which decimal numbers have none
		text += "; a number is a decimal number here: write 1.0 instead of 1"
	}
	return text
}

// typeWords replaces CEL's names of types by those of facts.
var typeWords = strings.NewReplacer("google.protobuf.Timestamp", "time", "google.protobuf.Duration", "duration",
	"double", "number", "int", "whole number", "list(string)", "list")

// typeName returns the name of a type for people.
func typeName(t *cel.Type) string { return typeWords.Replace(t.String()) }
