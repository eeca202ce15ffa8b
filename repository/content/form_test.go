package content

import (
	"strings"
	"testing"
)

// TestSecretForm tells secrets from texts that only talk about them. The secrets are put together, so that no scanner
// reports this file.
func TestSecretForm(t *testing.T) {
	long := strings.Repeat("aB3", 12)
	for _, c := range []struct{ text, want string }{
		{"postgres://admin:" + "hunter2@db.example/pay", "address with a password"},
		{"see https://:" + "hunter2@host/", "address with a password"},
		{"eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0." + long, "JSON web token"},
		{"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6" + ".OKOawDo13gRp2ojaHV7." + long, "JSON web token"},
		{"AKIA" + "Q7ZK3MWVN2XT5RJD", "AWS access key"},
		{"ASIA" + "Q7ZK3MWVN2XT5RJD", "AWS access key"},
		{"aws_secret_access_key = " + long, "password"},
		{"ghp_" + long, "GitHub token"},
		{"a gho_" + strings.Repeat("x", 20) + " b", "GitHub token"},
		{"github_pat_" + long + "_" + long, "GitHub token"},
		{"glpat-" + long[:20], "GitLab token"},
		{"glrt-" + "t1_" + long[:20], "GitLab token"},
		{"xoxb-" + "1234567890-1234567890123-" + long, "Slack token"},
		{"xapp-" + "1-A01-123-" + long, "Slack token"},
		{"https://hooks.slack.com/services/" + "T000/B000/" + long, "Slack webhook"},
		{"-----BEGIN PRIVATE KEY-----", "private key"},
		{"-----BEGIN ENCRYPTED PRIVATE KEY-----", "private key"},
		{"-----BEGIN PGP PRIVATE KEY BLOCK-----", "private key"},
		{"db_password=" + "hunter2hunter2", "password"},
		{"api key: " + long, "password"},
		{"Checks passwords, tokens and keys", ""},
		{"glossary-service-for-everything", ""},
		{"https://acme.example:8080/a@b", ""},
		{"git@github.com:acme/pay.git", ""},
		{"Answers for #team-payments; see AKIAH Street 1", ""},
	} {
		if got := SecretForm(c.text); got != c.want {
			t.Errorf("%s is %q, not %q", c.text, got, c.want)
		}
	}
}
