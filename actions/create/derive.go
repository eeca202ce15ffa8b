package create

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// Surroundings is what is known about where a service is created. Answers that nobody gave follow from it.
type Surroundings struct {
	GitHubOwner string            // the account of new repositories; "" if it is not known, or there are several
	Team        descriptor.Entity // the group that owns the service; zero if it is not known
	Systems     []string          // names of the systems of the team's services, each once
}

// Derived is an answer that nobody gave.
type Derived struct {
	Question string
	Answer   string
	From     string // what it follows from, in words: "the GitHub team of payments"
}

// The questions of the shipped golden paths that have an answer elsewhere. A golden path that asks a question of the
// same name gets the same answer.
const (
	codeOwnersQuestion      = "code_owners"
	contactQuestion         = "contact"
	organizationQuestion    = "organization"
	securityContactQuestion = "security_contact"
	systemQuestion          = "system"
)

// teamSlug is Backstage's annotation of a group: its team on GitHub, as org/team or team.
const teamSlug = "github.com/team-slug"

// derive returns answers to the questions that are open: those of paths.defaults.answers, then what follows from the
// team and the account on GitHub. An answer that its question does not take is left out.
func (a *Action) derive(p *paths.Path, in actions.Input, answers map[string]string) []Derived {
	var all []Derived
	full := maps.Clone(answers)
	add := func(question, answer, from string) {
		if _, given := full[question]; given || answer == "" {
			return
		}
		i := slices.IndexFunc(p.Questions, func(q paths.Question) bool { return q.Name == question })
		if i < 0 || p.Questions[i].Check(answer) != nil {
			return
		}
		full[question] = answer
		all = append(all, Derived{question, answer, from})
	}
	for _, name := range slices.Sorted(maps.Keys(a.Defaults.Answers)) {
		add(name, a.Defaults.Answers[name], "paths.defaults.answers of dx.yaml")
	}
	var s Surroundings
	if a.Surroundings != nil {
		s = a.Surroundings(full[OwnerField])
	}
	add(OwnerField, s.Team.Ref, "the team that you are in")
	if account := cmp.Or(a.Defaults.GitHubOwner, s.GitHubOwner); account != "" {
		add(RepositoryField, account+"/"+in.Text(NameField), "the account on GitHub and the name")
	}
	account, _, _ := strings.Cut(full[RepositoryField], "/")
	team := s.Team.DisplayName()
	add(codeOwnersQuestion, codeOwners(s.Team, full[OwnerField], account), "the team that owns the service")
	add(contactQuestion, contact(s.Team), "the descriptor of "+team)
	add(securityContactQuestion, s.Team.Profile.Email, "the descriptor of "+team)
	if len(s.Systems) == 1 {
		add(systemQuestion, s.Systems[0], "the other services of "+team)
	}
	add(organizationQuestion, account, "the account on GitHub")
	return all
}

// ownerOf returns the owner that an input names, or that an answer does; "" if none does.
func ownerOf(in actions.Input) string {
	return cmp.Or(in.Text(OwnerField), in.Texts(AnswersField)[OwnerField])
}

// codeOwners returns a team as CODEOWNERS names it: by its annotation, or else by its name, as GitHub's teams are
// called where groups are imported from GitHub. owner is the ref or the name of the group.
func codeOwners(team descriptor.Entity, owner, account string) string {
	ref, err := identifier.ParseRef(owner, "group", "")
	slug := team.Annotations[teamSlug]
	switch {
	case strings.Contains(slug, "/"):
		return "@" + slug
	case err != nil || account == "" || slug == "" && !strings.EqualFold(ref.Kind, "group"):
		return ""
	}
	return "@" + account + "/" + cmp.Or(slug, ref.Name)
}

// contact returns the chat channel of a group: of an annotation about chat, or of a link that is named after a channel.
func contact(team descriptor.Entity) string {
	for _, key := range slices.Sorted(maps.Keys(team.Annotations)) {
		prefix, name, _ := strings.Cut(key, "/")
		if channel := team.Annotations[key]; strings.Contains(prefix, "slack") || strings.Contains(name, "channel") {
			return "#" + strings.TrimPrefix(channel, "#")
		}
	}
	for _, l := range team.Links {
		for word := range strings.FieldsSeq(l.Title) {
			if strings.HasPrefix(word, "#") && len(word) > 1 {
				return word
			}
		}
	}
	return ""
}
