package scorecards

import (
	"strings"
	"testing"
)

// TestMistakesInExpressionsAreInPlainWords: each says what to write, at its place, and names types as facts do.
func TestMistakesInExpressionsAreInPlainWords(t *testing.T) {
	const owner = `facts["catalog.has_owner"]`
	for expr, want := range map[string]string{
		owner + ` &&`:                      "10:39: rule owned: expr: Syntax error: the expression ends too early: a value is missing",
		"|\n      " + owner + "\n      ||": "12:8: rule owned: expr: Syntax error: the expression ends too early",
		`(` + owner:                        "10:37: rule owned: expr: Syntax error: the expression ends before ')'",
		owner + ` and ` + owner:            "10:38: rule owned: expr: Syntax error: 'and' is no operator; write &&",
		owner + ` = true`:                  "10:38: rule owned: expr: Syntax error: = is no operator; compare with ==",
		`'facts["catalog.has_owner'`:       `10:18: rule owned: expr: Syntax error: the text that begins here has no closing quote`,
		owner + ` true`:                    "10:38: rule owned: expr: Syntax error: 'true' does not belong here",
		`facts["catalog.owner"] > 3`:       "10:34: rule owned: expr: found no matching overload for > applied to (string, whole number)",
		`facts["catalog.owner_members"] in [1, 2]`: "found no matching overload for in applied to (number, list(whole number)); a " +
			"number is a decimal number here: write 1.0 instead of 1",
		`facts["catalog.owner_members"]`:          "the expression is a number; it must be a bool",
		`facts["catalog.owner_members"] % 2 == 0`: "found no matching overload for % applied to (number, whole number)\n",
		`now`: "the expression is a time; it must be a bool",
		"\n    bands:\n      value: now - facts[\"deploy.last_at\"]\n      pass: \"<= 30d\"": "12:19: rule owned: bands.pass: Syntax error: " +
			`a span of time is written as a call with hours, minutes or seconds: duration("720h")`,
		"\n    bands:\n      value: facts[\"catalog.has_owner\"]\n      pass: \"<= 30\"": "11:14: rule owned: bands.value: the expression is a " +
			"bool; it must be a number, whole number, time or duration",
	} {
		card := strings.Replace(goodCard, "expr: "+owner, "expr: "+expr, 1)
		if strings.HasPrefix(expr, "\n    bands") {
			card = strings.Replace(goodCard, "expr: "+owner, strings.TrimSpace(expr), 1)
		}
		_, err := Parse([]byte(card), "card.yaml")
		if err == nil || !strings.Contains(err.Error()+"\n", want) {
			t.Errorf("%s\n got %v\nwant %s", expr, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "google.") || strings.Contains(err.Error(), "NUM_INT") || strings.Contains(err.Error(), "EOF")) {
			t.Errorf("%s: not for people: %v", expr, err)
		}
	}
}

// TestAValueThatCannotBeReadIsOneMistake: what follows from it is not reported.
func TestAValueThatCannotBeReadIsOneMistake(t *testing.T) {
	for line, want := range map[string]string{
		"weight: heavy":   "cannot use the text `heavy` as a number",
		"version: '2'":    "cannot use the text `2` as a whole number",
		"version: 1.5":    "cannot use the number `1.5` as a whole number",
		"version: 3e9":    "rule owned: version is not a whole number from 1 to 2147483647",
		"action: patch":   "cannot use the text `patch` as a mapping",
		"level: gold":     `mapping key "level" already defined at line 8`,
		"effort: [hours]": "mapping key \"effort\" already defined at line 11",
		"links: [{title: a, url: 'https://ana:secret@wiki.example.com/'}]": "a link contains a user name or a password",
	} {
		_, err := Parse([]byte(goodCard+"    "+line+"\n"), "card.yaml")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 || !strings.HasPrefix(err.Error(), "card.yaml:12:") {
			t.Errorf("%s: %v; want only %s", line, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is shown: %v", err)
		}
	}
	_, err := Parse([]byte(with("levels: [bronze]", "levels: [bronze, Bronze]")), "card.yaml")
	if err == nil || err.Error() != `card.yaml:5:18: level "Bronze" is listed twice` {
		t.Error(err)
	}
}
