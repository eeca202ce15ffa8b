package rest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ErrUnauthorized is wrapped by the errors of clients whose credentials the source rejected.
var ErrUnauthorized = errors.New("the source rejected the credentials")

// RefusedError is a request that was not sent because of where it would have gone.
type RefusedError struct {
	Target  string // host, or address
	Why     string
	Private bool // the name of the source resolves to an address of a private network
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("refused to connect to %s: %s", e.Target, e.Why)
}

// allow refuses every URL that is not on the configured scheme, host and port. A source that redirects elsewhere, or
// names a page elsewhere, would otherwise be handed our token, or point us into our own network.
func (c *Client) allow(u *url.URL) error {
	base := c.cfg.BaseURL
	if strings.EqualFold(u.Scheme, base.Scheme) && strings.EqualFold(u.Hostname(), base.Hostname()) &&
		portOf(u) == portOf(base) {
		return nil
	}
	return &RefusedError{Target: u.Scheme + "://" + u.Host, Why: fmt.Sprintf("the source is configured for %s://%s; if "+
		"it has moved, change its url", base.Scheme, base.Host)}
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if strings.EqualFold(u.Scheme, "https") {
		return "443"
	}
	return "80"
}

// guardedTransport dials only where the configuration allows. The address is checked when it is dialled, after the name
// has been resolved, so that a name cannot point somewhere else the second time.
func guardedTransport(cfg Config) http.RoundTripper {
	allowPrivate := cfg.AllowPrivateNetwork || !cfg.ForeignURL && namesPrivate(cfg.BaseURL.Hostname())
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: cfg.BaseURL}); err == nil && proxy != nil {
		allowPrivate = true // what is dialled is the proxy, which the operator chose
	}
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return checkAddress(address) }
	}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		MaxIdleConns: cfg.MaxConcurrent, MaxIdleConnsPerHost: cfg.MaxConcurrent, MaxConnsPerHost: 2 * cfg.MaxConcurrent,
		IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 15 * time.Second,
		MaxResponseHeaderBytes: 1 << 20, ReadBufferSize: 64 << 10,
	}
}

// namesPrivate reports whether the operator wrote a private address, or this machine's own name, into the URL; that is
// the permission.
func namesPrivate(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && !public(ip)
}

func checkAddress(address string) error {
	addrPort, err := netip.ParseAddrPort(address)
	if err != nil {
		return &RefusedError{Target: address, Why: "the address cannot be read: " + err.Error()}
	}
	if public(addrPort.Addr()) {
		return nil
	}
	return &RefusedError{Target: address, Private: true, Why: "the source's name leads into a private network; if that " +
		"is meant (a server of your own), set allow_private_network: true for the source"}
}

var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b:1::/48"),
}

// public reports whether ip is an address of the open internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.IsPrivate() || ip.IsLoopback() || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
