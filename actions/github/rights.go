package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/github/client"
)

// ErrRights is the error of credentials that lack a right.
var ErrRights = errors.New("the credentials lack rights")

// Preflight is what was found out before the first write.
type Preflight struct {
	OwnerType string   // User or Organization
	Notes     []string // what GitHub does not show
}

// permissions are those that creating a repository and pushing to it take.
func permissions(workflows bool) map[string]string {
	p := map[string]string{"administration": "write", "contents": "write", "metadata": "read"}
	if workflows {
		p["workflows"] = "write"
	}
	return p
}

// Check reports, before anything is written, everything that would stop the creation of a repository: an account that
// does not exist, a repository that does, and each missing right. workflows: the files contain workflows.
func (h *Host) Check(ctx context.Context, r Repository, workflows bool) (Preflight, error) {
	var found Preflight
	fail := func(err error) (Preflight, error) {
		return found, fmt.Errorf("checking whether %s can be created: %w", r.FullName(), err)
	}
	rights, err := h.client.Rights(ctx)
	if err != nil {
		return fail(err)
	}
	var owner account
	if _, err := h.client.Get(ctx, "users/"+r.Owner, "", &owner); err != nil {
		if client.Status(err) == http.StatusNotFound {
			return fail(fmt.Errorf("GitHub has no account %s", r.Owner))
		}
		return fail(err)
	}
	found.OwnerType = owner.Type
	missing := scopes(rights, r, workflows)
	if h.app {
		missing = rights.Missing(permissions(workflows))
	}
	more, err := h.membership(ctx, owner)
	if err != nil {
		return fail(err)
	}
	if missing = append(missing, more...); len(missing) > 0 {
		return fail(fmt.Errorf("%w: %s; nothing was written", ErrRights, strings.Join(missing, ", ")))
	}
	if !h.app && !rights.Classic {
		found.Notes = append(found.Notes, "GitHub does not show what a fine-grained token may do: it needs "+
			"Administration, Contents"+ifText(workflows, " and Workflows", "")+" (read and write) for all repositories of "+
			owner.Login)
	}
	return found, nil
}

func ifText(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

// scopes returns the scopes that a classic token lacks.
func scopes(rights client.Rights, r Repository, workflows bool) []string {
	if !rights.Classic {
		return nil
	}
	var missing []string
	has := func(scope string) bool { return slices.Contains(rights.Scopes, scope) }
	if !has("repo") && (r.Visibility != "public" || !has("public_repo")) {
		missing = append(missing, "the scope repo")
	}
	if workflows && !has("workflow") {
		missing = append(missing, "the scope workflow")
	}
	return missing
}

// membership returns what the account of the credentials lacks to create a repository for the owner.
func (h *Host) membership(ctx context.Context, owner account) ([]string, error) {
	if h.app {
		if !owner.organization() {
			return []string{"an app cannot create repositories of a person; use a token of " + owner.Login}, nil
		}
		return nil, nil
	}
	var self account
	if _, err := h.client.Get(ctx, "user", "", &self); err != nil {
		return nil, err
	}
	if !owner.organization() {
		if !strings.EqualFold(self.Login, owner.Login) {
			return []string{fmt.Sprintf("the token is of %s, and only %s can create repositories there", self.Login,
				owner.Login)}, nil
		}
		return nil, nil
	}
	var organization struct {
		MembersCanCreate *bool `json:"members_can_create_repositories"`
	}
	if _, err := h.client.Get(ctx, "orgs/"+owner.Login, "", &organization); err != nil {
		return nil, err
	}
	var member struct {
		Role  string `json:"role"`
		State string `json:"state"`
	}
	_, err := h.client.Get(ctx, "orgs/"+owner.Login+"/memberships/"+self.Login, "", &member)
	switch code := client.Status(err); {
	case code == http.StatusNotFound:
		return []string{fmt.Sprintf("%s is not a member of %s", self.Login, owner.Login)}, nil
	case code == http.StatusForbidden: // a token without read:org: GitHub decides when the repository is created
		return nil, nil
	case err != nil:
		return nil, err
	case member.State == "pending":
		return []string{fmt.Sprintf("%s has not accepted the invitation to %s", self.Login, owner.Login)}, nil
	case member.Role != "admin" && organization.MembersCanCreate != nil && !*organization.MembersCanCreate:
		return []string{"members of " + owner.Login + " may not create repositories; ask an owner of it"}, nil
	}
	return nil, nil
}
