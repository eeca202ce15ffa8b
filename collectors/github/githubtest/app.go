package githubtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// App is a GitHub App with one installation. While a server has one, it answers only requests that carry a token that
// the App gave and that has not expired.
type App struct {
	ID, Installation string
	Key              *rsa.PublicKey
	Now              func() time.Time // the server's clock
	Lasts            time.Duration    // how long a token is good; 0: an hour
	Given            int              // tokens so far
	Revoked          bool             // tokens given until now are no longer good

	good map[string]time.Time // until when
}

func (a *App) refuse(message string) (int, any) {
	return http.StatusUnauthorized, map[string]any{"message": message}
}

// signed checks the JSON Web Token of a request as GitHub does.
func (a *App) signed(r *http.Request) string {
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return "A JSON web token could not be decoded"
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(a.Key, crypto.SHA256, digest[:], signature) != nil {
		return "A JSON web token could not be decoded"
	}
	var claims struct {
		Iss      string
		Iat, Exp int64
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(raw, &claims) != nil || claims.Iss != a.ID {
		return "'Issuer' claim ('iss') is not the app's"
	}
	switch now := a.Now().Unix(); {
	case claims.Iat > now:
		return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	case claims.Exp <= now || claims.Exp > now+600:
		return "'Expiration time' claim ('exp') is too far in the future"
	}
	return ""
}

// serve answers the requests that an app makes as itself.
func (a *App) serve(r *http.Request, path []string) (int, any) {
	if wrong := a.signed(r); wrong != "" {
		return a.refuse(wrong)
	}
	switch {
	case len(path) == 2 && r.Method == http.MethodGet:
		return http.StatusOK, []any{
			map[string]any{"id": json.Number(a.Installation), "account": map[string]any{"login": "acme"}},
		}
	case len(path) == 4 && r.Method == http.MethodPost && path[2] == a.Installation:
		lasts := a.Lasts
		if lasts == 0 {
			lasts = time.Hour
		}
		a.Given++
		token, until := fmt.Sprintf("ghs_%d", a.Given), a.Now().Add(lasts)
		if a.good == nil || a.Revoked {
			a.good, a.Revoked = map[string]time.Time{}, false
		}
		a.good[token] = until
		return http.StatusCreated, map[string]any{"token": token, "expires_at": until.UTC().Format(time.RFC3339)}
	}
	return http.StatusNotFound, map[string]any{"message": "Not Found"}
}

// admits reports whether a request carries a token that is good.
func (a *App) admits(r *http.Request) bool {
	until, ok := a.good[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	return ok && !a.Revoked && a.Now().Before(until)
}

// Key returns a private key for an App, and its PEM as GitHub generates it.
func Key(t testing.TB) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
