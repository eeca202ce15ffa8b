package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strings"
)

// signingPrefix begins a GitLab signing token.
const signingPrefix = "whsec_"

// signingKey returns the key in a GitLab signing token.
func signingKey(token string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(token, signingPrefix))
	if err != nil || len(key) < minSecret {
		return nil, fmt.Errorf("secret begins with %s but is not a GitLab signing token; copy it again from the webhook's page", signingPrefix)
	}
	return key, nil
}

// proof checks that a request comes from somebody who knows one of a source's secrets. A token is checked when the proof is
// made, from the header alone; a signature is of the body, which is written to the proof as it is received. Every
// comparison takes the same time wherever the values differ.
type proof struct {
	known      bool // the token is right
	signatures []signature
}

// signature is what the body must hash to with one secret.
type signature struct {
	mac  hash.Hash
	sent [][]byte // one of them
}

// proof begins the check of a request.
func (s Source) proof(h http.Header) *proof {
	p := &proof{}
	for _, secret := range []string{s.Secret, s.Previous} {
		if secret != "" {
			s.expect(p, secret, h)
		}
	}
	return p
}

func (s Source) expect(p *proof, secret string, h http.Header) {
	switch {
	case s.Kind == GitHub:
		p.signed([]byte(secret), hexSignatures(h.Get("X-Hub-Signature-256"), "sha256="))
	case s.Kind == CircleCI: // v1=…, and perhaps versions to come
		p.signed([]byte(secret), hexSignatures(h.Get("circleci-signature"), "v1="))
	case s.Kind == GitLab && strings.HasPrefix(secret, signingPrefix):
		p.standard(secret, h)
	case s.Kind == GitLab:
		p.known = sameSecret(h.Get("X-Gitlab-Token"), secret) || p.known
	default:
		scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
		p.known = strings.EqualFold(scheme, "Bearer") && sameSecret(strings.TrimSpace(token), secret) || p.known
	}
}

// signed expects the body to hash to one of the signatures, with what comes before it.
func (p *proof) signed(key []byte, sent [][]byte, before ...string) {
	if len(sent) == 0 {
		return
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range before {
		mac.Write([]byte(part)) // a hash's Write returns no error
	}
	p.signatures = append(p.signatures, signature{mac, sent})
}

// standard expects a signature as the Standard Webhooks specification has it: one of several, each
// v1,base64(HMAC-SHA-256(id.timestamp.body)). The timestamp's age is not looked at: a delivery that is sent again changes
// nothing, and GitLab itself sends again what it could not deliver.
func (p *proof) standard(secret string, h http.Header) {
	key, err := signingKey(secret)
	if err != nil {
		return
	}
	var sent [][]byte
	for one := range strings.FieldsSeq(h.Get("webhook-signature")) {
		text, found := strings.CutPrefix(one, "v1,")
		if s, err := base64.StdEncoding.DecodeString(text); found && err == nil && len(s) == sha256.Size {
			sent = append(sent, s)
		}
	}
	p.signed(key, sent, h.Get("webhook-id"), ".", h.Get("webhook-timestamp"), ".")
}

// hexSignatures are the well-formed signatures in a list.
func hexSignatures(list, prefix string) [][]byte {
	var sent [][]byte
	for one := range strings.SplitSeq(list, ",") {
		text, found := strings.CutPrefix(strings.TrimSpace(one), prefix)
		if s, err := hex.DecodeString(text); found && err == nil && len(s) == sha256.Size {
			sent = append(sent, s)
		}
	}
	return sent
}

// possible reports whether the body is worth reading: the header has the right token, or a signature that may be right.
func (p *proof) possible() bool { return p.known || len(p.signatures) > 0 }

// Write takes a part of the body. It returns no error.
func (p *proof) Write(part []byte) (int, error) {
	for _, s := range p.signatures {
		s.mac.Write(part)
	}
	return len(part), nil
}

// valid reports whether the request is authentic, once all of the body was written.
func (p *proof) valid() bool {
	ok := p.known
	for _, s := range p.signatures {
		want := s.mac.Sum(nil)
		for _, sent := range s.sent {
			ok = hmac.Equal(sent, want) || ok
		}
	}
	return ok
}

// sameSecret compares digests, so that the time does not tell the length either.
func sameSecret(sent, secret string) bool {
	a, b := sha256.Sum256([]byte(sent)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
