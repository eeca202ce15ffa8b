package mapping

import "regexp"

// User is an account as lists show it.
type User struct {
	Username string `json:"username"`
	Bot      bool   `json:"bot"`
}

func (u *User) login() string {
	if u == nil {
		return ""
	}
	return u.Username
}

// botName recognizes the accounts of project and group tokens and of service accounts, and names with "bot".
var botName = regexp.MustCompile(`(?i)^((project|group)_\d+_bot(_.*)?|service_account_.+|.*[-_]bot|.*\[bot\]|ghost)$`)

// IsBot reports whether the account is a machine: GitLab marks it, or its name is that of one. A nil account is none.
func (u *User) IsBot() bool { return u != nil && (u.Bot || botName.MatchString(u.Username)) }
