package collectors

import (
	"crypto/sha256"
	"encoding/hex"

	"go.yaml.in/yaml/v3"
)

// unrelated are the keys of sources that do not say which scopes are wanted. Credentials are among them: a list that is
// shorter with another token is the case in point.
var unrelated = []string{
	"token",
	"app",
	"webhook",
	"user",
	"username",
	"password",
	"api_token",
	"api_key",
	"key",
	"jobs",
	"deployments",
	"incidents",
	"catalog",
	"environments",
	"allow_private_network",
}

// digestOf changes when the settings ask for other scopes.
func digestOf(s settings) string {
	text, err := yaml.Marshal(s)
	if err != nil {
		return ""
	}
	var keys map[string]any
	if yaml.Unmarshal(text, &keys) != nil {
		return ""
	}
	for _, key := range unrelated {
		delete(keys, key)
	}
	if text, err = yaml.Marshal(keys); err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
