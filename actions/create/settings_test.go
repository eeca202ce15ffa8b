package create

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/github/hosttest"
)

// TestRequiredChecks: a check that is required must report on every pull request to the default branch, by its name.
func TestRequiredChecks(t *testing.T) {
	for name, c := range map[string]struct{ on, job, want string }{
		"each pull request":   {"pull_request:", "", "test"},
		"of the branch":       {"pull_request: {branches: [main]}", "", "test"},
		"of another branch":   {"pull_request: {branches: ['release/**']}", "", ""},
		"of most branches":    {"pull_request: {branches-ignore: [docs]}", "", ""},
		"some files":          {"pull_request: {paths: [a]}", "", ""},
		"a matrix":            {"pull_request:", "strategy: {matrix: {go: [1, 2]}}, ", ""},
		"under a condition":   {"pull_request:", "if: x, ", ""},
		"a computed name":     {"pull_request:", "name: '${{ x }}', ", ""},
		"a name":              {"pull_request:", "name: Unit tests, ", "Unit tests"},
		"no pull request":     {"push:", "", ""},
		"a strategy, no runs": {"pull_request:", "strategy: {fail-fast: true}, ", "test"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "on:\n  " + c.on + "\njobs:\n  test: {" + c.job + "runs-on: x, steps: [{run: x}]}\n"
			got := requiredChecks([]actions.FileChange{{Path: ".github/workflows/ci.yaml", After: []byte(text)}})
			if strings.Join(got, ",") != c.want {
				t.Errorf("%v, want %q", got, c.want)
			}
		})
	}
}

// TestSettingsThatAreRefused: a setting that the server does not have does not keep the others, nor the creation, from
// it.
func TestSettingsThatAreRefused(t *testing.T) {
	s := hosttest.New(t)
	s.Teams = map[string]int64{"acme/payments": 42}
	s.Refuse = func(r *http.Request, _ http.Header) (int, string) {
		if strings.HasSuffix(r.URL.Path, "/private-vulnerability-reporting") {
			return http.StatusNotFound, "Not Found"
		}
		if strings.HasSuffix(r.URL.Path, "/rulesets") {
			return http.StatusForbidden, "The organization does not allow it"
		}
		return 0, ""
	}
	in := input(RepositoryField, "acme/pay", VisibilityField, "public")
	in[SettingsField] = true
	p, a := begin(t, action(t, t.TempDir(), s), in)
	said := ""
	if err := apply(t.Context(), a, p, func(step actions.Step) { said += step.Note }); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said, "not set: ") || !strings.Contains(said, "The organization does not allow it") {
		t.Errorf("it says %q", said)
	}
	repo := s.Repos["acme/pay"]
	if !strings.HasPrefix(repo.Settings[0], "PUT environments/production") || !repo.Set.ReadOnlyToken {
		t.Errorf("the settings are %q", repo.Settings)
	}
}

// TestEnvironmentOfSomebody: a creation that is resumed does not replace what somebody has set meanwhile.
func TestEnvironmentOfSomebody(t *testing.T) {
	for name, c := range map[string]struct {
		there  map[string]any
		hidden bool
		said   string // "": it is set, or was
		sent   bool
	}{
		"protected otherwise": {map[string]any{"wait_timer": 30.0}, false, "which somebody has protected otherwise since", false},
		"not protected":       {map[string]any{}, false, "", true},
		"set before": {map[string]any{"wait_timer": 0.0, "prevent_self_review": true, "can_admins_bypass": true,
			"reviewers": []any{map[string]any{"type": "Team", "id": 42.0}}}, false, "", false},
		"set before, and not even administrators can bypass it now": {map[string]any{"wait_timer": 0.0,
			"prevent_self_review": true, "can_admins_bypass": false,
			"reviewers": []any{map[string]any{"type": "Team", "id": 42.0}}}, false, "", false},
		"administrators cannot bypass it": {map[string]any{"can_admins_bypass": false}, false,
			"which somebody has protected otherwise since", false},
		"not readable": {map[string]any{"wait_timer": 30.0}, true, "could not be read", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := hosttest.New(t)
			s.Teams = map[string]int64{"acme/payments": 42}
			s.After = func(r *http.Request) bool { // the push has created the environment
				if repo := s.Repos["acme/pay"]; repo != nil && repo.Set.Environments == nil {
					repo.Set.Environments = map[string]map[string]any{"production": c.there}
				}
				return true
			}
			if c.hidden {
				s.Refuse = func(r *http.Request, _ http.Header) (int, string) {
					if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/environments") {
						return http.StatusForbidden, "Resource not accessible by personal access token"
					}
					return 0, ""
				}
			}
			in := input(RepositoryField, "acme/pay", VisibilityField, "public")
			in[SettingsField] = true
			p, a := begin(t, action(t, t.TempDir(), s), in)
			said := ""
			if err := apply(t.Context(), a, p, func(step actions.Step) { said += step.Note }); err != nil {
				t.Fatal(err)
			}
			_, left, _ := strings.Cut(said, "not set: the environment production, ")
			sent := slices.ContainsFunc(s.Writes, func(w string) bool { return strings.Contains(w, "/environments/production") })
			if !strings.Contains(left, c.said) || (left == "") != (c.said == "") || sent != c.sent {
				t.Errorf("it says %q, wrote %q, and the environment is %v", said, s.Writes, s.Repos["acme/pay"].Set.Environments)
			}
		})
	}
}
