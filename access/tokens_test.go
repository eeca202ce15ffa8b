package access

import (
	"errors"
	"strings"
	"testing"
)

const secret = "a-secret-of-some-length"

func TestMistakes(t *testing.T) {
	good := Token{Name: "rules", Secret: secret, Scopes: []Scope{Plan}}
	with := func(change func(*Token)) Token {
		token := good
		change(&token)
		return token
	}
	for _, tc := range []struct {
		name   string
		tokens []Token
		want   []string // in the error; none: valid
	}{
		{"none", nil, nil},
		{"one", []Token{good}, nil},
		{"everything missing", []Token{{}}, []string{`tokens[0]: name ""`, "the secret is missing", "no scopes; write scopes: [plan]"}},
		{"a short secret", []Token{with(func(t *Token) { t.Secret = "sesame" })}, []string{"shorter than 16"}},
		{"a short previous one", []Token{with(func(t *Token) { t.Previous = "sesame" })}, []string{"previous_secret is shorter than 16"}},
		{"an unknown scope", []Token{with(func(t *Token) { t.Scopes = []Scope{"plans"} })}, []string{`unknown scope "plans"; the scopes are plan`}},
		{"one twice", []Token{good, good}, []string{`tokens[1]: the name "rules" is taken`, "tokens[1]: token rules has a secret of token rules"}},
		{"a previous secret of another", []Token{with(func(t *Token) { t.Name, t.Secret, t.Previous = "old", strings.Repeat("x", 20), secret }), good},
			[]string{"token rules has a secret of token old"}},
		{"a previous secret that is another's", []Token{good, with(func(t *Token) { t.Name, t.Secret, t.Previous = "new", strings.Repeat("x", 20), secret })},
			[]string{"tokens[1]: token new has a secret of token rules"}},
		{"one previous secret of two", []Token{
			with(func(t *Token) { t.Name, t.Secret, t.Previous = "one", strings.Repeat("x", 20), secret }),
			with(func(t *Token) { t.Name, t.Secret, t.Previous = "two", strings.Repeat("y", 20), secret })},
			[]string{"tokens[1]: token two has a secret of token one"}},
		{"no previous secrets", []Token{good, with(func(t *Token) { t.Name, t.Secret = "other", strings.Repeat("x", 20) })}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := errors.Join(Mistakes(tc.tokens)...)
			if (err == nil) != (tc.want == nil) {
				t.Fatalf("%v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %s", err, want)
				}
			}
			if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "sesame")) {
				t.Errorf("the error has a secret: %v", err)
			}
		})
	}
}

func TestSender(t *testing.T) {
	tokens := New(Token{Name: "rules", Secret: secret, Previous: "the-secret-before-it", Scopes: []Scope{Plan}},
		Token{Name: "scripts", Secret: "of-a-source-of-events"}, Token{Name: "empty"})
	for _, tc := range []struct {
		header, name string
		known, may   bool
	}{
		{"", "", false, false},
		{"Bearer", "", false, false},
		{"Bearer ", "", false, false},
		{"Bearer wrong", "", false, false},
		{"Bearer " + secret + "x", "", false, false},
		{"Basic " + secret, "", false, false},
		{secret, "", false, false},
		{"Bearer " + secret, "rules", true, true},
		{"bearer  " + secret + " ", "rules", true, true},
		{"Bearer the-secret-before-it", "rules", true, true},
		{"Bearer of-a-source-of-events", "scripts", true, false},
	} {
		got, known := tokens.Sender(tc.header)
		if known != tc.known || known && (got.Name != tc.name || got.May(Plan) != tc.may) {
			t.Errorf("%q: %+v %t", tc.header, got, known)
		}
	}
	if !tokens.Any(Plan) || New(Token{Name: "scripts", Secret: secret}).Any(Plan) {
		t.Error("which scopes there are is wrong")
	}
}
