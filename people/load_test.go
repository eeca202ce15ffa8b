package people_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/people"
)

// load reads people from the texts of a CSV file, of descriptors and of rules; an empty text is no file.
func load(t *testing.T, csv, org, rules string) (*people.Directory, []files.Warning, error) {
	t.Helper()
	texts := map[string]string{"people.csv": csv, "org.yaml": org, "rules.yaml": rules}
	maps.DeleteFunc(texts, func(_, text string) bool { return text == "" })
	return loadFiles(t, texts)
}

// loadFiles is load of files that may be empty.
func loadFiles(t *testing.T, texts map[string]string) (*people.Directory, []files.Warning, error) {
	t.Helper()
	dir := t.TempDir()
	cfg := catalog.Config{Strict: true}
	var peopleCfg people.Config
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		switch name {
		case "people.csv":
			peopleCfg.Files = []string{name}
		case "org.yaml":
			cfg.Files = []string{name}
		case "rules.yaml":
			peopleCfg.Rules = name
		}
	}
	cat, warnings, err := catalog.Load(cfg, peopleCfg, dir)
	return cat.People(), warnings, err
}

func orgUser(name, display, email, login string) string {
	annotations := ""
	if login != "" {
		annotations = ", annotations: {github.com/user-login: " + login + "}"
	}
	if email != "" {
		email = ", email: " + email
	}
	return fmt.Sprintf("---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: %s%s}\nspec: {memberOf: "+
		"[core], profile: {displayName: %s%s}}\n", name, annotations, display, email)
}

func showMerged(d *people.Directory) (merged, ambiguous []string) {
	for _, m := range d.Report().Merged {
		merged = append(merged, m.Record+">"+m.Person+": "+m.Why)
	}
	for _, u := range d.Report().Ambiguous {
		ambiguous = append(ambiguous, u.What+": "+strings.Join(u.People, " "))
	}
	return merged, ambiguous
}

func kind(kind, name, spec string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: " + kind + "\nmetadata: {name: " + name + "}\nspec: {" + spec + "}\n"
}

func showPeople(d *people.Directory) []string {
	var out []string
	for _, p := range d.All() {
		for _, m := range p.Memberships {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %q %s %s", p.ID, m.Team, day(m.StartedOn), day(m.LeftOn))))
		}
	}
	return out
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateOnly)
}

func showLogins(d *people.Directory) []string {
	var out []string
	for _, i := range d.Identities() {
		s := i.Provider + ":" + i.Login + "=" + i.Person
		if i.Bot {
			s += " bot"
		}
		out = append(out, s)
	}
	return out
}

// compare reports how two lists of texts differ.
func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s differ (- want, + got):\n%s", what, diff)
	}
}

func begins(t *testing.T, what string, got, want []string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		ok = strings.HasPrefix(got[i], want[i])
	}
	if !ok {
		t.Errorf("%s %q, want %q", what, got, want)
	}
}

func warningsText(ws []files.Warning) string {
	lines := make([]string, 0, len(ws))
	for _, w := range ws {
		lines = append(lines, w.String())
	}
	return strings.Join(lines, "\n")
}

func checkWarnings(t *testing.T, got []files.Warning, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d warnings, want %d:\n%s", len(got), len(want), warningsText(got))
	}
	for i, part := range want {
		if !strings.Contains(got[i].String(), part) {
			t.Errorf("warning %d is %q, want it to hold %q", i, got[i], part)
		}
	}
}

func checkErrors(t *testing.T, err error, want []string) {
	t.Helper()
	if len(want) == 0 {
		if err != nil {
			t.Errorf("error %v, want none", err)
		}
		return
	}
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != len(want) {
		t.Errorf("%d errors, want %d:\n%v", len(lines), len(want), err)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not hold %q", err, part)
		}
	}
}
