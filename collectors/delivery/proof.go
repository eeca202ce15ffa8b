package delivery

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"strings"
)

// Proof checks that the sender of a request knows one of a source's secrets. A token is checked when the proof is made,
// from the header alone; a signature is of the body, which is written to the proof as it is received. Every comparison
// takes the same time wherever the values differ.
type Proof struct {
	known      bool // the token is right
	signatures []signature
}

// signature is what the body must hash to with one secret.
type signature struct {
	mac  hash.Hash
	sent [][]byte // one of them
}

// Token notes a token that was sent in place of a secret. It counts only where valid.
func (p *Proof) Token(sent, secret string, valid bool) {
	p.known = sameSecret(sent, secret) && valid || p.known
}

// Signed expects the body to hash to one of the signatures, with what comes before it.
func (p *Proof) Signed(key []byte, sent [][]byte, before ...string) {
	if len(sent) == 0 {
		return
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range before {
		mac.Write([]byte(part)) // a hash's Write returns no error
	}
	p.signatures = append(p.signatures, signature{mac, sent})
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

// Known reports whether the headers alone prove a secret.
func (p *Proof) Known() bool { return p.known }

// Possible reports whether the body is worth reading: the header has the right token, or a signature that may be right.
func (p *Proof) Possible() bool { return p.known || len(p.signatures) > 0 }

// Write takes a part of the body. It returns no error.
func (p *Proof) Write(part []byte) (int, error) {
	for _, s := range p.signatures {
		s.mac.Write(part)
	}
	return len(part), nil
}

// Valid reports whether the request is authentic, once all of the body was written.
func (p *Proof) Valid() bool {
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
