package delivery

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// Protocol is how senders of a kind send: how they prove who they are, and which parts of a request are needed to read
// it.
type Protocol struct {
	Kind string // of the source, as the configuration names it
	// Sign begins the check of a request against one secret: it tells p what the headers prove, or what the body has to.
	Sign func(p *Proof, secret string, h http.Header)
	// Unauthorized is the answer to a sender that proves nothing: what is missing, and where to set it.
	Unauthorized string
	// ValidateSecret returns what is wrong with a secret of this kind; nil: any secret is right that is long enough.
	ValidateSecret func(secret string) error
	// Unsupported returns why a body with such headers is not read; empty when it is.
	Unsupported func(h http.Header) string
	// Facts is Unsupported at the address of facts, of shared sources that report facts.
	Facts func(h http.Header) string
	// Headers are kept with the body, which cannot be read without them; lower case. "ce-*" is every header that begins
	// so. No credentials and no signatures.
	Headers []string
	// IDs are the headers that may hold the sender's own id of a delivery.
	IDs []string
	// Shared: sources of this kind have one address, and the token tells which of them a delivery is of.
	Shared bool
}

// FormType is the media type of forms.
const FormType = "application/x-www-form-urlencoded"

// MediaType returns the media type of a request, and why it cannot be read. Both are empty for a sender that gives
// none.
func MediaType(h http.Header) (media, unreadable string) {
	sent := h.Get("Content-Type")
	if sent == "" {
		return "", ""
	}
	media, _, err := mime.ParseMediaType(sent)
	if err != nil {
		return "", fmt.Sprintf("Content-Type %.80q is malformed; send application/json", sent)
	}
	return media, ""
}

// JSON is the Protocol.Unsupported of senders of JSON. A sender that names no type means JSON.
func JSON(h http.Header) string {
	media, unreadable := MediaType(h)
	if unreadable != "" || media == "" || media == "application/json" || strings.HasSuffix(media, "+json") {
		return unreadable
	}
	return fmt.Sprintf("Content-Type %.80q is not supported; send application/json", h.Get("Content-Type"))
}

// JSONOrForm is the Protocol.Unsupported of senders of JSON, or of a form with the JSON in one field.
func JSONOrForm(h http.Header) string {
	if media, _ := MediaType(h); media == FormType {
		return ""
	}
	return JSON(h)
}

// Bearer is the Protocol.Sign of senders that send the secret as a bearer token.
func Bearer(p *Proof, secret string, h http.Header) {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	p.Token(strings.TrimSpace(token), secret, strings.EqualFold(scheme, "Bearer"))
}

// BearerMissing is the Protocol.Unauthorized of senders of a [Bearer].
const BearerMissing = "missing or invalid token; send the source's secret as Authorization: Bearer <secret>"

// HexSignature is the Protocol.Sign of senders that sign the body with HMAC-SHA-256: the header lists signatures in
// hexadecimal, of which those with the prefix count.
func HexSignature(header, prefix string) func(p *Proof, secret string, h http.Header) {
	return func(p *Proof, secret string, h http.Header) {
		p.Signed([]byte(secret), hexSignatures(h.Get(header), prefix))
	}
}

// Keep returns the headers to store with the body.
func (p Protocol) Keep(h http.Header) map[string]string {
	headers := map[string]string{}
	for _, name := range p.Headers {
		prefix, wild := strings.CutSuffix(name, "*")
		if v := h.Get(name); v != "" && !wild {
			headers[name] = v
		}
		for sent, values := range h {
			if sent = strings.ToLower(sent); wild && strings.HasPrefix(sent, prefix) && len(values) > 0 {
				headers[sent] = values[0]
			}
		}
	}
	return headers
}

// DeliveryID returns the sender's own name of a delivery.
func (p Protocol) DeliveryID(h http.Header) string {
	for _, name := range p.IDs {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return ""
}
