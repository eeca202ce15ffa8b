package create

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/actions/settings"
	"github.com/dxctl/dxctl/repository/workflow"
)

// production is the environment whose deployments are approved.
const production = "production"

// settingsOf returns the requests that set what rules ask of the settings of the repository, and what to know of them.
func settingsOf(url string, t Target, files []actions.FileChange) (requests []actions.Request, notes []string) {
	n := settings.New{
		Repository: t.Repository.FullName(), Public: t.Repository.Visibility == "public", Workflows: len(t.Workflows) > 0,
		Checks: requiredChecks(files), Reviewers: t.Reviewers,
	}
	if slices.Contains(t.Environments, production) {
		n.Production = []string{production}
	}
	p := settings.ForNew(n)
	for _, c := range p.Changes {
		requests = append(requests, c.Request(github.APIURL(url), t.Repository.FullName(), 0))
	}
	for _, left := range p.Left {
		notes = append(notes, "Not set for "+left.Rule+": "+left.Reason+".")
	}
	return requests, append(notes, p.Notes...)
}

// requiredChecks returns the names of the checks that every pull request gets: the jobs of workflows that start at
// each for the default branch, without those that are skipped under conditions and those whose names GitHub computes.
func requiredChecks(files []actions.FileChange) []string {
	var names []string
	for _, f := range files {
		if !strings.HasPrefix(f.Path, ".github/workflows/") {
			continue
		}
		w, err := workflow.Parse(f.Path, string(f.After))
		if err != nil {
			continue
		}
		on := w.On("pull_request")
		if on == nil || len(on.Paths)+len(on.PathsIgnore)+len(on.Types)+len(on.BranchesIgnore) > 0 ||
			len(on.Branches) > 0 && !slices.Contains(on.Branches, github.Branch) && !slices.Contains(on.Branches, "**") {
			continue
		}
		for _, j := range w.Jobs {
			name := j.Name
			if name == "" {
				name = j.ID
			}
			if j.If == "" && j.Uses == nil && !j.Matrix && !strings.Contains(name, "${{") {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// commands returns what a person does next.
func (a *Action) commands(p actions.Plan, t Target) []actions.Command {
	var next []actions.Command
	add := func(why, format string, args ...any) {
		next = append(next, actions.Command{Line: fmt.Sprintf(format, args...), Why: why})
	}
	shared := t.InRepo != "" && p.On["directory"] != emptyRepository
	switch {
	case t.Repository != nil:
		add("work on it", "git clone %s.git", t.ClonePage)
	case t.Dir == "":
		add("create it", "dxctl create service %s --golden-path %s", t.Name, p.Input.Text(PathField))
	case shared:
		git, dir := "git", relative(a.Local, t.Dir)
		if !within(t.InRepo, a.Local) { // git works on the repository of the working directory
			git, dir = "git -C "+quote(relative(a.Local, t.InRepo)), relative(t.InRepo, t.Dir)
		}
		add("commit it", "%s add %s && %s commit -m 'Create %s'", git, quote(dir), git, t.Name)
	default:
		add("work on it", "cd %s", quote(relative(a.Local, t.Dir)))
		home := p.Input.Texts(AnswersField)[RepositoryField]
		if home == "" {
			home = "OWNER/" + t.Name
		}
		add("publish it on GitHub; the push starts the workflows", "gh repo create %s --%s --source . --push", quote(home),
			p.Input.Text(VisibilityField))
	}
	if t.Repository == nil && !shared {
		t.Repository = a.answered(p.Input)
	}
	if t.Repository != nil && !p.Input.Bool(SettingsField) {
		requests, _ := settingsOf(a.GitHubURL, t, p.Files)
		for _, r := range requests {
			add(r.Why, "%s", ghCommand(r, github.APIURL(a.GitHubURL)))
		}
	}
	if team := TeamOf(ownerOf(p.Input)); t.Repository != nil && slices.Contains(t.Environments, production) &&
		team != "" && len(t.Reviewers) == 0 {
		add("let "+team+" approve deployments to production, but not their own",
			"gh api --method PUT repos/%s/environments/production -F prevent_self_review=true "+
				"-f 'reviewers[][type]=Team' -F \"reviewers[][id]=$(gh api orgs/%s/teams/%s --jq .id)\"",
			t.Repository.FullName(), t.Repository.Owner, team)
	}
	if a.Commands != nil {
		next = append(next, a.Commands(p, t)...)
	}
	return next
}

// answered returns the repository that an answer names; nil if none does.
func (a *Action) answered(in actions.Input) *github.Repository {
	owner, name, ok := strings.Cut(in.Texts(AnswersField)[RepositoryField], "/")
	if !ok || strings.Contains(name, "/") {
		return nil
	}
	return &github.Repository{Owner: owner, Name: name, Visibility: in.Text(VisibilityField)}
}

// ghCommand is a request as a command of GitHub's command line.
func ghCommand(r actions.Request, api string) string {
	line := fmt.Sprintf("gh api --method %s %s", r.Method, strings.TrimPrefix(r.URL, api+"/"))
	if r.Body != nil {
		line += " --input - <<< " + quote(string(r.Body))
	}
	return line
}

// TeamOf returns the name of a group that a ref names; "" for a user.
func TeamOf(ref string) string {
	if kind, rest, ok := strings.Cut(ref, ":"); ok {
		if !strings.EqualFold(kind, "group") {
			return ""
		}
		ref = rest
	}
	return strings.ToLower(ref[strings.LastIndex(ref, "/")+1:])
}

// quote returns a word as a POSIX shell reads it.
func quote(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./+:@", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !safe(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
