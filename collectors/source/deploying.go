package source

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// deployWord recognizes the name of a workflow, a job or a step that deploys.
var deployWord = regexp.MustCompile(`(?i)deploy|(^|[^a-z])(cd|rollout)([^a-z]|$)`)

// notDeploy recognizes names that contain the word and do not deploy: they remove, or try out.
var notDeploy = regexp.MustCompile(`(?i)undeploy|predeploy|deploy[-_ ]?(key|check)`)

// NamesDeployment reports whether the name of a workflow, a job or a step indicates that it deploys.
func NamesDeployment(name string) bool {
	return deployWord.MatchString(name) && !notDeploy.MatchString(name)
}

// IsDockerfile reports whether a file at the top of a repository describes a container image of it.
func IsDockerfile(name string) bool {
	name = strings.ToLower(name)
	return name == "dockerfile" || name == "containerfile" || strings.HasPrefix(name, "dockerfile.") &&
		name != "dockerfile.dev" && name != "dockerfile.test"
}

// WorkflowDeployment reads a GitHub workflow, or the CI configuration of GitLab: whether a job of it deploys, and the
// environments that its jobs name. Names with variables are left out. A text that is not YAML does not deploy.
func WorkflowDeployment(text string) (deploys bool, environments []string) {
	var doc map[string]any
	if yaml.Unmarshal([]byte(text), &doc) != nil {
		return false, nil
	}
	jobs, isWorkflow := doc["jobs"].(map[string]any)
	if !isWorkflow {
		jobs = doc // of GitLab, whose jobs are at the top
	}
	for id, value := range jobs {
		job, ok := value.(map[string]any)
		if !ok || strings.HasPrefix(id, ".") && !isWorkflow {
			continue
		}
		name, set := jobEnvironment(job)
		deploys = deploys || set || NamesDeployment(id) || namesDeployment(job["uses"]) || stepDeploys(job)
		if name != "" {
			environments = append(environments, name)
		}
	}
	return deploys, environments
}

// jobEnvironment returns the environment of a job: a text, or a mapping with name. One that a job only stops, or looks
// at, is not one that it deploys to.
func jobEnvironment(job map[string]any) (name string, set bool) {
	switch v := job["environment"].(type) {
	case string:
		name, set = v, true
	case map[string]any:
		if action, _ := v["action"].(string); action != "" && action != "start" {
			return "", false
		}
		name, set = asText(v["name"]), true
	}
	if strings.ContainsAny(name, "${}") {
		name = ""
	}
	return name, set
}

func stepDeploys(job map[string]any) bool {
	steps, _ := job["steps"].([]any)
	for _, s := range steps {
		if step, ok := s.(map[string]any); ok && (namesDeployment(step["uses"]) || namesDeployment(step["name"])) {
			return true
		}
	}
	return false
}

func namesDeployment(v any) bool { return NamesDeployment(asText(v)) }

func asText(v any) string {
	s, _ := v.(string)
	return s
}
