// Package access decides who may do what: programs have tokens with scopes.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Scope is what a token may be used for.
type Scope string

// Plan allows to send edited scorecards and to get what they would change.
const Plan Scope = "plan"

// Scopes are all of them.
var Scopes = []Scope{Plan}

// Token is a secret that a program sends, and what it may be used for.
type Token struct {
	Name     string  `yaml:"name"` // names the token in the log
	Secret   string  `yaml:"secret"`
	Previous string  `yaml:"previous_secret"` // accepted too, while the secret is being changed
	Scopes   []Scope `yaml:"scopes"`
}

var nameRule = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)

// minSecret is the length of the shortest accepted secret, in bytes; a shorter one can be guessed.
const minSecret = 16

// mistakes returns every mistake. An error does not contain the secret.
func (t Token) mistakes() []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !nameRule.MatchString(t.Name) {
		fail("name %q: give 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit", t.Name)
	}
	if len(t.Secret) < minSecret {
		fail("token %s: the secret is missing or shorter than %d characters; make one with `openssl rand -hex 32` and write "+
			"it as ${NAME}", t.Name, minSecret)
	}
	if t.Previous != "" && len(t.Previous) < minSecret {
		fail("token %s: previous_secret is shorter than %d characters; leave it out", t.Name, minSecret)
	}
	if len(t.Scopes) == 0 {
		fail("token %s: no scopes; write scopes: [%s]", t.Name, Plan)
	}
	for _, s := range t.Scopes {
		if !slices.Contains(Scopes, s) {
			fail("token %s: unknown scope %q; the scopes are %s", t.Name, s, scopeNames())
		}
	}
	return errs
}

func scopeNames() string {
	names := make([]string, len(Scopes))
	for i, s := range Scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// Shares reports whether the token has one of the secrets, as its secret or its previous one.
func (t Token) Shares(secrets ...string) bool {
	return slices.ContainsFunc(secrets, func(s string) bool { return s != "" && (s == t.Secret || s == t.Previous) })
}

// Mistakes returns what is wrong with tokens. Two of one name, or with one secret, are a mistake.
func Mistakes(tokens []Token) []error {
	var errs []error
	for i, t := range tokens {
		found := t.mistakes()
		for _, other := range tokens[:i] {
			if t.Name == other.Name {
				found = append(found, fmt.Errorf("the name %q is taken; give each token its own", t.Name))
			}
			if t.Shares(other.Secret, other.Previous) {
				found = append(found, fmt.Errorf("token %s has a secret of token %s; each needs its own", t.Name, other.Name))
			}
		}
		for _, err := range found {
			errs = append(errs, fmt.Errorf("tokens[%d]: %w", i, err))
		}
	}
	return errs
}

// Sender is who sent a request: the token that came with it.
type Sender struct {
	Name   string
	scopes []Scope
}

// May reports whether the sender has a scope.
func (s Sender) May(scope Scope) bool { return slices.Contains(s.scopes, scope) }

// Tokens knows tokens by their hashes. It does not change and may be used from many goroutines.
type Tokens struct{ known []hashed }

type hashed struct {
	sum    [sha256.Size]byte
	sender Sender
}

// New returns the tokens. They need not be valid: one without scopes is known and may do nothing.
func New(tokens ...Token) *Tokens {
	t := &Tokens{}
	for _, token := range tokens {
		for _, secret := range []string{token.Secret, token.Previous} {
			if secret != "" {
				t.known = append(t.known, hashed{sha256.Sum256([]byte(secret)), Sender{token.Name, token.Scopes}})
			}
		}
	}
	return t
}

// Any reports whether any token has the scope.
func (t *Tokens) Any(scope Scope) bool {
	return slices.ContainsFunc(t.known, func(h hashed) bool { return h.sender.May(scope) })
}

// Sender returns who sends a request with this Authorization header, "Bearer <secret>"; false if no token has the
// secret. How long it takes depends on no secret: it compares the hash with that of every token.
func (t *Tokens) Sender(authorization string) (Sender, bool) {
	scheme, secret, _ := strings.Cut(authorization, " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	var found Sender
	known := 0
	for i := range t.known {
		same := subtle.ConstantTimeCompare(sum[:], t.known[i].sum[:])
		if same == 1 {
			found = t.known[i].sender
		}
		known |= same
	}
	return found, known == 1 && strings.EqualFold(scheme, "Bearer")
}
