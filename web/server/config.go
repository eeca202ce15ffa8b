package server

import (
	"fmt"
	"net"
	"strings"
)

// Config says where the dashboard listens.
type Config struct {
	Addr  string   `yaml:"addr"`  // host:port; the default is loopback only
	Hosts []string `yaml:"hosts"` // further host names of requests on loopback, as behind a proxy
}

// DefaultConfig listens on loopback, port 8080.
func DefaultConfig() Config { return Config{Addr: "127.0.0.1:8080"} }

// Validate checks that the address is host:port and the hosts are bare names.
func (c Config) Validate() error {
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
