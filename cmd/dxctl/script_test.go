package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/store/embedded"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestScripts runs whole sessions, as a person would type them, against the real binary, the real engine and a GitHub
// on loopback. $GITHUB is that GitHub's API, $ADDR a free address to serve on, people.csv has one engineer, ada, who
// started twelve days ago.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	runScripts(t, slices.DeleteFunc(files, isConcurrent))
}

// TestConcurrentScripts runs the scripts of servers that collect, grade and answer at once. The commands of the others
// do one thing after another.
func TestConcurrentScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, concurrentScripts)
}

var concurrentScripts = []string{"testdata/script/push.txtar", "testdata/script/serve.txtar"}

func isConcurrent(script string) bool { return slices.Contains(concurrentScripts, script) }

func runScripts(t *testing.T, files []string) {
	t.Helper()
	library, err := embedded.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		WorkdirRoot:         storetest.TempDir(t),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			server := githubtest.New(t)
			server.Repos["myorg/payment-service"] = paymentService(time.Now().UTC().Truncate(time.Hour))
			addOrganization(server, time.Now().UTC().Truncate(time.Hour))
			addShared(server)
			server.Before = func(_ int, r *http.Request) *githubtest.Fault {
				if r.Header.Get("Authorization") == "Bearer wrong" {
					return &githubtest.Fault{Status: http.StatusUnauthorized, Body: `{"message": "Bad credentials"}`}
				}
				return nil
			}
			address, err := freeAddress()
			if err != nil {
				return err
			}
			started := time.Now().UTC().AddDate(0, 0, -12).Format(time.DateOnly)
			people := "person,team,start_date,logins\nada,team-payments," + started + ",github:ada\n"
			if err := os.WriteFile(filepath.Join(env.WorkDir, "people.csv"), []byte(people), 0o600); err != nil {
				return err
			}
			env.Setenv(embedded.LibraryVariable, library)
			// By default, a command with the race detector waits for a second before it ends.
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("GITHUB", server.API())
			env.Setenv("ADDR", address)
			env.Setenv("STARTED", started)
			env.Setenv("ENDS", time.Now().UTC().AddDate(0, 0, 30).Format(time.DateOnly))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"answers": answers,
			"damage":  damage,
			"engine":  engine,
			"same":    same,
			"posts":   posts,
		},
	})
}

// paymentService is a repository with ten runs, two pull requests and three deployments.
func paymentService(now time.Time) *githubtest.Repo {
	repo := &githubtest.Repo{Files: []string{"README.md", "CODEOWNERS", ".github/workflows/ci.yml", "Dockerfile"}}
	for i := range 10 {
		at := now.Add(-time.Duration(i+1) * 24 * time.Hour)
		conclusion := "success"
		if i == 3 {
			conclusion = "failure"
		}
		id := int64(100 + i)
		repo.Runs = append(
			repo.Runs,
			githubtest.Run{ID: id, Attempt: 1, Name: "ci", Branch: "main", Event: "push", Status: "completed",
				Conclusion: conclusion, Actor: "ada", Created: at, Updated: at.Add(8 * time.Minute), Jobs: []githubtest.Job{
					{
						ID:         10*id + 1,
						Attempt:    1,
						Name:       "test",
						Status:     "completed",
						Conclusion: conclusion,
						Created:    at,
						Started:    at.Add(time.Minute),
						Completed:  at.Add(7 * time.Minute),
					},
				}},
		)
	}
	for i := range 2 {
		merged := now.Add(-time.Duration(10*i+5) * 24 * time.Hour)
		repo.Pulls = append(
			repo.Pulls,
			githubtest.Pull{Number: i + 1, Title: "Улучшение " + strconv.Itoa(i), Author: "ada", Kind: "User",
				Created: merged.Add(-20 * time.Hour), Updated: merged, Closed: merged, Merged: merged,
				Commits: []githubtest.Commit{{SHA: "c" + strconv.Itoa(i), At: merged.Add(-24 * time.Hour)}},
				Reviews: []githubtest.Review{{State: "APPROVED", Author: "grace", Kind: "User", At: merged.Add(-time.Hour)}}},
		)
	}
	for i, creator := range []string{"ada", "ada", "grace"} {
		at := now.Add(-time.Duration(8*i+1) * 24 * time.Hour)
		repo.Deployments = append(
			repo.Deployments,
			githubtest.Deployment{
				ID:          int64(i + 1),
				Environment: "prod",
				SHA:         "d" + strconv.Itoa(i),
				Ref:         "main",
				State:       "ACTIVE",
				Creator:     creator,
				Created:     at,
				Statuses:    []githubtest.Status{{State: "SUCCESS", At: at.Add(5 * time.Minute)}},
			},
		)
	}
	return repo
}

// addShared adds a repository of two services, whose settings the token may read, and its owner's defaults.
func addShared(s *githubtest.Server) {
	protection := map[string]any{
		"required_pull_request_reviews": map[string]any{"required_approving_review_count": 1, "dismiss_stale_reviews": true},
		"enforce_admins":                map[string]any{"enabled": true},
	}
	s.Repos["initech/shop"] = &githubtest.Repo{
		Contents: map[string]string{
			"README.md": "# Shop\n\nThe shop.\n",
			".github/workflows/ci.yml": "on: pull_request\njobs:\n  test:\n    runs-on: ubuntu-latest\n" +
				"    steps: [{run: go test ./...}]\n",
			"services/pay/main.go":    "package main\n",
			"services/pay/Dockerfile": "FROM alpine:3.20\nUSER 1000\n",
			"services/cart/app.py":    "print()\n",
			"services/cart/Dockerfile": "FROM python\n" +
				"COPY app.py .\nCMD [\"python\", \"app.py\"]\n",
		},
		Record: map[string]any{"visibility": "private"},
		Settings: map[string]githubtest.Setting{
			"rules/branches/main":          {Body: []any{}},
			"branches/main/protection":     {Body: protection},
			"actions/permissions/workflow": {Status: 403, Body: map[string]any{"message": "Resource not accessible"}},
		},
	}
	s.Repos["initech/.github"] = &githubtest.Repo{
		Contents: map[string]string{"SECURITY.md": "Write to security@example.com in private.\n"},
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// exits runs a command that must end with a certain code: exits 4 dxctl collect.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// answers waits until a URL answers 200, and its body contains the texts: answers http://$ADDR/readyz ready.
func answers(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(time.Minute)
	for {
		err := contains(args[0], args[1:])
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not answer: %v", args[0], err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func contains(url string, texts []string) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	for _, text := range texts {
		if !strings.Contains(string(body), text) {
			return fmt.Errorf("%q is not in it: %s", text, body)
		}
	}
	return nil
}

// posts sends a file and checks the status of the answer, and that it contains the texts: posts 401 URL body.json wrong
// text. An empty token is not sent.
func posts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: posts STATUS URL FILE TOKEN TEXT…")
	}
	req, err := http.NewRequest(http.MethodPost, args[1], strings.NewReader(ts.ReadFile(args[2])))
	ts.Check(err)
	req.Close = true // the server closes the connection of a body that it did not read
	req.Header.Set("Content-Type", "application/json")
	if args[3] != "" {
		req.Header.Set("Authorization", "Bearer "+args[3])
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if got := strconv.Itoa(resp.StatusCode); got != args[0] {
		ts.Fatalf("%s answers %s, want %s: %s", args[1], got, args[0], body)
	}
	for _, text := range args[4:] {
		if !strings.Contains(string(body), text) {
			ts.Fatalf("%q is not in the answer: %s", text, body)
		}
	}
}

// damage cuts off the data of all parts of the tables that have a column: damage data/clickhouse rollback_of.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: damage DIRECTORY COLUMN")
	}
	lists, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "store", "*", "*", "all_*", "columns.txt"))
	ts.Check(err)
	damaged := 0
	for _, list := range lists {
		text, err := os.ReadFile(list)
		ts.Check(err)
		if !strings.Contains(string(text), "`"+args[1]+"`") {
			continue
		}
		files, err := filepath.Glob(filepath.Join(filepath.Dir(list), "*.bin"))
		ts.Check(err)
		for _, file := range files {
			ts.Check(os.Truncate(file, 3))
			damaged++
		}
	}
	if damaged == 0 {
		ts.Fatalf("no part has a column %s", args[1])
	}
}

// isObservedAt reports whether key is that of the time of a fact: those of the catalog are observed when they are read.
func isObservedAt(key string, _ any) bool { return key == "observed_at" }

// same checks that the API's document at a URL is the one that a command prints with -o json: same URL dxctl services.
// It asks again while they differ, because numbers of the last 30 days begin at the present minute, and rates go up to
// the present.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: same URL command…")
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		ts.Check(ts.Exec(args[1], append(args[2:], "-o", "json")...))
		var printed, answered any
		ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &printed))
		resp, err := http.Get(args[0])
		ts.Check(err)
		err = json.NewDecoder(resp.Body).Decode(&answered)
		_ = resp.Body.Close()
		ts.Check(err)
		if resp.StatusCode != http.StatusOK {
			ts.Fatalf("%s: %s: %v", args[0], resp.Status, answered)
		}
		diff := cmp.Diff(answered, printed, cmpopts.EquateApprox(0.001, 0), cmpopts.IgnoreMapEntries(isObservedAt))
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the document of %s (-) is not what %s prints (+):\n%s", args[0], strings.Join(args[1:], " "), diff)
		}
	}
}
