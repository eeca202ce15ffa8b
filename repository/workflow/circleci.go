package workflow

import (
	"errors"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// CircleCI is the configuration of CircleCI. Orbs are not downloaded: what their jobs and commands run is unknown.
type CircleCI struct {
	Path string
	Jobs []CircleJob
	Orbs []string // as they are written: "circleci/node@5.2"
}

// CircleJob is a job of CircleCI, with the commands of the file that it calls.
type CircleJob struct {
	Name   string
	At     fact.Location
	Script string
	// Scheduled is whether a workflow of the file runs the job. One that no workflow runs never runs, unless it is
	// called "build".
	Scheduled bool
}

// ReadCircleCI reads .circleci/config.yml. Without it the value is known and nil.
func ReadCircleCI(t *tree.Tree) fact.Value[*CircleCI] {
	f, found := t.First(".circleci/config.yml", ".circleci/config.yaml")
	if !found {
		return tree.Absent[*CircleCI](t, nil)
	}
	at := fact.Location{Path: f.Path}
	var c *CircleCI
	err := fact.Contain(func() error {
		text, err := t.Text(f)
		if err != nil {
			return err
		}
		root, err := yamlfile.One(text)
		if err != nil {
			return err
		}
		if root == nil || root.Kind != yaml.MappingNode {
			return errors.New("it is not a configuration of CircleCI: a mapping is expected")
		}
		c = circleCI(f.Path, root)
		return nil
	})
	if err != nil {
		return fact.Unknown[*CircleCI](at, "%v", err)
	}
	return fact.Known(c, at)
}

func circleCI(file string, root *yaml.Node) *CircleCI {
	c := &CircleCI{Path: file}
	for _, p := range yamlfile.Pairs(yamlfile.Get(root, "orbs")) {
		if orb := yamlfile.Text(p.Value); orb != "" {
			c.Orbs = append(c.Orbs, orb)
		}
	}
	scheduled := []string{"build"}
	for _, w := range yamlfile.Pairs(yamlfile.Get(root, "workflows")) {
		for _, n := range yamlfile.Items(yamlfile.Get(w.Value, "jobs")) {
			if name := yamlfile.Text(n); name != "" {
				scheduled = append(scheduled, name)
			}
			for _, p := range yamlfile.Pairs(n) {
				scheduled = append(scheduled, p.Key)
			}
		}
	}
	commands := map[string]*yaml.Node{}
	for _, p := range yamlfile.Pairs(yamlfile.Get(root, "commands")) {
		commands[p.Key] = p.Value
	}
	for _, p := range yamlfile.Pairs(yamlfile.Get(root, "jobs")) {
		budget := maxSteps
		c.Jobs = append(c.Jobs, CircleJob{
			Name:      p.Key,
			At:        fact.Location{Path: file, Line: p.Line},
			Script:    circleScript(p.Value, commands, &budget, 0),
			Scheduled: slices.Contains(scheduled, p.Key),
		})
	}
	return c
}

// maxSteps bounds the steps of a job with the commands that it calls, which can call others.
const maxSteps = 500

func circleScript(n *yaml.Node, commands map[string]*yaml.Node, budget *int, depth int) string {
	script := ""
	for _, step := range yamlfile.Items(yamlfile.Get(n, "steps")) {
		if *budget--; *budget < 0 || depth > 10 {
			return script
		}
		name := yamlfile.Text(step)
		for _, p := range yamlfile.Pairs(step) {
			if name = p.Key; name == "run" {
				text := yamlfile.Text(p.Value)
				if text == "" {
					text = yamlfile.Text(yamlfile.Get(p.Value, "command"))
				}
				script += text + "\n"
			}
		}
		if command := commands[name]; command != nil {
			script += circleScript(command, commands, budget, depth+1)
		}
	}
	return script
}

// Found returns where the jobs that are run do something.
func (c *CircleCI) Found(p Purpose) []fact.Location {
	var at []fact.Location
	for i := range c.Jobs {
		step := Step{Run: c.Jobs[i].Script}
		if c.Jobs[i].Scheduled && slices.Contains(step.Purposes(), p) {
			at = append(at, c.Jobs[i].At)
		}
	}
	return at
}
