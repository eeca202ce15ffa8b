package environment

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
)

// oneCommand are the names of tasks that start a development environment.
var oneCommand = regexp.MustCompile(`(?i)^(dev|start|run|up|serve|server|setup|bootstrap|demo|watch|dev[:-].*|start[:-].*|run[:-].*|local|develop|compose-up|docker-up)$`)

// starters have the command that starts a development environment from a file.
var starters = []struct {
	file    *regexp.Regexp
	command string
}{
	{regexp.MustCompile(`^\.?devcontainer\.json$`), "devcontainer up"},
	{regexp.MustCompile(`^flake\.nix$`), "nix develop"},
	{regexp.MustCompile(`^shell\.nix$`), "nix-shell"},
	{regexp.MustCompile(`^devbox\.json$`), "devbox shell"},
	{regexp.MustCompile(`^(devenv|dev)\.nix$`), "devenv up"},
	{regexp.MustCompile(`^\.gitpod\.yml$`), "gitpod environment create"},
	{regexp.MustCompile(`^\.?devfile\.yaml$`), "odo dev"},
	{regexp.MustCompile(`^Vagrantfile$`), "vagrant up"},
	{regexp.MustCompile(`^Tiltfile$`), "tilt up"},
	{regexp.MustCompile(`^skaffold\.yaml$`), "skaffold dev"},
	{regexp.MustCompile(`garden\.ya?ml$`), "garden dev"},
	{regexp.MustCompile(`AppHost\.csproj$`), "dotnet run --project "}, // of .NET Aspire
	{regexp.MustCompile(`^(docker-)?compose\.ya?ml$`), "docker compose up"},
}

// Command returns the command that starts a development environment, and the place that defines it: of a file that is
// made for it, else of a task with a usual name, else of another file of Compose. It is "" if nothing is known to.
func (s *Set) Command() (command string, at fact.Location) {
	for _, at := range s.Starts {
		base := path.Base(at.Path)
		for _, one := range starters {
			if !one.file.MatchString(base) {
				continue
			}
			command := one.command
			if strings.HasPrefix(command, "docker compose") && path.Dir(at.Path) != "." {
				command = "docker compose -f " + at.Path + " up"
			}
			if strings.HasPrefix(command, "dotnet run") {
				command += at.Path
			}
			return command, at
		}
		if path.Ext(base) == "" {
			return "./" + at.Path, at
		}
	}
	i := slices.IndexFunc(s.Tasks, func(t Task) bool { return oneCommand.MatchString(t.Name) })
	switch {
	case i >= 0 && s.Tasks[i].Runner == "npm":
		return "npm run " + s.Tasks[i].Name, s.Tasks[i].At
	case i >= 0:
		return s.Tasks[i].Runner + " " + s.Tasks[i].Name, s.Tasks[i].At
	case len(s.Starts) > 0:
		return "docker compose -f " + s.Starts[0].Path + " up", s.Starts[0]
	}
	return "", fact.Location{}
}
