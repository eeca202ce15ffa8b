package client

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/rest"
)

// App configures the installation of a GitHub App: credentials that belong to no person, with a higher rate limit than
// a person's.
type App struct {
	ID             string `yaml:"id"`              // the app's id or client id
	InstallationID string `yaml:"installation_id"` // the number at the end of the installation's address
	PrivateKey     string `yaml:"private_key"`     // PEM, as GitHub gives it
	// where that is, instead, relative to the configuration; read whenever a token is due
	PrivateKeyFile string `yaml:"private_key_file"`
}

// Configured reports whether any field is set.
func (a App) Configured() bool { return a != App{} }

var (
	appIDRule        = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	installationRule = regexp.MustCompile(`^[0-9]+$`)
)

// Validate returns every mistake, joined.
func (a App) Validate() error {
	var errs []error
	if !appIDRule.MatchString(a.ID) {
		errs = append(errs, fmt.Errorf("app.id %q: give the app's id or its client id, as the app's settings show it", a.ID))
	}
	if !installationRule.MatchString(a.InstallationID) {
		errs = append(errs, fmt.Errorf("app.installation_id %q: give the number at the end of the installation's address "+
			"(Settings, Applications, Configure)", a.InstallationID))
	}
	switch {
	case a.PrivateKey != "" && a.PrivateKeyFile != "":
		errs = append(errs, errors.New("app: give private_key or private_key_file, not both"))
	case a.PrivateKey == "" && a.PrivateKeyFile == "":
		errs = append(errs, errors.New("app.private_key is missing: generate one in the app's settings and give it as "+
			"${GITHUB_APP_KEY}, or its file as private_key_file"))
	case a.PrivateKey != "":
		if _, err := parseKey([]byte(a.PrivateKey)); err != nil {
			errs = append(errs, fmt.Errorf("app.private_key: %w", err))
		}
	}
	return errors.Join(errs...)
}

// key reads the private key.
func (a App) key() (*rsa.PrivateKey, error) {
	text := []byte(a.PrivateKey)
	if a.PrivateKeyFile != "" {
		var err error
		if text, err = os.ReadFile(a.PrivateKeyFile); err != nil {
			return nil, fmt.Errorf("reading the app's private key: %w; check app.private_key_file", err)
		}
	}
	key, err := parseKey(text)
	if err != nil && a.PrivateKeyFile != "" {
		err = fmt.Errorf("app.private_key_file %s: %w", a.PrivateKeyFile, err)
	}
	return key, err
}

// parseKey reads an RSA key in PEM. A key that went through an environment variable may have its line ends as "\n". An
// error never shows what it read.
func parseKey(text []byte) (*rsa.PrivateKey, error) {
	if !strings.Contains(string(text), "\n") {
		text = []byte(strings.ReplaceAll(string(text), `\n`, "\n"))
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not a PEM file; give the .pem that GitHub made, from -----BEGIN to END----- with " +
			"its line breaks")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(*rsa.PrivateKey); ok && err == nil {
		return key, nil
	}
	return nil, fmt.Errorf("it holds a %s that is no RSA private key without a password; generate one in the app's "+
		"settings", block.Type)
}

// assertion returns the JSON Web Token with which an app authenticates; it is valid from one minute before now until
// eight minutes after. No JWT library is needed: header and claims are fixed, and no token is parsed or verified here.
func assertion(key *rsa.PrivateKey, appID string, now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{
		"iss": appID,
		"iat": now.Add(-time.Minute).Unix(), // GitHub's clock may be behind ours
		"exp": now.Add(8 * time.Minute).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("writing the app's assertion: %w", err)
	}
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + enc.EncodeToString(claims)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("signing the app's assertion: %w", err)
	}
	return text + "." + enc.EncodeToString(signature), nil
}

// early is how long before its end a token is replaced: a request that waits in line must not outlive it. GitHub's
// tokens last an hour.
const early = 5 * time.Minute

// installation creates the tokens of an app's installation. It is safe for use from several goroutines: one requests a
// token, and the others wait for it.
type installation struct {
	app    App
	base   *url.URL
	client *rest.Client // carries the app's assertion; has a budget of its own, so that a full one cannot block it
	now    func() time.Time

	lock  chan struct{} // guards token and until: a mutex that a context can interrupt
	token string
	until time.Time // of the token, on our clock
}

func newInstallation(app App, cfg rest.Config, opt rest.Options) (*installation, error) {
	i := &installation{app: app, base: cfg.BaseURL, now: opt.Now, lock: make(chan struct{}, 1)}
	if i.now == nil {
		i.now = time.Now
	}
	cfg.Token, cfg.MaxConcurrent = "", 2
	cfg.TokenSource = func(context.Context, string) (string, error) {
		key, err := app.key()
		if err != nil {
			return "", err
		}
		return assertion(key, app.ID, i.now())
	}
	var err error
	i.client, err = rest.New(cfg, opt)
	return i, err
}

// Token returns a token that is good for some minutes more. It is a [rest.TokenSource].
func (i *installation) Token(ctx context.Context, refused string) (string, error) {
	select {
	case i.lock <- struct{}{}:
		defer func() { <-i.lock }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if i.token != "" && i.token != refused && i.now().Before(i.until.Add(-early)) {
		return i.token, nil
	}
	var fresh struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	header, err := i.ask(ctx, http.MethodPost, "app/installations/"+i.app.InstallationID+"/access_tokens", &fresh)
	if err != nil {
		return "", err
	}
	if fresh.Token == "" {
		return "", fmt.Errorf("%s gave no token for installation %s", i.base, i.app.InstallationID)
	}
	lasts := time.Hour
	if server, err := http.ParseTime(header.Get("Date")); err == nil && !fresh.ExpiresAt.IsZero() {
		lasts = fresh.ExpiresAt.Sub(server) // both are the server's clock; ours may be wrong
	}
	i.token, i.until = fresh.Token, i.now().Add(max(lasts, early+time.Second))
	return i.token, nil
}

// ask sends a request as the app.
func (i *installation) ask(ctx context.Context, method, path string, into any) (http.Header, error) {
	target := i.base.JoinPath(path).String()
	req, err := http.NewRequestWithContext(ctx, method, target, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, target, err)
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	resp, err := i.client.HTTPClient().Do(req)
	if err != nil {
		return nil, fmt.Errorf("as app %s: %w", i.app.ID, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		return nil, i.explain(ctx, method, path, resp)
	}
	return resp.Header, decode(resp, into)
}

// explain says what is wrong with the app's credentials.
func (i *installation) explain(ctx context.Context, method, path string, resp *http.Response) error {
	var said struct {
		Message string `json:"message"`
	}
	_ = decode(resp, &said) // what it says is a help, no more
	fail := func(format string, args ...any) error {
		return fmt.Errorf(
			"%s %s: %w: status %d %s: %s",
			method,
			path,
			rest.ErrUnauthorized,
			resp.StatusCode,
			said.Message,
			fmt.Sprintf(format, args...),
		)
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		if server, err := http.ParseTime(resp.Header.Get("Date")); err == nil && server.Sub(i.now()).Abs() > 45*time.Second {
			return fail("this machine's clock is %s away from GitHub's; set it right, because what an app signs is good for "+
				"minutes", server.Sub(i.now()).Abs().Round(time.Second))
		}
		return fail("GitHub does not take what app %s signed: app.id and app.private_key do not belong together, or the "+
			"key was deleted; generate another in the app's settings", i.app.ID)
	case http.StatusNotFound:
		return fail("app %s has no installation %s%s", i.app.ID, i.app.InstallationID, i.installations(ctx))
	case http.StatusForbidden:
		return fail("the installation %s is suspended, or may not be used from here; look at it in the organization's "+
			"settings under GitHub Apps", i.app.InstallationID)
	}
	return fmt.Errorf("%s %s: status %d %s", method, path, resp.StatusCode, said.Message)
}

// installations names those that there are, for the message that the configured one is not among them.
func (i *installation) installations(ctx context.Context) string {
	var all []struct {
		ID      int64           `json:"id"`
		Account mapping.Account `json:"account"`
	}
	const path = "app/installations"
	req, err := http.NewRequestWithContext(
		ctx,
		http.MethodGet,
		i.base.JoinPath(path).String()+"?per_page=100",
		http.NoBody,
	)
	if err != nil {
		return ""
	}
	resp, err := i.client.HTTPClient().Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK || decode(resp, &all) != nil {
		return ""
	}
	if len(all) == 0 {
		return "; it is installed nowhere: install it for the organization first"
	}
	names := make([]string, len(all))
	for n, one := range all {
		names[n] = fmt.Sprintf("%d (%s)", one.ID, one.Account.Login)
	}
	return "; it is installed as " + strings.Join(names, ", ")
}
