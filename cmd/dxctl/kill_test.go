package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/github/githubtest"
	"github.com/dxctl/dxctl/store/embedded"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestKilledAtRandom collects with a process that is killed again and again, at a random request and a random moment
// after it. What is stored in the end is what a process stores that nobody disturbs.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	library, err := embedded.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	server := githubtest.New(t)
	now := time.Now().UTC().Truncate(time.Hour)
	for _, name := range []string{"myorg/one", "myorg/two"} {
		server.Repos[name] = busy(now)
	}
	var mu sync.Mutex
	var after int                  // kill at this request
	var strike = func() {}         // how
	hold := make(chan struct{}, 1) // one strike a process
	server.Before = func(int, *http.Request) *githubtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		if after--; after == 0 {
			hold <- struct{}{}
			go strike()
		}
		return nil
	}
	collect := func(dir string, killAt int, wait time.Duration) (killed bool) {
		cmd := exec.CommandContext(t.Context(), "dxctl", "collect")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), embedded.LibraryVariable+"="+library)
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		after, strike = killAt, func() {
			time.Sleep(wait)
			_ = cmd.Process.Kill()
		}
		mu.Unlock()
		err := cmd.Wait()
		mu.Lock()
		after = 0
		mu.Unlock()
		select {
		case <-hold:
			return err != nil
		default:
		}
		if err != nil {
			t.Fatalf("collecting failed without having been killed: %v\n%s", err, said.String())
		}
		return false
	}
	undisturbed, killed := collectDir(t, server.API()), collectDir(t, server.API())
	collect(undisturbed, 0, 0)
	random := rand.New(rand.NewPCG(7, 1)) // the same moments in each run, as far as the machine allows
	kills := 0
	for range 12 {
		if collect(killed, 1+random.IntN(40), time.Duration(random.IntN(80))*time.Millisecond) {
			kills++
		}
	}
	collect(killed, 0, 0)
	if kills < 5 {
		t.Errorf("only %d processes were killed before they were done", kills)
	}
	want, got := fingerprint(t, undisturbed, library), fingerprint(t, killed, library)
	if got != want {
		t.Errorf("after %d kills\n%swant\n%s", kills, got, want)
	}
	t.Logf("%d kills; stored:\n%s", kills, got)
}

// busy is a repository with three pages of runs with their jobs, two of changes, and deployments.
func busy(now time.Time) *githubtest.Repo {
	repo := &githubtest.Repo{Files: []string{"README.md"}}
	for i := range 230 {
		at := now.Add(-time.Duration(i) * time.Hour)
		id := int64(10_000 - i)
		repo.Runs = append(
			repo.Runs,
			githubtest.Run{ID: id, Attempt: 1 + i%2, Name: "ci", Branch: "main", Event: "push", Status: "completed",
				Conclusion: "success", Actor: "ada", Created: at, Updated: at.Add(8 * time.Minute), Jobs: []githubtest.Job{
					{
						ID:         10 * id,
						Attempt:    1,
						Name:       "test",
						Status:     "completed",
						Conclusion: "success",
						Created:    at,
						Started:    at.Add(time.Minute),
						Completed:  at.Add(7 * time.Minute),
					},
				}},
		)
	}
	for i := range 120 {
		merged := now.Add(-time.Duration(i) * 7 * time.Hour)
		repo.Pulls = append(
			repo.Pulls,
			githubtest.Pull{Number: 120 - i, Title: fmt.Sprint("Change ", i), Author: "ada", Kind: "User",
				Created: merged.Add(-20 * time.Hour), Updated: merged, Closed: merged, Merged: merged,
				Commits: []githubtest.Commit{{SHA: fmt.Sprint("c", i), At: merged.Add(-24 * time.Hour)}}},
		)
	}
	for i := range 110 {
		at := now.Add(-time.Duration(i) * 9 * time.Hour)
		repo.Deployments = append(
			repo.Deployments,
			githubtest.Deployment{
				ID:          int64(1000 - i),
				Environment: "prod",
				SHA:         fmt.Sprint("d", i),
				Ref:         "main",
				State:       "ACTIVE",
				Creator:     "ada",
				Created:     at,
				Statuses:    []githubtest.Status{{State: "SUCCESS", At: at.Add(5 * time.Minute)}},
			},
		)
	}
	return repo
}

// collectDir is a directory with a configuration that collects from a GitHub.
func collectDir(t *testing.T, github string) string {
	t.Helper()
	dir := storetest.TempDir(t)
	text := fmt.Sprintf("store: {dsn: \"embedded:./data\"}\nsources:\n  - {name: gh, kind: github, url: %q, token: x, "+
		"repositories: [myorg/one, myorg/two]}\n", github)
	if err := os.WriteFile(filepath.Join(dir, "dx.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fingerprint is a line per view: how many rows it has, and a hash of all that they say.
func fingerprint(t *testing.T, dir, library string) string {
	t.Helper()
	var all strings.Builder
	for _, view := range []string{"pipeline_runs", "pipeline_jobs", "changes", "deployments"} {
		cmd := exec.CommandContext(
			t.Context(),
			"dxctl",
			"sql",
			"-o",
			"tsv",
			"SELECT count(), groupBitXor(cityHash64(toString(tuple(*)))) FROM "+view,
		)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), embedded.LibraryVariable+"="+library)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", view, err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		fmt.Fprintf(&all, "%s %s\n", view, lines[len(lines)-1])
	}
	return all.String()
}
