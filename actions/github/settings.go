package github

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/collectors/github/client"
	collected "github.com/dxctl/dxctl/collectors/github/settings"
	"github.com/dxctl/dxctl/collectors/rest"
)

// CheckSettings reports, before anything is written, everything that would stop changes of settings: a repository that
// the credentials do not see, that is archived, and each missing right. Missing rights are an error that wraps
// [ErrRights]; notes name what GitHub does not show.
func (h *Host) CheckSettings(ctx context.Context, fullName string) (Target, []string, error) {
	t, rights, err := h.target(ctx, fullName)
	fail := func(err error) (Target, []string, error) {
		return t, nil, fmt.Errorf("checking whether the settings of %s can be changed: %w", fullName, err)
	}
	if err != nil {
		return fail(err)
	}
	missing := repositoryScopes(rights, t.Private)
	if h.app {
		missing = rights.Missing(map[string]string{"administration": "write", "actions": "read", "checks": "read",
			"metadata": "read", "pull_requests": "read", "statuses": "read"})
	}
	if !h.app && t.Permissions != nil && !t.Permissions.Admin { // those of an App are of no person, and always false
		missing = append(missing, "the role admin in "+fullName)
	}
	if len(missing) > 0 {
		return fail(fmt.Errorf("%w: %s; nothing was written", ErrRights, strings.Join(missing, ", ")))
	}
	var notes []string
	if !h.app && !rights.Classic {
		notes = append(notes, "GitHub does not show what a fine-grained token may do: it needs Administration (read and "+
			"write), Actions, Commit statuses and Pull requests (read) for "+fullName)
	}
	return t, notes, nil
}

// API returns the address of the API, without a slash at the end.
func (h *Host) API() string { return h.api }

// Settings reads the settings of a repository that rules ask for. What several rules need is read once. Of a repository
// whose settings are known, it takes at most three requests: for our ruleset (a fourth one if there is one), the
// environments, and the checks of merged pull requests. What is not known takes one each for the repository, the token
// of workflows, private vulnerability reporting, and whether there are workflows; and two or more for the protection of
// the branch.
func (h *Host) Settings(ctx context.Context, ask settings.Ask) (settings.State, error) {
	s, err := h.settings(ctx, ask)
	if err != nil {
		return s, fmt.Errorf("reading the settings of %s: %w", ask.Repository, err)
	}
	return s, nil
}

func (h *Host) settings(ctx context.Context, ask settings.Ask) (settings.State, error) {
	s := settings.State{
		Repository: ask.Repository, Branch: ask.Branch, Facts: ask.Known, Values: map[string]json.RawMessage{},
		Refused: map[string]string{}, Assumed: map[string]bool{},
	}
	assume(&s)
	needed := func(rules ...string) bool {
		open := settings.Open(s.Facts, ask.Want)
		return slices.ContainsFunc(rules, func(rule string) bool { return slices.Contains(open, rule) })
	}
	public := s.Facts.Public
	parts := collected.Parts{
		Record: needed("secret-scanning") && !s.Assumed[settings.Security] ||
			needed("no-binaries-or-secrets") && !s.Assumed[settings.BranchCleanup] ||
			needed("security-policy") && !s.Assumed[settings.Reporting] && (!public.Known || public.Value),
		Branch:       needed(settings.BranchRules...) && !settings.Complete(s.Facts.Branch),
		Workflows:    needed("workflow-permissions") && !s.Assumed[settings.WorkflowToken],
		Reporting:    needed("security-policy") && !s.Assumed[settings.Reporting],
		Environments: needed("production-protected"),
	}
	record := ask.Record
	if record == nil && (parts.Record || ask.Branch == "") {
		if err := h.get(ctx, "repos/"+ask.Repository, &record); err != nil {
			return s, err
		}
	}
	if record != nil {
		if err := recordValues(record, &s); err != nil {
			return s, err
		}
	}
	got, err := collected.Read(ctx, h.client, ask.Repository, s.Branch, ask.Production, parts, record)
	if err != nil {
		return s, err
	}
	fresh(&s, got, parts, record != nil)
	if needed(settings.BranchRules...) {
		if err := h.ruleset(ctx, ask.Repository, &s); err != nil {
			return s, err
		}
	}
	if got.Environments != nil {
		if err := environmentValues(got.Environments, &s); err != nil {
			return s, err
		}
	}
	if ask.Workflows != nil {
		s.Workflows = *ask.Workflows
	} else if needed("workflow-permissions") {
		if err := h.workflows(ctx, ask.Repository, &s); err != nil {
			return s, err
		}
	}
	if len(ask.Want.Checks) > 0 || len(s.Facts.Branch.RequiredChecks.Value) > 0 || !needed("tests-on-pull-requests",
		"required-checks") {
		return s, nil
	}
	s.Checks, err = collected.SteadyChecks(ctx, h.client, ask.Repository, s.Branch)
	if err != nil && ctx.Err() == nil && !errors.Is(err, rest.ErrUnauthorized) {
		s.ChecksUnknown, err = err.Error(), nil // a fine-grained token cannot get the right to read them
	}
	return s, err
}

// assume takes the values of settings that known facts determine. Those of rulesets and environments have more than
// facts show.
func assume(s *settings.State) {
	f := &s.Facts
	take := func(known bool, key string, value any) {
		if known {
			s.Values[key], s.Assumed[key] = settings.Value(value), true
		}
	}
	take(f.WorkflowTokenReadOnly.Known, settings.WorkflowToken, tokenValue(f.WorkflowTokenReadOnly.Value))
	take(f.DeleteBranchOnMerge.Known, settings.BranchCleanup,
		map[string]bool{"delete_branch_on_merge": f.DeleteBranchOnMerge.Value})
	reporting := f.Security.PrivateVulnerabilityReporting
	take(f.Public.Known && f.Public.Value && reporting.Known, settings.Reporting,
		map[string]bool{"enabled": reporting.Value})
	status := func(on bool) map[string]string { return map[string]string{"status": ifText(on, "enabled", "disabled")} }
	scanning, push := f.Security.SecretScanning, f.Security.PushProtection
	take(scanning.Known && push.Known, settings.Security, map[string]any{
		"secret_scanning": status(scanning.Value), "secret_scanning_push_protection": status(push.Value),
	})
}

// fresh replaces what was known by what was read.
func fresh(s *settings.State, got collected.Answer, parts collected.Parts, record bool) {
	f := &s.Facts
	if parts.Branch {
		f.Branch, f.RequiredChecksWithoutRuns = got.Branch, got.RequiredChecksWithoutRuns
	}
	if record {
		f.Public, f.DeleteBranchOnMerge = got.Public, got.DeleteBranchOnMerge
		f.Security.SecretScanning, f.Security.PushProtection = got.Security.SecretScanning, got.Security.PushProtection
	}
	if parts.Workflows {
		if f.WorkflowTokenReadOnly = got.WorkflowTokenReadOnly; f.WorkflowTokenReadOnly.Known {
			s.Values[settings.WorkflowToken] = settings.Value(tokenValue(f.WorkflowTokenReadOnly.Value))
		}
	}
	if parts.Reporting {
		f.Security.PrivateVulnerabilityReporting = got.Security.PrivateVulnerabilityReporting
		if on := f.Security.PrivateVulnerabilityReporting; on.Known && got.Public.Known && got.Public.Value {
			s.Values[settings.Reporting] = settings.Value(map[string]bool{"enabled": on.Value})
		}
	}
	if parts.Environments {
		f.Production, f.ProductionEnvironments = got.Production, got.ProductionEnvironments
	}
}

func tokenValue(readOnly bool) map[string]string {
	return map[string]string{"default_workflow_permissions": ifText(readOnly, "read", "write")}
}

// recordValues reads the values that an answer about a repository has.
func recordValues(answer json.RawMessage, s *settings.State) error {
	var record struct {
		Branch   string          `json:"default_branch"`
		Cleanup  *bool           `json:"delete_branch_on_merge"`
		Security json.RawMessage `json:"security_and_analysis"`
	}
	if err := json.Unmarshal(answer, &record); err != nil {
		return fmt.Errorf("the answer about the repository is not what GitHub documents: %w", err)
	}
	s.Branch = record.Branch
	if record.Cleanup != nil {
		s.Values[settings.BranchCleanup] = settings.Value(map[string]bool{"delete_branch_on_merge": *record.Cleanup})
		delete(s.Assumed, settings.BranchCleanup)
	}
	if len(record.Security) > 0 {
		s.Values[settings.Security] = settings.Value(record.Security)
		delete(s.Assumed, settings.Security)
	}
	return nil
}

// Values reads the values of settings by their keys. It takes a request each for the repository, the token of
// workflows, private vulnerability reporting and the environments, and one or two for our ruleset.
func (h *Host) Values(ctx context.Context, repository string, keys []string) (settings.State, error) {
	s := settings.State{Repository: repository, Values: map[string]json.RawMessage{}, Refused: map[string]string{},
		Unread: map[string]string{}}
	read := map[string]bool{}
	for _, key := range keys {
		part := key
		switch key {
		case settings.Security, settings.BranchCleanup:
			part = settings.Security
		case settings.Ruleset, settings.WorkflowToken, settings.Reporting:
		default:
			part = settings.AllEnvironments
		}
		if read[part] {
			continue
		}
		read[part] = true
		if err := h.value(ctx, part, &s); err != nil {
			return s, fmt.Errorf("reading the settings of %s: %w", repository, err)
		}
	}
	return s, nil
}

func (h *Host) value(ctx context.Context, part string, s *settings.State) error {
	at := "repos/" + s.Repository
	var err error
	switch part {
	case settings.Ruleset:
		return h.ruleset(ctx, s.Repository, s)
	case settings.Security:
		var record json.RawMessage
		if err = h.get(ctx, at, &record); err == nil {
			err = recordValues(record, s)
		}
		return err
	case settings.WorkflowToken:
		var token struct {
			Default string `json:"default_workflow_permissions"`
		}
		if err = h.get(ctx, at+"/actions/permissions/workflow", &token); err == nil {
			s.Values[part] = settings.Value(tokenValue(token.Default == "read"))
		}
	case settings.Reporting:
		var reporting struct {
			Enabled bool `json:"enabled"`
		}
		if err = h.get(ctx, at+"/private-vulnerability-reporting", &reporting); err == nil {
			s.Values[part] = settings.Value(reporting)
		}
	default:
		var page json.RawMessage
		if err = h.get(ctx, at+"/environments?per_page=100", &page); err == nil {
			return environmentValues(page, s)
		}
	}
	switch client.Status(err) {
	case http.StatusNotFound: // it has no value then
		return nil
	case http.StatusForbidden: // it may have one
		s.Unread[part] = err.Error()
		return nil
	}
	return err
}

// ruleset reads our ruleset.
func (h *Host) ruleset(ctx context.Context, repository string, s *settings.State) error {
	var list []struct {
		ID     int64  `json:"id"`
		Name   string `json:"name"`
		Target string `json:"target"`
	}
	path := "repos/" + repository + "/rulesets"
	err := h.get(ctx, path+"?includes_parents=false&per_page=100", &list)
	if notOffered(err) {
		s.Refused[settings.Ruleset] = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	s.Values[settings.Ruleset], s.Others = json.RawMessage("null"), map[int64]string{}
	for _, r := range list {
		s.Others[r.ID] = r.Name
	}
	for _, r := range list {
		if r.Name != settings.RulesetName || r.Target != "branch" {
			continue
		}
		var answer json.RawMessage
		if err := h.get(ctx, fmt.Sprintf("%s/%d?includes_parents=false", path, r.ID), &answer); err != nil {
			return err
		}
		if s.Values[settings.Ruleset], err = settings.RulesetValue(answer); err != nil {
			return err
		}
		s.RulesetID = r.ID
		return nil
	}
	return nil
}

// environmentValues reads the values of the environments of a page.
func environmentValues(answer json.RawMessage, s *settings.State) error {
	var page struct {
		Environments []json.RawMessage `json:"environments"`
	}
	if err := json.Unmarshal(answer, &page); err != nil {
		return fmt.Errorf("the answer about environments is not what GitHub documents: %w", err)
	}
	for _, e := range page.Environments {
		name, value, err := settings.EnvironmentValue(e)
		if err != nil {
			return err
		}
		s.Values[settings.EnvironmentKey(name)] = value
	}
	return nil
}

// workflows reads whether there are workflows.
func (h *Host) workflows(ctx context.Context, repository string, s *settings.State) error {
	var page struct {
		Total int `json:"total_count"`
	}
	err := h.get(ctx, "repos/"+repository+"/actions/workflows?per_page=1", &page)
	if client.Status(err) == http.StatusNotFound { // Actions are switched off
		return nil
	}
	s.Workflows = page.Total > 0
	return err
}

// ErrNoReviewer is the error of a reviewer that GitHub does not have, or that the credentials do not see.
var ErrNoReviewer = errors.New("GitHub has no such reviewer that the credentials see")

// Reviewer returns who a word names: a team as owner/team, or a person by login. The error wraps
// [ErrNoReviewer] if GitHub has none.
func (h *Host) Reviewer(ctx context.Context, word string) (settings.Reviewer, error) {
	of := settings.Reviewer{Type: "User", Name: word}
	path := "users/" + url.PathEscape(word)
	if organization, team, ok := strings.Cut(word, "/"); ok {
		of.Type = "Team"
		path = "orgs/" + url.PathEscape(organization) + "/teams/" + url.PathEscape(team)
	}
	var found struct {
		ID int64 `json:"id"`
	}
	_, err := h.client.Get(ctx, path, "", &found)
	switch client.Status(err) {
	case http.StatusNotFound:
		return of, fmt.Errorf("%w: %s %s", ErrNoReviewer, strings.ToLower(of.Type), word)
	case http.StatusForbidden: // a token without the right to read the members of the organization
		return of, fmt.Errorf("%w: %s %s; reading teams takes Members: read of the organization (a classic token: the scope "+
			"read:org)", ErrNoReviewer, strings.ToLower(of.Type), word)
	}
	if err != nil {
		return of, fmt.Errorf("looking for the reviewer %s: %w", word, err)
	}
	of.ID = found.ID
	return of, nil
}

// File returns a file of the default branch; nil if there is none.
func (h *Host) File(ctx context.Context, repository, name string) ([]byte, error) {
	var file struct {
		Content  string `json:"content"`
		Encoding string `json:"encoding"` // none: it is larger than 1 MB, and the content is left out
	}
	_, err := h.client.Get(ctx, "repos/"+repository+"/contents/"+client.Escaped(name), "", &file)
	if client.Status(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", name, repository, err)
	}
	if file.Encoding == "none" {
		return nil, fmt.Errorf("reading %s of %s: it is larger than 1 MB, which GitHub does not show", name, repository)
	}
	text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(file.Content, "\n", ""))
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", name, repository, err)
	}
	return text, nil
}

// notOffered reports whether an error means that the plan or the edition has no such setting.
func notOffered(err error) bool {
	switch client.Status(err) {
	case http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity:
	default:
		return false
	}
	said := strings.ToLower(err.Error())
	return slices.ContainsFunc([]string{"upgrade to", "billing plan", "is not available for", "not purchased",
		"not been purchased", "has been disabled by", "advanced security must be enabled"},
		func(text string) bool { return strings.Contains(said, text) })
}

// Send sends a request of a plan that changes a setting. The error wraps [settings.ErrNotOffered] if the plan of the
// account or the edition of the server has no such setting, and [ErrRights] if a right is missing.
func (h *Host) Send(ctx context.Context, r actions.Request) error {
	path, ok := strings.CutPrefix(r.URL, h.api+"/")
	if !ok {
		return fmt.Errorf("applying a setting: %s is not an address of %s", r.URL, h.api)
	}
	var body any
	if r.Body != nil {
		body = r.Body
	}
	err := h.send(ctx, r.Method, path, body, nil)
	switch status := client.Status(err); {
	case err == nil:
		return nil
	case notOffered(err):
		err = fmt.Errorf("%w: %w", settings.ErrNotOffered, err)
	case status == http.StatusForbidden:
		err = fmt.Errorf("%w: %w", ErrRights, err)
	}
	return fmt.Errorf("applying a setting (%s): %w", r.Why, err)
}

// Exists reports whether a request failed because what it creates is there already.
func Exists(err error) bool {
	return client.Status(err) == http.StatusUnprocessableEntity && strings.Contains(err.Error(), "Name must be unique")
}
