package setup

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/source"
)

// historyDays is how far back the first collect reads, so that the first page is there within minutes.
const historyDays = 90

// otherNames is how many unmapped names of environments the configuration lists.
const otherNames = 20

// configure returns dx.yaml.
func configure(p place, chosen []source.Repository, dataDir string, described bool, now time.Time) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# The configuration of dxctl, proposed by `dxctl init` on %s. Change it as you like.", now.Format(time.DateOnly))
	line("# Check it with `dxctl doctor`, then run `dxctl collect` and `dxctl serve`. Paths are relative to this file.")
	line("# ${NAME} is replaced by an environment variable, so that no secret is in this file.")
	line("")
	line("store:")
	line("  dsn: embedded:./%s  # ClickHouse inside dxctl; or clickhouse://user:${PASSWORD:-}@host:9000/dx", dataDir)
	line("")
	line("server:")
	line("  addr: 127.0.0.1:8080  # where `dxctl serve` listens")
	line("")
	configureSource(line, p, chosen, now)
	line("")
	line("# Backstage descriptors: which repository is which service, and who owns it (docs/catalog.md).")
	if described {
		line("catalog:")
		line("  files: [%s/*.yaml]", descriptorDir)
	} else {
		line("# catalog:")
		line("#   files: [%s/*.yaml]", descriptorDir)
	}
	line("")
	configureEnvironments(line, chosen)
	line("")
	line("# Who works here, for time to first deploy (docs/sources/people.md). Fill in start_date; people without one are")
	line("# in no estimate.")
	line("people:")
	line("  files: [%s]", peopleFile)
	line("")
	line("# Your own rules; without them the built-in ones are used (docs/rules.md).")
	line("# scorecards:")
	line("#   files: [scorecards/*.yaml]")
	line("")
	line("# collect:")
	line("#   interval: 15m    # how often `dxctl serve` collects and grades")
	line("#   dir: collected   # directory of git clones and received events")
	return b.String()
}

func configureSource(line func(string, ...any), p place, chosen []source.Repository, now time.Time) {
	line("# What is read, and from where (docs/sources/%s.md).", p.kind)
	line("sources:")
	line("  - name: %s  # part of the identity of what is stored, so keep it", p.kind)
	line("    kind: %s", p.kind)
	if p.url != "" {
		line("    url: %s", scalar(p.url))
	}
	if p.allowPrivateNetwork {
		line("    allow_private_network: true  # the name of the server resolves to a private address")
	}
	line("    token: \"${%s}\"  # the environment variable; never write the token here", p.tokenVariable)
	switch comment := "# how far back the first collect reads; a larger number reads the earlier history, too"; {
	case recent(chosen, now):
		line("    since: %dd  %s", historyDays, comment)
	default:
		line("    # since: %dd  %s", historyDays, comment)
	}
	line("    # jobs: default-branch  # all (default) or none: whose jobs are read; they cost most requests")
	list, whole := "repositories", "organization: "+scalar(p.account)
	if p.kind != github.Provider {
		list, whole = "projects", "groups: ["+scalar(p.account)+"]"
	}
	line("    %s:", list)
	discovered := false
	for _, r := range chosen {
		switch {
		case r.Configured != "":
			line("      - %s  # %s", scalar(r.Configured), oneLine(r.Path))
		default:
			line("      - %s", scalar(r.Path))
		}
		discovered = discovered || r.Descriptor != ""
	}
	if p.account != "" {
		line("    # %s  # instead of %s: all of them, also those to come", whole, list)
	}
	if discovered && p.kind == github.Provider {
		line("    catalog: {discover: true}  # read the descriptors in the repositories")
	}
}

// recent reports whether a repository is known to have been active in the time that the first collect reads. If none
// is, it reads the whole history: the first page would be empty.
func recent(chosen []source.Repository, now time.Time) bool {
	return slices.ContainsFunc(chosen, func(r source.Repository) bool {
		return now.Sub(r.ActiveAt) < historyDays*24*time.Hour
	})
}

func configureEnvironments(line func(string, ...any), chosen []source.Repository) {
	mapped, others, passing := environmentsOf(chosen)
	line("# The names that the sources use for each environment.")
	line("environments:")
	for _, e := range mapped {
		line("  %s:", e.name)
		for _, name := range e.names {
			line("    - %s", scalar(name))
		}
	}
	if len(others) > 0 {
		line("  # The sources also have these; they keep their names unless you add them above:")
		for _, name := range others[:min(len(others), otherNames)] {
			line("  #   - %s", scalar(name))
		}
		if more := len(others) - otherNames; more > 0 {
			line("  #   and %d more", more)
		}
	}
	if passing > 0 {
		line("  # Not listed: %d that come and go with a branch or a pull request.", passing)
	}
	if !slices.ContainsFunc(chosen, func(r source.Repository) bool { return len(r.Environments) > 0 }) {
		line("  # No names were found; these are the usual ones.")
	}
}
