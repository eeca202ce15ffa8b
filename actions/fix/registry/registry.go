// Package registry asks registries of container images for digests, with the credentials that docker login left.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/net/publicsuffix"
)

// Timeout bounds how long a registry may take to answer, with signing in.
const Timeout = 10 * time.Second

// Client asks for digests. The zero value uses the credentials of Docker's configuration, anonymous access without any.
type Client struct {
	UserAgent string
	Transport http.RoundTripper // nil: the default one

	mutex sync.Mutex
	down  map[string]error // by registry: one that does not answer is not asked for the next image
}

var sha256 = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Digest returns the digest ("sha256:…") that an image with a tag has now: that of the index for an image of several
// platforms. It sends one HEAD request, after signing in. Credentials are sent to the site of the registry only, and
// never in clear text except to this machine.
func (c *Client) Digest(ctx context.Context, image string) (string, error) {
	tag, err := name.NewTag(image)
	if err != nil {
		return "", fmt.Errorf("reading the name of the image %q: %w", image, err)
	}
	host := tag.RegistryStr()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if err := c.down[host]; err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	base := c.Transport
	if base == nil {
		base = remote.DefaultTransport
	}
	found, err := remote.Head(tag, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithTransport(&guard{base: base, host: host}), remote.WithUserAgent(c.UserAgent),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryStatusCodes())
	var answer *transport.Error
	switch {
	case errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound:
		return "", fmt.Errorf("asking %s for the digest of %s: there is no such image or tag", host, tag)
	case errors.As(err, &answer) &&
		(answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return "", fmt.Errorf("asking %s for the digest of %s: the registry refuses (status %d); sign in with `docker login`",
			host, tag, answer.StatusCode)
	case err != nil:
		err = fmt.Errorf("asking %s for the digest of %s: %w", host, tag, err)
		if answer == nil {
			if c.down == nil {
				c.down = map[string]error{}
			}
			c.down[host] = fmt.Errorf("the registry %s did not answer before: %w", host, errors.Unwrap(err))
		}
		return "", err
	}
	digest := found.Digest.String()
	if !sha256.MatchString(digest) {
		return "", fmt.Errorf("asking %s for the digest of %s: the answer %q is no SHA-256", host, tag, digest)
	}
	return digest, nil
}

// guard refuses requests that would send credentials elsewhere: where a registry has its clients sign in is chosen by
// the registry, and the name of the registry by whoever wrote the repository.
type guard struct {
	base http.RoundTripper
	host string // of the registry, with its port
}

// RoundTrip sends a request.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	secret := r.Header.Get("Authorization") != "" || r.Method != http.MethodGet && r.Method != http.MethodHead
	switch {
	case !secret:
	case site(r.URL.Host) != site(g.host):
		return nil, fmt.Errorf("the registry %s asks for credentials at %s, which is another site; they are not sent there",
			g.host, r.URL.Host)
	case r.URL.Scheme != "https" && !loopback(r.URL):
		return nil, fmt.Errorf("the registry %s asks for credentials without encryption; they are not sent", g.host)
	}
	return g.base.RoundTrip(r)
}

// site returns the domain that belongs to one owner; the host and the port themselves for addresses.
func site(host string) string {
	plain := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		plain = h
	}
	if net.ParseIP(plain) != nil {
		return host
	}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(plain)); err == nil {
		return domain
	}
	return host
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback() || u.Hostname() == "localhost"
}
