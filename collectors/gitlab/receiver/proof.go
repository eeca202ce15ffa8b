package receiver

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
)

// signingPrefix begins a GitLab signing token.
const signingPrefix = "whsec_"

// minKey is the length in bytes of the shortest key in a signing token.
const minKey = 16

// signingKey returns the key in a GitLab signing token.
func signingKey(token string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(token, signingPrefix))
	if err != nil || len(key) < minKey {
		return nil, fmt.Errorf("secret begins with %s but is not a GitLab signing token; copy it again from the webhook's "+
			"page", signingPrefix)
	}
	return key, nil
}

// validSecret returns what is wrong with a secret that begins as a signing token does.
func validSecret(secret string) error {
	if !strings.HasPrefix(secret, signingPrefix) {
		return nil
	}
	_, err := signingKey(secret)
	return err
}

// sign expects the secret token in a header, or where the secret is a signing token a signature as the Standard
// Webhooks specification has it: one of several, each v1,base64(HMAC-SHA-256(id.timestamp.body)). The timestamp's age
// is not checked: a delivery that is sent again changes nothing, and GitLab itself sends again what it could not
// deliver.
func sign(p *delivery.Proof, secret string, h http.Header) {
	if !strings.HasPrefix(secret, signingPrefix) {
		p.Token(h.Get("X-Gitlab-Token"), secret, true)
		return
	}
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
	p.Signed(key, sent, h.Get("webhook-id"), ".", h.Get("webhook-timestamp"), ".")
}
