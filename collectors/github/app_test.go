package github

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/collecttest"
	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/collectors/github/streamtest"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// appServer is a fake with a repository, for whose only token an App stands. The clock is the App's and the
// collector's.
func appServer(t *testing.T) (s *githubtest.Server, cfg Config, clock *atomic.Int64) {
	t.Helper()
	key, text := githubtest.Key(t)
	clock = &atomic.Int64{}
	clock.Store(now.Unix())
	s = streamtest.Serve(t, everything())
	s.App = &githubtest.App{
		ID:           "77",
		Installation: "4711",
		Key:          &key.PublicKey,
		Now:          func() time.Time { return time.Unix(clock.Load(), 0) },
	}
	return s, Config{
		Source:       "gh",
		URL:          s.URL,
		Repositories: []string{scope},
		App:          client.App{ID: "77", InstallationID: "4711", PrivateKey: text},
	}, clock
}

func appCollector(t *testing.T, cfg Config, clock *atomic.Int64, tune ...func(*source.Options)) *Collector {
	t.Helper()
	opt := source.Options{
		Now:   func() time.Time { return time.Unix(clock.Load(), 0) },
		Tune:  func(r *rest.Config) { r.PerSecond, r.Burst, r.Backoff = 1e6, 1e6, time.Millisecond },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	for _, t := range tune {
		t(&opt)
	}
	c, err := New(cfg, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnAppCollectsWithOneTokenAtATime(t *testing.T) {
	s, cfg, clock := appServer(t)
	c, m := appCollector(t, cfg, clock), collecttest.NewWriter()
	if err := c.Collect(t.Context(), scope, m); err != nil || m.Number(event.KindChange) != 160 ||
		m.Number(event.KindPipelineRun) != 231 {
		t.Fatalf("stored %d changes and %d attempts, %v", m.Number(event.KindChange), m.Number(event.KindPipelineRun), err)
	}
	if s.App.Given != 1 {
		t.Errorf("%d tokens were asked for", s.App.Given)
	}
	for _, r := range s.Requests() {
		if app := strings.Contains(r.Path, "/app/"); app == strings.HasPrefix(r.Authorization, "Bearer ghs_") {
			t.Errorf("%s %s with %.12s", r.Method, r.Path, r.Authorization)
		}
	}
	for _, tc := range []struct {
		name   string
		passed time.Duration
		given  int
	}{{"half an hour", 30 * time.Minute, 1}, {"56 minutes: replaced before it ends", 26 * time.Minute, 2}, {"a day", 24 * time.Hour, 3}} {
		clock.Add(int64(tc.passed / time.Second))
		if err := c.Collect(t.Context(), scope, m); err != nil || s.App.Given != tc.given {
			t.Errorf("%s: %d tokens, want %d, %v", tc.name, s.App.Given, tc.given, err)
		}
	}
	for _, r := range s.Requests() {
		if r.Status == http.StatusUnauthorized {
			t.Errorf("%s %s was refused", r.Method, r.Path)
		}
	}
	s.Lock()
	s.App.Revoked = true // also a token that seems good
	s.Unlock()
	if err := c.Collect(t.Context(), scope, m); err != nil || s.App.Given != 4 {
		t.Errorf("revoked: %d tokens, %v", s.App.Given, err)
	}
}

func TestCheckExplainsAWrongKeyOrInstallation(t *testing.T) {
	_, foreign := githubtest.Key(t)
	keyDir := ""
	for _, tc := range []struct {
		name string
		tune func(*testing.T, *Config, *atomic.Int64, *githubtest.Server)
		want string
	}{
		{"all is well", func(*testing.T, *Config, *atomic.Int64, *githubtest.Server) {}, ""},
		{"another app's key", func(_ *testing.T, c *Config, _ *atomic.Int64, _ *githubtest.Server) { c.App.PrivateKey = foreign }, "do not belong together"},
		{"another app's id", func(_ *testing.T, c *Config, _ *atomic.Int64, _ *githubtest.Server) { c.App.ID = "78" }, "do not belong together"},
		{"another installation", func(_ *testing.T, c *Config, _ *atomic.Int64, _ *githubtest.Server) { c.App.InstallationID = "1" }, "no installation 1; it is installed as 4711 (acme)"},
		{"a clock that is wrong", func(_ *testing.T, _ *Config, clock *atomic.Int64, s *githubtest.Server) {
			s.App.Now = func() time.Time { return now.Add(-time.Hour) }
		}, "clock is 1h0m0s away"},
		{"no key file", func(_ *testing.T, c *Config, _ *atomic.Int64, _ *githubtest.Server) {
			c.App.PrivateKey, c.App.PrivateKeyFile = "", "/nonexistent/key.pem"
		}, "check app.private_key_file"},
		{"a key file that is none", func(t *testing.T, c *Config, _ *atomic.Int64, _ *githubtest.Server) {
			c.App.PrivateKey, c.App.PrivateKeyFile = "", filepath.Join(t.TempDir(), "key.pem")
			if err := os.WriteFile(c.App.PrivateKeyFile, []byte("s3cr3t-not-pem"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a PEM file"},
		{"a key file next to the configuration", func(t *testing.T, c *Config, _ *atomic.Int64, _ *githubtest.Server) {
			dir := t.TempDir()
			t.Chdir(t.TempDir())
			if err := os.WriteFile(filepath.Join(dir, "key.pem"), []byte(c.App.PrivateKey), 0o600); err != nil {
				t.Fatal(err)
			}
			c.App.PrivateKey, c.App.PrivateKeyFile, keyDir = "", "key.pem", dir
		}, ""},
		{"suspended", func(_ *testing.T, _ *Config, _ *atomic.Int64, s *githubtest.Server) {
			s.Before = func(int, *http.Request) *githubtest.Fault {
				return &githubtest.Fault{Status: 403, Body: `{"message":"This installation has been suspended"}`}
			}
		}, "suspended"},
		{"a repository that the installation does not cover", func(_ *testing.T, c *Config, _ *atomic.Int64, _ *githubtest.Server) {
			c.Repositories = []string{"acme/other"}
		}, "the app's installation may not see it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, cfg, clock := appServer(t)
			tc.tune(t, &cfg, clock, s)
			err := appCollector(t, cfg, clock, func(o *source.Options) { o.Dir = keyDir }).Check(t.Context())
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want one that says %q", err, tc.want)
			}
			if err != nil &&
				(strings.Contains(err.Error(), "PRIVATE") || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "eyJ")) {
				t.Errorf("error %q shows a secret", err)
			}
		})
	}
}

func TestAnAppsConfiguration(t *testing.T) {
	key, text := githubtest.Key(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	inPEM := func(b []byte) string { return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b})) }
	for _, tc := range []struct {
		name string
		tune func(*Config)
		want string
	}{
		{"a key", func(*Config) {}, ""},
		{"a key in the newer form", func(c *Config) { c.App.PrivateKey = inPEM(pkcs8) }, ""},
		{"a key on one line", func(c *Config) { c.App.PrivateKey = strings.ReplaceAll(text, "\n", `\n`) }, ""},
		{"a client id", func(c *Config) { c.App.ID = "Iv23liABC" }, ""},
		{"a file", func(c *Config) { c.App.PrivateKey, c.App.PrivateKeyFile = "", "key.pem" }, ""},
		{"both", func(c *Config) { c.App.PrivateKeyFile = "key.pem" }, "not both"},
		{"none", func(c *Config) { c.App.PrivateKey = "" }, "private_key is missing"},
		{"no id", func(c *Config) { c.App.ID = "" }, "app.id"},
		{"an address as the installation", func(c *Config) { c.App.InstallationID = "https://github.com/x/1" }, "app.installation_id"},
		{"a token in addition", func(c *Config) { c.Token = "x" }, "token or app"},
		{"another kind of key", func(c *Config) { c.App.PrivateKey = inPEM(other) }, "no RSA private key"},
		{"no key at all", func(c *Config) { c.App.PrivateKey = "s3cr3t" }, "not a PEM file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := Config{Source: "gh", Repositories: []string{"a/b"}, App: client.App{ID: "1", InstallationID: "2", PrivateKey: text}}
			tc.tune(&cfg)
			err := cfg.Validate()
			if (err == nil) != (tc.want == "") ||
				err != nil && (!strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "s3cr3t")) {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
}
