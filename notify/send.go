package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/collectors/rest"
)

const (
	// sendTimeout is how long a message may take, with the time that a rate limit asks to wait.
	sendTimeout = 90 * time.Second
	// maxAnswer is how many bytes of an answer are read.
	maxAnswer = 64 << 10
	// shownAnswer is how many bytes of an answer an error has.
	shownAnswer = 120
)

// ErrUnclear is wrapped by the error of a message that may have arrived: it was sent, and the chat's answer is missing.
var ErrUnclear = errors.New("it is not known whether the message arrived")

// Sender sends messages. It is safe for use from several goroutines; messages to one address are sent one after the
// other.
type Sender struct {
	hooks map[string]map[string]*hook // by name of the webhook, then by owner; "": every other one
}

// hook is one address.
type hook struct {
	address *url.URL
	client  *http.Client
	sending sync.Mutex
	status  atomic.Int64 // of the latest answer to the message that is sent; 0: none
}

// New returns a sender for a valid configuration.
func New(cfg Config, userAgent string, opt rest.Options) (*Sender, error) {
	s := &Sender{hooks: map[string]map[string]*hook{}}
	for _, w := range cfg.Webhooks {
		s.hooks[w.Name] = map[string]*hook{}
		addresses := map[string]string{"": w.URL}
		for owner, address := range w.Owners {
			ref, err := identifier.ParseRef(owner, "group", "default")
			if err != nil {
				return nil, fmt.Errorf("preparing the webhook %s: %w", w.Name, err)
			}
			addresses[ref.String()] = address
		}
		for owner, address := range addresses {
			h, err := newHook(address, w.AllowPrivateNetwork, userAgent, opt)
			if err != nil {
				return nil, fmt.Errorf("preparing the webhook %s: %w", w.Name, err)
			}
			s.hooks[w.Name][owner] = h
		}
	}
	return s, nil
}

func newHook(address string, private bool, userAgent string, opt rest.Options) (*hook, error) {
	u, err := parse(address)
	if err != nil {
		return nil, err
	}
	// One attempt: who sends a second one must know that the first did not arrive.
	client, err := rest.New(rest.Config{
		BaseURL: &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}, UserAgent: userAgent, AllowPrivateNetwork: private,
		AnyBody: true, MaxConcurrent: 1, PerSecond: 1, MaxBody: maxAnswer, Attempts: 1,
		IdleTimeout: 30 * time.Second, Timeout: time.Minute,
	}, opt)
	if err != nil {
		return nil, err
	}
	h := &hook{address: u}
	client.Observe(rest.Observer{Request: func(r rest.Request) { h.status.Store(int64(r.Status)) }})
	h.client = client.HTTPClient()
	// A redirect would turn the message into a request without a body.
	h.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return h, nil
}

// payload is a message as Slack takes it.
type payload struct {
	Text string `json:"text"`
}

// escape replaces the characters that Slack reads as markup of its own. Mattermost and Rocket.Chat read a
// plain @channel, @all or @here as a mention: the character of no width after the @ keeps them from it.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b")

// Escape returns a text of somebody else, such as a title, in one line and so that it mentions nobody. Its words are
// not links, but for an address that the chat itself makes a link of; *, _ and the like keep their meaning.
func Escape(text string) string {
	return escape.Replace(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)), " "))
}

// Send sends a text for an owner: to the owner's own address where the webhook has one. nil means that the chat took
// it. An error that wraps ErrUnclear leaves open whether it arrived: the connection was lost, or a gateway had no
// answer of the chat. After any other error it did not arrive. Errors name the webhook and its host, never its address.
func (s *Sender) Send(ctx context.Context, webhook, owner, text string) error {
	hooks := s.hooks[webhook]
	h := hooks[owner]
	if h == nil {
		h = hooks[""]
	}
	if h == nil {
		return fmt.Errorf("sending a message: no webhook has the name %q; configure it as notify.webhooks in dx.yaml",
			webhook)
	}
	if err := h.send(ctx, text); err != nil {
		return fmt.Errorf("sending a message through the webhook %s (%s): %w", webhook, h.address.Host, err)
	}
	return nil
}

func (h *hook) send(ctx context.Context, text string) error {
	body, err := json.Marshal(payload{Text: text})
	if err != nil {
		return err
	}
	h.sending.Lock()
	defer h.sending.Unlock()
	h.status.Store(0)
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.address.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is malformed")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "*/*")
	resp, err := h.client.Do(req)
	if err != nil {
		return h.failed(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, shownAnswer)) // what is there of it
	said := Escape(strings.ToValidUTF8(h.hidden(string(answer)), ""))
	if said != "" {
		said = ": " + said
	}
	if gateway(resp.StatusCode) {
		return fmt.Errorf("%w: a gateway answered with status %d %s%s", ErrUnclear, resp.StatusCode,
			http.StatusText(resp.StatusCode), said)
	}
	hint := ""
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		hint = "; the webhook has moved: correct its url"
	case resp.StatusCode < 500:
		hint = "; check that the webhook exists and its url is right"
	}
	return fmt.Errorf("the chat refused it with status %d %s%s%s", resp.StatusCode, http.StatusText(resp.StatusCode), said,
		hint)
}

// gateway reports whether a status is that of a gateway that got no answer, or no useful one: the chat behind it may
// have taken the message.
func gateway(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

// failed is the error of a request without an answer that is of use.
func (h *hook) failed(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // wrapped adds nothing but the address
	}
	shown := errors.New(h.hidden(err.Error()))
	status := int(h.status.Load())
	if status >= http.StatusMultipleChoices && !gateway(status) || notSent(err) {
		return shown
	}
	return fmt.Errorf("%w: %w", ErrUnclear, shown)
}

// hidden is a text without the address.
func (h *hook) hidden(text string) string {
	for _, secret := range []string{h.address.String(), h.address.Redacted(), h.address.RequestURI(), h.address.Path} {
		if len(secret) > 1 {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}

// notSent reports whether an error is one before the message could be sent.
func notSent(err error) bool {
	var refused *rest.RefusedError
	var op *net.OpError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &refused) || errors.As(err, &dns) || errors.As(err, &certificate) ||
		errors.As(err, &op) && op.Op == "dial"
}
