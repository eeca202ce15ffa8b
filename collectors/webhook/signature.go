package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
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

// authentic reports whether the request comes from somebody who knows one of the source's secrets. Every comparison
// takes the same time wherever the values differ.
func (s Source) authentic(h http.Header, body []byte) bool {
	ok := false
	for _, secret := range []string{s.Secret, s.Previous} {
		if secret != "" && s.proves(secret, h, body) {
			ok = true
		}
	}
	return ok
}

func (s Source) proves(secret string, h http.Header, body []byte) bool {
	switch s.Kind {
	case GitHub:
		sent, found := strings.CutPrefix(h.Get("X-Hub-Signature-256"), "sha256=")
		return found && hexMatches(sent, secret, body)
	case CircleCI:
		for one := range strings.SplitSeq(h.Get("circleci-signature"), ",") { // v1=…, and perhaps versions to come
			if sent, found := strings.CutPrefix(strings.TrimSpace(one), "v1="); found && hexMatches(sent, secret, body) {
				return true
			}
		}
		return false
	case GitLab:
		if strings.HasPrefix(secret, signingPrefix) {
			return standardMatches(h, secret, body)
		}
		return sameSecret(h.Get("X-Gitlab-Token"), secret)
	}
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && sameSecret(strings.TrimSpace(token), secret)
}

// sameSecret compares digests, so that the time does not tell the length either.
func sameSecret(sent, secret string) bool {
	a, b := sha256.Sum256([]byte(sent)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func hexMatches(sent, secret string, body []byte) bool {
	signature, err := hex.DecodeString(sent)
	return err == nil && hmac.Equal(signature, sum([]byte(secret), body))
}

// standardMatches checks a signature as the Standard Webhooks specification has it: one of several, each
// v1,base64(HMAC-SHA-256(id.timestamp.body)). The timestamp's age is not looked at: a delivery that is sent again changes
// nothing, and GitLab itself sends again what it could not deliver.
func standardMatches(h http.Header, secret string, body []byte) bool {
	key, err := signingKey(secret)
	if err != nil {
		return false
	}
	want := sum(key, []byte(h.Get("webhook-id")), []byte("."), []byte(h.Get("webhook-timestamp")), []byte("."), body)
	ok := false
	for one := range strings.FieldsSeq(h.Get("webhook-signature")) {
		sent, found := strings.CutPrefix(one, "v1,")
		if signature, err := base64.StdEncoding.DecodeString(sent); found && err == nil && hmac.Equal(signature, want) {
			ok = true
		}
	}
	return ok
}

func sum(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write(p) // a hash's Write returns no error
	}
	return mac.Sum(nil)
}
