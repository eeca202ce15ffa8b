// Package inventory lists what an organization or a user has at GitHub, before anything is configured; see
// [source.Inventory].
//
// One GraphQL query shows 100 repositories with their deployments, the names of their files, and CODEOWNERS. A second
// one shows the workflows of those of them that have workflows and no other sign of a service.
package inventory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// Inventory is the inventory of one account. It is not safe for concurrent use.
type Inventory struct {
	*client.Client
	cfg           Config
	noDeployments bool // the token may not read them: they are no longer asked for
	user          bool // the account is one of a person
	name          string
	notes         []string
}

// Config is what the package of the collector knows.
type Config struct {
	Client  *client.Client
	Account string // organization or user; empty: only single repositories are listed
	// Owners returns the owners of all files by a CODEOWNERS file.
	Owners func(text []byte) []string
	// Path returns the path of the repositories of the account: orgs/x/repos or users/x/repos.
	Path func(ctx context.Context) (string, error)
}

// New returns an inventory.
func New(cfg Config) *Inventory { return &Inventory{Client: cfg.Client, cfg: cfg} }

const repositoryFields = `id nameWithOwner description url isArchived isFork isDisabled isEmpty isTemplate pushedAt
defaultBranchRef { name }
root: object(expression: "HEAD:") { ... on Tree { entries { name type } } }
workflows: object(expression: "HEAD:.github/workflows") { ... on Tree { entries { name type } } }
owners0: object(expression: "HEAD:.github/CODEOWNERS") { ... on Blob { text } }
owners1: object(expression: "HEAD:CODEOWNERS") { ... on Blob { text } }
owners2: object(expression: "HEAD:docs/CODEOWNERS") { ... on Blob { text } }
`

// deploymentFields are asked for as long as the token may read them.
const deploymentFields = `deployments(first: 30, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { environment } }
`

// Nothing here may need the scope read:org, as the fields of Organization do: GitHub refuses the whole query then.
const repositoriesQuery = `query($owner: String!, $first: Int!, $after: String) { repositoryOwner(login: $owner) {
__typename login ... on User { name }
repositories(first: $first, after: $after, ownerAffiliations: [OWNER], orderBy: {field: NAME, direction: ASC}) {
totalCount pageInfo { hasNextPage endCursor } nodes { %s } } } }`

const namedQuery = `query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { %s } }`

const workflowsQuery = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Repository { id
workflows: object(expression: "HEAD:.github/workflows") { ... on Tree { entries { name type
object { ... on Blob { text } } } } } } } }`

// codeowners are where GitHub looks for the file, in its order, as the query asks for them.
var codeowners = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// node is a repository as the query shows it. Everything may be null.
type node struct {
	ID               string     `json:"id"`
	NameWithOwner    string     `json:"nameWithOwner"`
	Description      string     `json:"description"`
	URL              string     `json:"url"`
	IsArchived       bool       `json:"isArchived"`
	IsFork           bool       `json:"isFork"`
	IsDisabled       bool       `json:"isDisabled"`
	IsEmpty          bool       `json:"isEmpty"`
	IsTemplate       bool       `json:"isTemplate"`
	PushedAt         *time.Time `json:"pushedAt"`
	DefaultBranchRef *branch    `json:"defaultBranchRef"`
	Root             *tree      `json:"root"`
	Workflows        *tree      `json:"workflows"`
	Owners0          *blob      `json:"owners0"`
	Owners1          *blob      `json:"owners1"`
	Owners2          *blob      `json:"owners2"`
	Deployments      *struct {
		Nodes []struct {
			Environment string `json:"environment"`
		} `json:"nodes"`
	} `json:"deployments"`
}

type branch struct {
	Name string `json:"name"`
}

type tree struct {
	Entries []struct {
		Name   string `json:"name"`
		Type   string `json:"type"` // blob, tree, commit
		Object *blob  `json:"object"`
	} `json:"entries"`
}

type blob struct {
	Text string `json:"text"`
}

// repository returns what the node shows.
func (n node) repository(owners func(text []byte) []string) source.Repository {
	r := source.Repository{ID: n.ID, Path: n.NameWithOwner, Description: n.Description, URL: n.URL}
	if n.PushedAt != nil {
		r.ActiveAt = *n.PushedAt
	}
	switch {
	case n.IsArchived:
		r.LeftOut = "archived"
	case n.IsDisabled:
		r.LeftOut = "disabled"
	case n.IsFork:
		r.LeftOut = "fork"
	case n.IsTemplate:
		r.LeftOut = "template"
	case n.IsEmpty:
		r.LeftOut = "empty"
	case n.DefaultBranchRef == nil:
		r.LeftOut = "without a default branch"
	}
	if n.Root != nil {
		for _, e := range n.Root.Entries {
			switch {
			case e.Type != "blob":
			case e.Name == "catalog-info.yaml" || e.Name == "catalog-info.yml":
				r.Descriptor = e.Name
			case r.Dockerfile == "" && source.IsDockerfile(e.Name):
				r.Dockerfile = e.Name
			}
		}
	}
	r.Unread = n.Root == nil && r.LeftOut == ""
	if n.Workflows != nil {
		for _, e := range n.Workflows.Entries {
			if source.NamesDeployment(e.Name) {
				r.Deploying = append(r.Deploying, e.Name)
			}
		}
	}
	for i, blob := range []*blob{n.Owners0, n.Owners1, n.Owners2} {
		if blob != nil {
			r.Codeowners = codeowners[i]
			r.Owners = owners([]byte(blob.Text))
			break
		}
	}
	if n.Deployments != nil {
		for _, d := range n.Deployments.Nodes {
			r.Deployed = true
			r.AddEnvironments(d.Environment)
		}
	}
	return r
}

// undecided reports whether only the text of its workflows can show that a repository is deployed.
func (n node) undecided(r source.Repository) bool {
	return r.LeftOut == "" && n.Workflows != nil && len(n.Workflows.Entries) > 0 && len(r.Signs()) == 0
}

// page is a page of the repositories of an account.
type page struct {
	RepositoryOwner *struct {
		Type         string `json:"__typename"`
		Login        string `json:"login"`
		Name         string `json:"name"`
		Repositories struct {
			TotalCount int `json:"totalCount"`
			PageInfo   struct {
				HasNextPage bool   `json:"hasNextPage"`
				EndCursor   string `json:"endCursor"`
			} `json:"pageInfo"`
			Nodes []*node `json:"nodes"`
		} `json:"repositories"`
	} `json:"repositoryOwner"`
}

// pageSizes are how many repositories are asked for at once: fewer where GitHub does not answer in time.
var pageSizes = []int{100, 40, 15, 5}

// Repositories lists the repositories of the account. Where GraphQL does not show the account and REST does, their
// files and deployments are not known.
func (v *Inventory) Repositories(ctx context.Context, listed func(done, total int)) (source.Listing, error) {
	all := source.Listing{Account: v.cfg.Account}
	hidden, size, after := 0, 0, ""
	for {
		var answer page
		err := v.ask(ctx, repositoriesQuery, &answer, func() map[string]any {
			return map[string]any{"owner": v.cfg.Account, "first": pageSizes[size], "after": orNull(after)}
		})
		owner := answer.RepositoryOwner
		var said client.GraphQLErrors
		switch {
		case client.Failing(err) && size+1 < len(pageSizes):
			size++
			continue
		case owner != nil && errors.As(err, &said): // about a part of the page, which is null
			v.note(fmt.Sprintf("GitHub does not show everything: %v", said[:1]))
		case (err != nil || owner == nil) && after == "" && (err == nil || rest.Unusable(err) || errors.As(err, &said)):
			return v.listed(ctx, err, listed)
		case err != nil:
			return all, err
		case owner == nil:
			return all, fmt.Errorf("the answer to the query does not name %s", v.cfg.Account)
		}
		all.Account, v.user, v.name = owner.Login, owner.Type == "User", owner.Name
		repositories, unseen := v.pageOf(ctx, owner.Repositories.Nodes)
		hidden += unseen
		all.Repositories = append(all.Repositories, repositories...)
		listed(len(all.Repositories), owner.Repositories.TotalCount)
		after = owner.Repositories.PageInfo.EndCursor
		if !owner.Repositories.PageInfo.HasNextPage || after == "" {
			break
		}
	}
	if hidden > 0 {
		v.note(fmt.Sprintf("%d repositories are not shown to the token: if the organization uses single sign-on, authorize "+
			"the token for it", hidden))
	}
	all.Notes = v.notes
	return all, nil
}

func orNull(cursor string) any {
	if cursor == "" {
		return nil
	}
	return cursor
}

// ask sends a query that has a place for the fields of a repository. Errors about other things than deployments are
// returned after the data was decoded.
func (v *Inventory) ask(ctx context.Context, query string, into any, variables func() map[string]any) error {
	for {
		fields := repositoryFields + deploymentFields
		if v.noDeployments {
			fields = repositoryFields
		}
		err := v.Query(rest.WithMaxAttempts(ctx, attempts), fmt.Sprintf(query, fields), variables(), into)
		if client.Status(err) == http.StatusUnauthorized {
			return fmt.Errorf("%w: %w", rest.ErrUnauthorized, err)
		}
		if failed := (*url.Error)(nil); errors.As(err, &failed) {
			return fmt.Errorf("connecting to GitHub: %w", failed.Err) // which names the request
		}
		var said client.GraphQLErrors
		if !errors.As(err, &said) || said.TooHeavy() {
			return err
		}
		if len(without(said, "deployments")) < len(said) && !v.noDeployments {
			v.noDeployments = true
			v.note("the token has no read access to deployments: they are no sign here, and `dxctl collect` cannot read them; " +
				"add the permission Deployments (classic token: the scope repo)")
			if has(said, "INSUFFICIENT_SCOPES") { // GitHub answers nothing else then
				continue
			}
		}
		if others := without(said, "deployments"); len(others) > 0 {
			return others
		}
		return nil
	}
}

// without returns the errors that are about other fields than this.
func without(errs client.GraphQLErrors, field string) client.GraphQLErrors {
	var others client.GraphQLErrors
	for _, one := range errs {
		if !slices.Contains(one.Path, any(field)) && !strings.Contains(one.Message, "'"+field+"'") {
			others = append(others, one)
		}
	}
	return others
}

// has reports whether one of the errors has the type.
func has(errs client.GraphQLErrors, kind string) bool {
	for _, one := range errs {
		if one.Type == kind {
			return true
		}
	}
	return false
}

// attempts is how often a query is tried: somebody waits for the answer.
const attempts = 2

// note adds a note, once.
func (v *Inventory) note(text string) {
	if !slices.Contains(v.notes, text) {
		v.notes = append(v.notes, text)
	}
}
