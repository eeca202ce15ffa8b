package server

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// policy allows what the pages are made of and nothing else. Only style attributes may be inline, because ECharts
// writes its tooltips with them; they cannot load or run anything.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; " +
	"frame-ancestors 'none'"

// secure sets the headers of every answer and lets only reading requests through.
func secure(c *fiber.Ctx) error {
	setSecurityHeaders(c)
	if m := c.Method(); m != fiber.MethodGet && m != fiber.MethodHead {
		c.Set(fiber.HeaderAllow, "GET, HEAD")
		return fiber.NewError(fiber.StatusMethodNotAllowed, m+" is not offered: this server is read with GET and HEAD")
	}
	return c.Next()
}

// secureHeaders is secure for the routes that answer a question in a body.
func secureHeaders(c *fiber.Ctx) error {
	setSecurityHeaders(c)
	return c.Next()
}

func setSecurityHeaders(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

// sameHost refuses requests for a host that is not this machine while the server listens on loopback. Without it a web
// page elsewhere could point its own name at 127.0.0.1 and read the dashboard through the visitor's browser.
func sameHost(cfg Config) fiber.Handler {
	if !cfg.loopback() {
		return func(c *fiber.Ctx) error { return c.Next() }
	}
	return func(c *fiber.Ctx) error {
		host := string(c.Request().Header.Host())
		name := host
		if h, _, err := net.SplitHostPort(host); err == nil {
			name = h
		}
		name = strings.ToLower(strings.Trim(name, "[]"))
		ip := net.ParseIP(name)
		known := slices.ContainsFunc(cfg.Hosts, func(h string) bool { return strings.EqualFold(h, name) })
		if known || name == "localhost" || ip != nil && ip.IsLoopback() {
			return c.Next()
		}
		return fiber.NewError(fiber.StatusMisdirectedRequest, fmt.Sprintf(
			"this server listens on loopback and was asked for the host %q; open http://%s, "+
				"or add the name to server.hosts when a proxy stands in front", host, cfg.Addr))
	}
}
