package inventory

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/dxctl/dxctl/collectors/gitlab/listing"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// Complete reads the environments and CODEOWNERS of the projects: two or three requests for each of them, and one for
// each further 100 environments.
func (v *Inventory) Complete(ctx context.Context, projects []source.Repository) []string {
	failed := make([]error, len(projects))
	slots := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for i := range projects {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			failed[i] = errors.Join(v.readEnvironments(ctx, &projects[i]), v.readOwners(ctx, &projects[i]))
		})
	}
	wg.Wait()
	var notes []string
	for i, err := range failed {
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s: %v", projects[i].Path, err))
		}
	}
	return notes
}

// environmentPages is how many pages of environments are read: a project may have thousands for its branches.
const environmentPages = 5

// readEnvironments reads the environments of a project, or those of its latest deployments if it has none any longer.
func (v *Inventory) readEnvironments(ctx context.Context, r *source.Repository) error {
	type named struct {
		Name string `json:"name"`
	}
	ctx = rest.WithMaxAttempts(ctx, listing.FewAttempts)
	query := "per_page=100"
	for page := 0; query != "" && page < environmentPages; page++ {
		var environments []named
		got, err := v.Read(ctx, "projects/"+r.ID+"/environments?"+query, "", &environments)
		if err != nil {
			if rest.IsGone(err) { // the project has no CI, or none for the token
				return nil
			}
			return fmt.Errorf("reading the environments: %w", err)
		}
		for _, e := range environments {
			r.Deployed = true
			r.AddEnvironments(e.Name)
		}
		query = got.Next
	}
	if r.Deployed {
		return nil
	}
	var deployments []struct {
		Environment named `json:"environment"`
	}
	path := "projects/" + r.ID + "/deployments?order_by=id&sort=desc&per_page=100"
	if _, err := v.Read(ctx, path, "", &deployments); err != nil && !rest.IsGone(err) {
		return fmt.Errorf("reading the deployments: %w", err)
	}
	for _, d := range deployments {
		r.Deployed = true
		r.AddEnvironments(d.Environment.Name)
	}
	return nil
}

func (v *Inventory) readOwners(ctx context.Context, r *source.Repository) error {
	if r.Codeowners == "" {
		return nil
	}
	var file struct {
		Content string `json:"content"` // base64
	}
	path := "projects/" + r.ID + "/repository/files/" + url.PathEscape(r.Codeowners) + "?ref=HEAD"
	if _, err := v.Read(rest.WithMaxAttempts(ctx, listing.FewAttempts), path, "", &file); err != nil {
		return fmt.Errorf("reading %s: %w", r.Codeowners, err)
	}
	text, err := base64.StdEncoding.DecodeString(file.Content)
	if err != nil {
		return fmt.Errorf("reading %s: %w", r.Codeowners, err)
	}
	r.Owners = defaultOwners(string(text))
	return nil
}

// section is the heading of a section of CODEOWNERS: [Name], ^[Name], [Name][2] @owner.
var section = regexp.MustCompile(`^\^?\[[^\]]+\](?:\[\d+\])?(.*)$`)

// defaultOwners returns the owners of a file that no narrower rule names. In each section the last rule that matches
// counts, and the default owners of the section where the rule has none; the first section that has a rule for all
// files is used. GitLab's role (@@maintainer) names nobody.
func defaultOwners(text string) []string {
	var all [][]string
	var inherited, current []string
	flush := func() {
		if len(current) > 0 {
			all = append(all, current)
		}
		current = nil
	}
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		if line == "" || line[0] == '#' {
			continue
		}
		if m := section.FindStringSubmatch(line); m != nil {
			flush()
			inherited = ownersIn(strings.Fields(m[1]))
			continue
		}
		words := strings.Fields(line)
		if !slices.Contains([]string{"*", "**", "/**", "**/*", "/"}, words[0]) {
			continue
		}
		if current = ownersIn(words[1:]); len(words) == 1 {
			current = inherited
		}
	}
	flush()
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

func ownersIn(words []string) []string {
	var owners []string
	for _, w := range words {
		if strings.Contains(w, "@") && !strings.HasPrefix(w, "@@") {
			owners = append(owners, w)
		}
	}
	return owners
}

// tokenUser is the name of the bot account of a project or group access token.
var tokenUser = regexp.MustCompile(`^(project|group)_\d+_bot`)

// Members lists the members of the group, with those that it inherits; of a user, only that user.
func (v *Inventory) Members(ctx context.Context) (source.Members, error) {
	if v.group == "" {
		return source.Members{Notes: []string{"no group is given, so that nobody is listed"}}, nil
	}
	type user struct {
		Username string `json:"username"`
		Name     string `json:"name"`
		State    string `json:"state"`
	}
	var all source.Members
	path, query := "groups/"+url.PathEscape(v.group)+"/members/all", "per_page=100"
	if v.user {
		path, query = "users", "username="+url.QueryEscape(v.group)
	}
	for query != "" {
		var page []user
		got, err := v.Read(ctx, path+"?"+query, "", &page)
		if err != nil {
			if errors.Is(err, rest.ErrUnauthorized) || ctx.Err() != nil {
				return all, err
			}
			return source.Members{Notes: []string{fmt.Sprintf("the members of %s cannot be read (%v); write people.csv from "+
				"another list", v.group, err)}}, nil
		}
		for _, u := range page {
			if u.Username == "" || u.State != "" && u.State != "active" && u.State != "created" {
				continue // blocked, deactivated: who has left
			}
			login := strings.ToLower(u.Username)
			bot := tokenUser.MatchString(login) || strings.HasSuffix(login, "-bot") || strings.HasSuffix(login, "_bot") ||
				strings.HasPrefix(login, "service_account_")
			all.People = append(all.People, source.Member{Login: u.Username, Name: u.Name, Bot: bot})
		}
		query = got.Next
	}
	return all, nil
}
