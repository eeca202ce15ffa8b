package server

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/dxctl/dxctl/access"
)

// Config says where the dashboard listens, and which programs may do more than read.
type Config struct {
	Addr  string   `yaml:"addr"`  // host:port; the default is loopback only
	Hosts []string `yaml:"hosts"` // further host names of requests on loopback, as behind a proxy
	// Tokens are those of programs, with what each may do. Without one for plans, none are made.
	Tokens []access.Token `yaml:"tokens"`
	// PlanTimeout is how long a plan of edited scorecards may take before it is stopped.
	PlanTimeout time.Duration `yaml:"plan_timeout"`
}

// The bounds of PlanTimeout.
const (
	shortestPlan = time.Second
	longestPlan  = 30 * time.Minute
)

// DefaultConfig listens on loopback, port 8080.
func DefaultConfig() Config { return Config{Addr: "127.0.0.1:8080", PlanTimeout: 2 * time.Minute} }

// Validate checks that the address is host:port, the hosts are bare names, and the tokens can be used.
func (c Config) Validate() error {
	var errs []error
	for _, err := range access.Mistakes(c.Tokens) {
		errs = append(errs, fmt.Errorf("server.%w", err))
	}
	if c.PlanTimeout != 0 && (c.PlanTimeout < shortestPlan || c.PlanTimeout > longestPlan) {
		errs = append(errs, fmt.Errorf("server.plan_timeout: %s is not between %s and %s", c.PlanTimeout, shortestPlan,
			longestPlan))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return fmt.Errorf("server.addr %q: %w; write host:port, as in 127.0.0.1:8080", c.Addr, err)
	}
	for _, h := range c.Hosts {
		if h == "" || strings.ContainsAny(h, "/: ") {
			return fmt.Errorf("server.hosts: %q is not a host name; write it without scheme and port", h)
		}
	}
	return nil
}

// local reports whether whoever reads the dashboard is on this machine: it listens on loopback, and no name of another
// host is configured, as it is behind a proxy.
func (c Config) local() bool { return c.loopback() && len(c.Hosts) == 0 }

// loopback reports whether only this machine can reach the address.
func (c Config) loopback() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
