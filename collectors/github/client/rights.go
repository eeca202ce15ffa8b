package client

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// rightError is a refusal (403) with the permission that is missing.
type rightError struct {
	right string
	err   error
}

func (e *rightError) Error() string { return e.err.Error() }
func (e *rightError) Unwrap() error { return e.err }

// rightFor returns the permission, as GitHub calls it, that reading a path below the API's URL takes.
func rightFor(path string) string {
	for part, right := range map[string]string{
		"/actions/":     "actions",
		"/teams/":       "members of the organization",
		"/environments": "actions",
		"/protection":   "administration",
		"/pulls":        "pull requests",
		"/deployments":  "deployments",
		"/git/":         "contents",
		"/releases":     "contents",
		"/issues":       "issues",
	} {
		if strings.Contains(path, part) {
			return right
		}
	}
	return "metadata"
}

// MissingRights returns the permissions that were missing according to the errors, each once, sorted.
func MissingRights(errs ...error) []string {
	var rights []string
	for _, err := range errs {
		if refused := (*rightError)(nil); errors.As(err, &refused) {
			rights = append(rights, refused.right)
		}
	}
	slices.Sort(rights)
	return slices.Compact(rights)
}

// WithRights joins the errors of a repository. If permissions are missing, the text begins with all of them, so that a
// user can add them at once.
func (c *Client) WithRights(errs ...error) error {
	joined := errors.Join(errs...)
	rights := MissingRights(errs...)
	if len(rights) == 0 {
		return joined
	}
	return fmt.Errorf(
		"%s lacks read access to: %s. Add %s at once: %w",
		c.whose(),
		strings.Join(rights, ", "),
		itOrThem(len(rights)),
		joined,
	)
}

func itOrThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// whose names the credentials in messages.
func (c *Client) whose() string {
	if c.app != nil {
		return "the app's installation"
	}
	return "the token"
}

// refusal adds the missing permission to a 403.
func refusal(path string, err error) error {
	if Status(err) != http.StatusForbidden {
		return err
	}
	return &rightError{rightFor(path), err}
}
