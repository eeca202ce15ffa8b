package setup

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/gitlab"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/files"
)

// Names of the files, relative to the directory.
const (
	configurationFile = "dx.yaml"
	peopleFile        = "people.csv"
	descriptorDir     = "catalog"
	ignoreFile        = ".gitignore"
)

// proposal is what is written.
type proposal struct {
	configuration string
	people        string
	descriptors   []descriptor // sorted by file
	persons       int          // rows of people.csv that are no bots
	dataDir       string
}

// descriptor is a file for a service that has none.
type descriptor struct {
	file, text, detail string
	owner              codeowner
}

// teamsFile is the file of the teams, in the directory of the descriptors.
const teamsFile = "teams"

// propose returns the files for the chosen repositories.
func propose(
	p place, chosen []source.Repository, members source.Members, dataDir string, now time.Time,
) proposal {
	chosen = slices.Clone(chosen)
	slices.SortFunc(chosen, func(a, b source.Repository) int { return cmp.Compare(a.Path, b.Path) })
	var people map[string]bool
	if p.kind == gitlab.Provider {
		people = map[string]bool{}
		for _, m := range members.People {
			people[strings.ToLower(m.Login)] = true
		}
	}
	result := proposal{people: peopleCSV(p.kind, members.People), persons: persons(members.People), dataDir: dataDir}
	names := entityNames(chosen)
	for _, r := range chosen {
		if r.Descriptor == "" || p.kind != github.Provider { // those of GitLab are not read from the repository
			result.descriptors = append(result.descriptors, describe(p, r, names[r.Path], people))
		}
	}
	if teams := describeTeams(p, result.descriptors); teams.text != "" {
		result.descriptors = append(result.descriptors, teams)
	}
	slices.SortFunc(result.descriptors, func(a, b descriptor) int { return cmp.Compare(a.file, b.file) })
	result.configuration = configure(p, chosen, dataDir, len(result.descriptors) > 0, now)
	return result
}

// describe returns the descriptor of a repository.
func describe(p place, r source.Repository, name string, people map[string]bool) descriptor {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Proposed by `dxctl init` for %s (%s).", oneLine(r.Path), oneLine(cmp.Or(strings.Join(reasons(r), "; "),
		"chosen by name")))
	line("# Review it: is it a service that you deploy? If not, delete this file.")
	if r.Descriptor != "" {
		line("# The repository has a %s; dxctl reads it if you copy it here.", oneLine(r.Descriptor))
	}
	line("apiVersion: backstage.io/v1alpha1")
	line("kind: Component")
	line("metadata:")
	line("  name: %s", scalar(name))
	if text := oneLine(r.Description); text != "" {
		line("  description: %s", scalar(text))
	} else {
		line("  # description: one sentence on what it is for")
	}
	line("  annotations:")
	line("    %s.com/project-slug: %s", p.kind, scalar(r.Path))
	line("spec:")
	line("  type: %s  # service, website, library, or a type of your own", componentType(r))
	line("  lifecycle: production  # or experimental, deprecated")
	owner, others := chooseOwner(r.Owners, people)
	ref := owner.ref
	detail := "owner " + ref
	switch {
	case ref != "" && len(others) > 0:
		line("  owner: %s  # %s also names %s", scalar(ref), r.Codeowners, oneLine(strings.Join(others, " ")))
	case ref != "":
		line("  owner: %s  # of all files in %s", scalar(ref), r.Codeowners)
	default:
		line("  # owner: group:NAME of the team that answers for it%s", oneLineNote(ownerless(r)))
		detail = "no owner found: fill in spec.owner"
	}
	file := name
	if file == teamsFile {
		file += "-service"
	}
	return descriptor{descriptorDir + "/" + file + ".yaml", b.String(), detail, owner}
}

// describeTeams returns the descriptor of the teams that own services.
func describeTeams(p place, services []descriptor) descriptor {
	teams := map[string]string{} // as written, by ref
	for _, d := range services {
		if d.owner.isTeam() {
			teams[d.owner.ref] = strings.TrimPrefix(d.owner.written, "@")
		}
	}
	if len(teams) == 0 {
		return descriptor{}
	}
	var b strings.Builder
	b.WriteString("# Proposed by `dxctl init`: the teams that own the services, by CODEOWNERS. Review them.\n")
	for _, ref := range slices.Sorted(maps.Keys(teams)) {
		fmt.Fprintf(&b, "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: %s\n",
			scalar(strings.TrimPrefix(ref, "group:")))
		if p.kind == github.Provider {
			fmt.Fprintf(&b, "  annotations:\n    github.com/team-slug: %s\n", scalar(teams[ref]))
		}
		b.WriteString("spec:\n  type: team\n  children: []\n")
	}
	return descriptor{file: descriptorDir + "/" + teamsFile + ".yaml", text: b.String(),
		detail: files.Count(len(teams), "team", "teams")}
}

// ownerless explains why there is no owner.
func ownerless(r source.Repository) string {
	switch {
	case r.Codeowners == "" && r.Unread:
		return ""
	case r.Codeowners == "":
		return "the repository has no CODEOWNERS"
	case len(r.Owners) == 0:
		return r.Codeowners + " names no owner of all files"
	}
	return r.Codeowners + " names " + strings.Join(r.Owners, " ")
}

func oneLineNote(text string) string {
	if text = oneLine(text); text == "" {
		return ""
	}
	return "; " + text
}

// componentType is website for what is only deployed to pages.
func componentType(r source.Repository) string {
	if r.Dockerfile == "" && len(r.Environments) == 1 && r.Environments[0] == "github-pages" {
		return "website"
	}
	return "service"
}

// persons returns the number of members that are no bots.
func persons(members []source.Member) int {
	n := 0
	for _, m := range members {
		if !m.Bot {
			n++
		}
	}
	return n
}

// peopleCSV returns the people file: a row for each member, with an empty team and start date.
func peopleCSV(kind string, members []source.Member) string {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b source.Member) int {
		return cmp.Compare(strings.ToLower(a.Login), strings.ToLower(b.Login))
	})
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"person", "name", "team", "start_date", "left_date", "logins", "bot"}}
	for _, m := range members {
		bot := ""
		if m.Bot {
			bot = "yes"
		}
		login := oneLine(m.Login)
		person := cell(strings.ToLower(login))
		rows = append(rows, []string{person, cell(oneLine(m.Name)), "", "", "", kind + ":" + login, bot})
	}
	_ = w.WriteAll(rows) // a buffer takes everything
	return b.String()
}

// cell is a text that a spreadsheet does not execute as a formula.
func cell(text string) string { return strings.TrimLeft(text, "=+-@ \t") }
