package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/repository/workflow"
	"github.com/dxctl/dxctl/store/embedded"
	"github.com/dxctl/dxctl/store/storetest"
)

const planActionDir = "../../deploy/plan-action"

// TestPlanActionFile reads the action as dxctl reads those of others: nothing that somebody chooses is in a script, and
// it uses no other action.
func TestPlanActionFile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(planActionDir, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := workflow.ParseAction("deploy/plan-action/action.yml", string(text))
	if err != nil || a.Using != "composite" || len(a.Steps) != 4 || len(a.Uses()) > 0 {
		t.Fatalf("%+v %v", a, err)
	}
	for _, s := range a.Steps {
		if len(s.Injections) > 0 || strings.Contains(s.Run, "${{") {
			t.Errorf("%s: an expression is in the script: %s", s.Name, s.Run)
		}
	}
}

// comments has the comments of a pull request, as GitHub's API gives and takes them.
type comments struct {
	mu     sync.Mutex
	list   []map[string]any
	status int // of whatever writes; 0: it succeeds
}

func (c *comments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer github-token" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	const path = "/repos/acme/rules/issues/"
	var sent struct {
		Body string `json:"body"`
	}
	_ = json.NewDecoder(r.Body).Decode(&sent) // a GET has none
	switch {
	case r.Method == http.MethodGet && r.URL.Path == path+"7/comments":
		first := 0
		fmt.Sscan(r.URL.Query().Get("page"), &first)
		first = min((first-1)*100, len(c.list))
		_ = json.NewEncoder(w).Encode(c.list[first:min(first+100, len(c.list))])
	case c.status != 0:
		w.WriteHeader(c.status)
	case r.Method == http.MethodPost && r.URL.Path == path+"7/comments":
		c.add("github-actions[bot]", sent.Body)
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodPatch && strings.HasPrefix(r.URL.Path, path+"comments/"):
		i := slices.IndexFunc(c.list, func(m map[string]any) bool {
			return fmt.Sprint(m["id"]) == strings.TrimPrefix(r.URL.Path, path+"comments/")
		})
		c.list[i]["body"] = sent.Body
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// answerWith sets the status of whatever writes; 0: it succeeds.
func (c *comments) answerWith(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

// bodies returns the texts of the comments.
func (c *comments) bodies() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	texts := make([]string, len(c.list))
	for i, m := range c.list {
		texts[i], _ = m["body"].(string)
	}
	return texts
}

func (c *comments) add(login, body string) {
	c.list = append(c.list, map[string]any{"id": 1000 + len(c.list), "body": body, "user": map[string]any{"login": login}})
}

const planActionCard = `apiVersion: dxctl.dev/v1
kind: Scorecard
name: mine
levels: [bronze]
rules:
  - {id: owned, level: bronze, title: Owned by @everybody <b>, effort: hours, expr: 'facts["catalog.has_owner"]%s'}
`

// planServer starts a real server whose rules the plans are compared with, and returns its address.
func planServer(t *testing.T, program string) string {
	t.Helper()
	library, err := embedded.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	dir := storetest.TempDir(t)
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"dx.yaml": "server: {tokens: [{name: rules, secret: a-token-for-plans, scopes: [plan]}]}\n" +
			"catalog: {files: [catalog.yaml]}\nscorecards: {files: [card.yaml]}\n",
		"card.yaml": fmt.Sprintf(planActionCard, ""),
		"catalog.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: one}\n" +
			"spec: {type: service, owner: team, lifecycle: production}\n---\n" +
			"apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team}\nspec: {type: team, children: []}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "serve", "--addr", address)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), embedded.LibraryVariable+"="+library), os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // it was interrupted
	for deadline := time.Now().Add(time.Minute); contains("http://"+address+"/readyz", nil) != nil; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server does not answer")
		}
	}
	return "http://" + address
}

// TestPlanAction runs the steps of the action on a repository of scorecards, with a real server that plans.
func TestPlanAction(t *testing.T) {
	temp, workspace := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(workspace, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("same/card.yaml", fmt.Sprintf(planActionCard, ""))
	write("-o $(touch injected)/card.yaml", fmt.Sprintf(planActionCard, ` && facts["catalog.has_description"]`))
	write("broken/card.yaml", strings.Replace(fmt.Sprintf(planActionCard, ""), "has_owner", "<script> @acme", 1))
	write("cases/card.yaml", fmt.Sprintf(planActionCard, ""))
	write("cases/card.test.yaml", "now: 2026-11-22T12:00:00Z\ncases:\n  - name: owned\n"+
		"    entity: {name: one, type: service}\n    facts: {catalog.has_owner: true}\n    outcomes: {owned: pass}\n")
	write("event.json", `{"pull_request": {"number": 7}}`)
	write("push.json", `{"ref": "refs/heads/main"}`)
	github := &comments{}
	for range 120 { // the comment is not on the first page
		github.add("ana", "a comment")
	}
	github.add("mallory", "<!-- dxctl rules plan -->\nnot of the action")
	api := httptest.NewServer(github)
	defer api.Close()
	step := func(dir, script string, inputs ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(dir, script))
		cmd.Env = append(os.Environ(), append([]string{"RUNNER_TEMP=" + temp, "GITHUB_WORKSPACE=" + workspace,
			"GITHUB_OUTPUT=" + filepath.Join(temp, "output"), "GITHUB_STEP_SUMMARY=" + filepath.Join(temp, "summary"),
			"GITHUB_API_URL=" + api.URL, "GITHUB_REPOSITORY=acme/rules", "GITHUB_EVENT_PATH=" + filepath.Join(workspace, "event.json"),
			"INPUT_COMMENT_AUTHOR=github-actions[bot]", "INPUT_GITHUB_TOKEN=github-token", "DXCTL_TOKEN="}, inputs...)...)
		text, err := cmd.CombinedOutput()
		return string(text), err
	}
	if text, err := step(actionDir, "build.sh"); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	address := planServer(t, filepath.Join(temp, "dxctl"))
	last := func() string { all := github.bodies(); return all[len(all)-1] }
	planned := []string{"INPUT_SERVER=" + address, "DXCTL_TOKEN=a-token-for-plans"}
	for _, tc := range []struct {
		name, result string
		inputs       []string
		status       int  // of GitHub, where the comment is written
		fails        bool // in the end
		comments     int  // that there are afterwards
		want         string
	}{
		{"a fork", "checked", []string{"INPUT_PATH=same", "INPUT_SERVER=" + address}, 403, false, 121, ""},
		{"no secret", "checked", []string{"INPUT_PATH=same", "INPUT_SERVER=" + address}, 0, false, 122,
			"types are good; there are no cases; without a token for the server, nothing is planned"},
		{"no secret, and a case", "checked", []string{"INPUT_PATH=cases", "INPUT_SERVER=" + address}, 0, false, 122,
			"types are good; 1 case passes; without a token"},
		{"no time", "mistakes", slices.Concat(planned, []string{"INPUT_PATH=same", "INPUT_TIMEOUT=1ns"}), 0, true, 122,
			"no answer within 1ns: the server may still be making the plan; raise --timeout"},
		{"nothing falls", "nothing-falls", slices.Concat(planned, []string{"INPUT_PATH=same"}), 0, false, 122, "Nothing moves"},
		{"something falls", "falls", slices.Concat(planned, []string{"INPUT_PATH=-o $(touch injected)"}), 0, false, 122, "Something falls"},
		{"it must not", "falls", slices.Concat(planned, []string{"INPUT_PATH=-o $(touch injected)", "INPUT_FAIL_ON_FALLS=true"}), 0, true, 122, "Something falls"},
		{"mistakes", "mistakes", slices.Concat(planned, []string{"INPUT_PATH=broken"}), 0, true, 122, "unknown fact"},
		{"a wrong token", "mistakes", []string{"INPUT_PATH=same", "INPUT_SERVER=" + address, "DXCTL_TOKEN=wrong"}, 0, true, 122, "401 Unauthorized"},
		{"no comment", "nothing-falls", slices.Concat(planned, []string{"INPUT_PATH=same", "INPUT_COMMENT=false"}), 0, false, 122, "401 Unauthorized"},
		{"no pull request", "nothing-falls", slices.Concat(planned, []string{"INPUT_PATH=same", "GITHUB_EVENT_PATH=" + filepath.Join(workspace, "push.json")}),
			0, false, 122, "401 Unauthorized"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			github.answerWith(tc.status)
			_, _ = os.Remove(filepath.Join(temp, "output")), os.Remove(filepath.Join(temp, "summary"))
			text, err := step(planActionDir, "plan.sh", tc.inputs...)
			if err != nil {
				t.Fatalf("plan.sh: %v\n%s", err, text)
			}
			got, _ := os.ReadFile(filepath.Join(temp, "output"))
			if !strings.Contains(string(got), "result="+tc.result+"\n") {
				t.Fatalf("%s\n%s", got, text)
			}
			if text, err = step(planActionDir, "comment.sh", tc.inputs...); err != nil {
				t.Fatalf("comment.sh: %v\n%s", err, text)
			}
			if tc.status == 403 && !strings.Contains(text, "This run may not write a comment") {
				t.Errorf("%s", text)
			}
			if _, err := step(planActionDir, "decide.sh", append(tc.inputs, "RESULT="+tc.result)...); (err != nil) != tc.fails {
				t.Errorf("it fails: %v", err)
			}
			if n := len(github.bodies()); n != tc.comments || tc.want != "" && !strings.Contains(last(), tc.want) {
				t.Errorf("%d comments, the last is %s", n, last())
			}
			summary, _ := os.ReadFile(filepath.Join(temp, "summary"))
			for _, shown := range []string{last(), string(summary)} {
				if strings.Contains(shown, "<script>") || strings.Contains(shown, "@acme") || strings.Contains(shown, "@everybody") {
					t.Errorf("what a pull request chose is markup, or mentions somebody: %s", shown)
				}
			}
		})
	}
	if body := github.bodies()[120]; !strings.HasSuffix(body, "not of the action") {
		t.Errorf("the comment of somebody else was changed: %s", body)
	}
	if _, err := os.Stat(filepath.Join(workspace, "injected")); err == nil {
		t.Error("an input was run as a command")
	}
}
