package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/agnivade/levenshtein"

	"github.com/dxctl/dxctl/scorecards/facts"
)

const module = "github.com/dxctl/dxctl/"

// house says which of our packages a package may import, in addition to its own children where children is set. Data
// moves one way: nothing here may import what stands below it.
var house = []struct {
	name     string
	imports  []string
	children bool
}{
	{name: "spelling"},
	{name: "strictyaml", imports: []string{"spelling"}},
	{name: "event"},
	{name: "migrations"},
	{name: "files"},
	{name: "yamldoc"},
	{name: "delimited"},
	{name: "catalog/identifier"},
	{name: "catalog/descriptor", imports: []string{"yamldoc", "catalog/identifier"}},
	// The catalog hands the people its teams and Users as values; the people do not know the catalog.
	{name: "people", imports: []string{"spelling", "files", "yamldoc", "delimited", "event", "catalog/identifier"}},
	{name: "catalog", imports: []string{"spelling", "files", "yamldoc", "event", "people"}, children: true},
	{name: "repository/fact"},
	{name: "repository/tree", imports: []string{"repository/fact"}},
	{name: "repository/yamlfile", imports: []string{"yamldoc", "repository/fact"}},
	{name: "repository/container", imports: ofRepository},
	{name: "repository/content", imports: ofRepository},
	{name: "repository/dependency", imports: ofRepository},
	{name: "repository/language", imports: ofRepository},
	{name: "repository/operation", imports: ofRepository},
	{name: "repository/document", imports: slices.Concat(ofRepository, []string{"repository/workflow"})},
	{name: "repository/environment", imports: slices.Concat(ofRepository, []string{"repository/dependency"})},
	{name: "repository", imports: []string{"yamldoc", "catalog/descriptor"}, children: true},
	{name: "repository/named", imports: []string{
		"event", "repository", "repository/container", "repository/content", "repository/dependency",
		"repository/document", "repository/environment", "repository/fact", "repository/manifest", "repository/owners",
		"repository/pathlock", "repository/tree", "repository/waiver", "repository/workflow",
	}},
	{
		name:    "repository/manifest",
		imports: slices.Concat(ofRepository, []string{"repository/container"}),
	},
	{name: "repository/owners", imports: ofRepository},
	{name: "repository/pathlock", imports: []string{"spelling", "strictyaml", "repository/content", "repository/fact",
		"repository/tree"}},
	{name: "repository/remote", imports: []string{"repository", "repository/tree"}},
	{name: "repository/setting", imports: []string{"event", "repository/fact", "repository/named"}},
	{name: "repository/waiver", imports: []string{
		"spelling", "files", "strictyaml", "catalog/identifier", "repository/fact", "repository/tree",
	}},
	{name: "repository/workflow", imports: ofRepository},
	{name: "collectors/rest"},
	{name: "collectors/rest/resttest"},
	{name: "collectors/source", imports: []string{"event", "catalog", "catalog/descriptor", "collectors/rest"}},
	{
		name:    "collectors/collecttest",
		imports: []string{"event", "catalog", "collectors/rest", "collectors/rest/resttest", "collectors/source"},
	},
	{name: "collectors/delivery", imports: []string{"event"}},
	{name: "collectors/delivery/deliverytest", imports: []string{"event", "collectors/delivery"}},
	{name: "collectors/alertmanager", imports: ofSource},
	{
		name:    "collectors/incidents",
		imports: []string{"event", "collectors/rest", "collectors/source", "collectors/servicefacts"},
	},
	{name: "collectors/argocd", imports: ofSource},
	{name: "collectors/backstage", imports: ofSource},
	{name: "collectors/circleci", imports: ofSource},
	{name: "collectors/events", imports: ofSource},
	{name: "collectors/git", imports: ofSource},
	{name: "collectors/links", imports: append(slices.Clone(ofSource), "catalog/descriptor")},
	{name: "collectors/httpjson", imports: append(slices.Clone(ofSource), "catalog/descriptor")},
	{name: "collectors/github/mapping", imports: []string{"event", "collectors/source"}},
	{
		name:    "collectors/github/receiver",
		imports: []string{"event", "collectors/delivery", "collectors/github/mapping"},
	},
	{
		name:    "collectors/github/client",
		imports: []string{"collectors/github/mapping", "collectors/rest"},
	},
	{
		name: "collectors/github/stream",
		imports: []string{
			"event",
			"collectors/github/client",
			"collectors/github/mapping",
			"collectors/servicefacts",
			"collectors/source",
		},
	},
	{
		name: "collectors/github/streamtest",
		imports: []string{
			"collectors/collecttest",
			"collectors/github/client",
			"collectors/github/githubtest",
			"collectors/github/mapping",
			"collectors/github/stream",
			"collectors/rest",
			"collectors/source",
		},
	},
	{name: "collectors/github/changes", imports: ofGitHubStream},
	{
		name: "collectors/github/contents",
		imports: slices.Concat(ofGitHubStream, []string{
			"collectors/servicefacts",
			"repository",
			"repository/document",
			"repository/fact",
			"repository/named",
			"repository/owners",
			"repository/remote",
		}),
	},
	{name: "collectors/github/deployments", imports: ofGitHubStream},
	{
		name: "collectors/github/settings",
		imports: slices.Concat(ofGitHubStream, []string{
			"collectors/servicefacts",
			"repository/fact",
			"repository/setting",
		}),
	},
	{name: "collectors/github/issues", imports: ofGitHubStream},
	{name: "collectors/github/runs", imports: ofGitHubStream},
	{
		name:    "collectors/github/inventory",
		imports: []string{"collectors/github/client", "collectors/rest", "collectors/source"},
	},
	{
		name:    "collectors/gitlab/inventory",
		imports: []string{"collectors/gitlab/listing", "collectors/rest", "collectors/source"},
	},
	{
		name: "collectors/servicefacts",
		imports: []string{
			"event",
			"catalog",
			"collectors/source",
			"repository",
			"repository/named",
			"repository/owners",
			"repository/remote",
		},
	},
	{name: "collectors/github", imports: append(slices.Clone(ofSource), "collectors/servicefacts"), children: true},
	{name: "collectors/github/githubtest"},
	{name: "collectors/gitlab", imports: append(slices.Clone(ofSource), "collectors/servicefacts"), children: true},
	{
		name: "collectors/gitlab/contents",
		imports: []string{
			"event",
			"collectors/gitlab/listing",
			"collectors/gitlab/mapping",
			"collectors/rest",
			"collectors/servicefacts",
			"repository/owners",
			"repository/remote",
		},
	},
	{
		name: "collectors/gitlab/settings",
		imports: []string{
			"event",
			"collectors/gitlab/listing",
			"collectors/rest",
			"collectors/servicefacts",
			"repository/fact",
			"repository/setting",
		},
	},
	{name: "collectors/gitlab/listing", imports: []string{"event", "collectors/rest", "collectors/source"}},
	{name: "collectors/gitlab/mapping", imports: []string{"event", "collectors/source"}},
	{
		name:    "collectors/gitlab/receiver",
		imports: []string{"event", "collectors/delivery", "collectors/gitlab/mapping", "collectors/source"},
	},
	{name: "collectors/jenkins", imports: ofSource},
	{name: "collectors/kubernetes", imports: ofSource, children: true},
	{name: "collectors/kubernetes/cluster", imports: []string{"collectors/kubernetes/workload", "collectors/rest"}},
	{name: "collectors/kubernetes/workload", imports: []string{"event", "collectors/source"}},
	{name: "collectors/opsgenie", imports: slices.Concat(ofSource, []string{"collectors/incidents"})},
	{name: "collectors/pagerduty", imports: slices.Concat(ofSource, []string{"collectors/incidents"})},
	{name: "notify", imports: []string{"catalog/identifier", "collectors/rest"}},
	{name: "collectors/inbox"},
	{name: "collectors/webhook", imports: []string{"event", "collectors/delivery", "collectors/inbox"}},
	{name: "collectors/runner", imports: []string{"event", "catalog", "collectors/rest", "collectors/source"}},
	{name: "collectors", imports: []string{"event", "catalog"}, children: true},
	{
		name: "setup",
		imports: []string{"catalog/identifier", "collectors/github", "collectors/gitlab", "collectors/rest",
			"collectors/source", "files"},
	},
	{name: "store/embedded"},
	{name: "store/rows", imports: []string{"event"}},
	{name: "store/guard"},
	{name: "store/manifest"},
	{name: "store/rowbinary"},
	{
		name: "store",
		imports: []string{
			"event", "migrations", "store/embedded", "store/guard", "store/manifest", "store/rowbinary", "store/rows",
		},
	},
	{name: "store/storetest", imports: []string{"migrations", "store", "store/embedded"}},
	{name: "metrics", imports: []string{"strictyaml", "event", "catalog"}, children: true},
	{
		name: "scorecards/facts",
		imports: []string{
			"spelling", "event", "metrics", "repository/named", "repository/setting", "store", "store/rowbinary",
		},
	},
	{
		name: "scorecards/format",
		imports: []string{
			"spelling", "strictyaml", "event", "catalog/identifier", "repository/waiver", "scorecards/controls",
			"scorecards/facts",
		},
	},
	{name: "scorecards/controls"},
	{
		name: "scorecards",
		imports: []string{
			"spelling",
			"files",
			"event",
			"catalog",
			"catalog/descriptor",
			"metrics",
			"repository/waiver",
			"scorecards/facts",
			"scorecards/format",
		},
	},
	{
		name:    "scorecards/replay",
		imports: []string{"event", "catalog", "catalog/descriptor", "scorecards", "store"},
	},
	{
		name: "scorecards/campaign",
		imports: []string{
			"spelling", "strictyaml", "files", "event", "catalog/descriptor", "catalog/identifier", "scorecards",
			"scorecards/format", "store",
		},
	},
	{
		name:    "scorecards/plan",
		imports: []string{"event", "catalog", "scorecards", "scorecards/format", "scorecards/replay"},
	},
	{
		name: "scorecards/pathtest",
		imports: []string{
			"spelling",
			"strictyaml",
			"event",
			"catalog/descriptor",
			"catalog/identifier",
			"scorecards",
			"scorecards/facts",
			"scorecards/format",
		},
	},
	{
		name: "scorecards/checkout",
		imports: []string{
			"event", "people", "catalog", "catalog/descriptor", "repository", "repository/fact", "repository/named",
			"repository/tree",
		},
	},
	{name: "surveys", imports: []string{"strictyaml", "spelling", "catalog/identifier"}},
	{name: "surveys/form", imports: []string{"delimited"}},
	{
		name: "surveys/intake",
		imports: []string{
			"spelling", "people", "catalog", "catalog/identifier", "surveys", "surveys/form", "surveys/questionnaire",
		},
	},
	{name: "surveys/questionnaire", imports: []string{"surveys"}},
	// What people answered: only the archive reads it, and only packages of surveys read the archive.
	{name: "store/answers", imports: []string{"migrations", "store"}},
	{name: "surveys/archive", imports: []string{"store", "store/answers", "surveys"}},
	{name: "surveys/disclosure"},
	{name: "surveys/results", imports: []string{
		"store", "surveys", "surveys/archive", "surveys/disclosure", "surveys/statistics",
	}},
	{name: "surveys/statistics"},
	{name: "actions/checkout"},
	{name: "actions/archive", imports: []string{"actions/checkout"}},
	{name: "actions/merge", imports: []string{"actions/checkout"}},
	{name: "actions/splice"},
	{
		name: "actions/fix/edits",
		imports: []string{
			"actions/splice", "catalog/descriptor", "repository", "repository/container", "repository/dependency",
			"repository/document", "repository/environment", "repository/fact", "repository/manifest", "repository/named",
			"repository/owners", "repository/workflow", "repository/yamlfile",
		},
	},
	{name: "actions/fix/registry"},
	{
		name: "actions/fix",
		imports: []string{
			"event", "catalog/descriptor", "catalog/identifier", "repository", "repository/container", "repository/content",
			"repository/pathlock", "repository/tree", "scorecards", "scorecards/checkout", "scorecards/paths", "spelling",
			"actions", "actions/checkout", "actions/merge",
		},
		children: true,
	},
	{name: "actions/repositories", imports: []string{"actions/archive", "actions/checkout", "catalog/descriptor"}},
	{name: "actions/preview", imports: []string{"actions/fix"}},
	{
		name: "scorecards/paths/pathcheck",
		imports: []string{
			"event", "repository/named", "repository/pathlock", "repository/tree", "repository/workflow", "scorecards",
			"scorecards/checkout", "scorecards/paths", "spelling", "strictyaml",
		},
	},
	{
		name: "scorecards/paths",
		imports: []string{
			"spelling", "strictyaml", "repository/content", "repository/pathlock",
		},
	},
	{
		name: "report/checks",
		imports: []string{
			"spelling",
			"event", "repository/fact", "repository/named", "report/words", "scorecards", "scorecards/facts",
		},
	},
	{name: "report/planned", imports: []string{"event", "report/words", "scorecards/plan"}},
	{name: "report/words"},
	{name: "report/sorting"},
	{name: "report/records", imports: []string{"metrics", "report/sorting", "report/words"}},
	{
		name: "report",
		imports: []string{
			"event", "catalog", "catalog/descriptor", "catalog/identifier", "people", "metrics", "repository/named",
			"repository/waiver", "scorecards", "spelling", "scorecards/campaign", "scorecards/controls", "scorecards/facts",
			"scorecards/format", "scorecards/replay", "surveys/statistics",
		},
		children: true,
	},
	{name: "access"},
	{name: "actions", imports: []string{"spelling", "event", "repository/content"}},
	{name: "actions/settings", imports: []string{
		"actions", "collectors/rest", "event", "repository/fact", "repository/setting",
	}},
	{name: "actions/waive", imports: []string{"actions", "catalog/identifier", "repository/waiver", "scorecards",
		"scorecards/format", "spelling"}},
	{name: "actions/github", imports: []string{"actions", "actions/archive", "actions/checkout", "actions/settings",
		"collectors/github/client", "collectors/github/settings", "collectors/rest"}},
	{name: "actions/batch", imports: []string{
		"event", "actions", "actions/github", "actions/settings", "collectors/rest",
	}},
	{
		name:    "actions/github/hosttest",
		imports: []string{"actions", "actions/github"},
	},
	{
		name: "actions/create",
		imports: []string{
			"catalog/descriptor", "catalog/identifier", "collectors/rest", "actions", "actions/checkout", "actions/github",
			"actions/settings", "repository/pathlock", "repository/workflow", "scorecards/paths",
		},
	},
	{name: "web"},
	{name: "web/planning", imports: []string{"access", "repository/yamlfile", "scorecards"}},
	{name: "web/actionplan", imports: []string{"actions", "catalog", "catalog/identifier", "spelling"}},
	{name: "web/answers"},
	{name: "web/spreadsheet"},
	{name: "web/charts", imports: []string{"report/words"}},
	{
		name:    "web/route",
		imports: append([]string{"spelling", "event", "catalog/identifier", "scorecards/campaign"}, rendered...),
	},
	{
		name: "web/pages",
		imports: append(
			[]string{"spelling", "event", "repository/waiver", "scorecards", "scorecards/campaign", "web/charts", "web/route",
				"web/spreadsheet", "actions", "actions/fix", "actions/preview", "actions/repositories", "scorecards/paths", "web/actionplan"},
			rendered...),
	},
	{name: "web/openapi", imports: []string{"web/route"}},
	{
		name: "web/api",
		imports: append([]string{"actions", "spelling", "event", "catalog/identifier", "repository/waiver", "scorecards",
			"scorecards/campaign", "web/actionplan", "web/openapi", "web/route"}, rendered...),
	},
	{
		name: "web/server",
		imports: append([]string{"access", "actions", "actions/preview", "scorecards", "scorecards/campaign", "web", "web/actionplan", "web/answers", "web/api", "web/pages",
			"web/planning", "web/route"}, rendered...),
	},
	{
		name: "config",
		imports: []string{
			"scorecards/facts",
			"actions/github",
			"strictyaml",
			"store",
			"web/server",
			"catalog",
			"surveys",
			"people",
			"collectors",
			"collectors/links",
			"notify",
			"scorecards",
			"scorecards/paths",
			"event",
			"metrics",
		},
	},
	{name: "cmd/dxctl/exit"},
	{name: "cmd/dxctl/output", imports: []string{"web/spreadsheet"}},
	{name: "cmd/dxctl/send", imports: []string{"collectors/events", "collectors/webhook", "scorecards",
		"scorecards/plan", "web/planning", "cmd/dxctl/exit"}},
	{name: "cmd/dxctl/progress", imports: []string{"collectors/rest", "collectors/runner"}},
	{name: "cmd/dxctl/demo", imports: []string{
		"event", "catalog", "repository/named", "repository/pathlock", "repository/waiver", "scorecards",
		"scorecards/paths", "surveys", "surveys/questionnaire",
	}},
	{
		name: "cmd/dxctl/app",
		imports: []string{
			"actions/settings",
			"actions/waive",
			"collectors/git",
			"actions/fix/edits",
			"repository/setting",
			"actions",
			"actions/create",
			"actions/fix",
			"actions/preview",
			"actions/repositories",
			"repository/pathlock",
			"actions/github",
			"scorecards/paths",
			"access",
			"spelling",
			"files",
			"event",
			"catalog",
			"catalog/descriptor",
			"catalog/identifier",
			"people",
			"collectors",
			"collectors/delivery",
			"collectors/inbox",
			"collectors/rest",
			"collectors/links",
			"collectors/runner",
			"collectors/source",
			"collectors/webhook",
			"store",
			"metrics",
			"repository/waiver",
			"notify",
			"scorecards",
			"scorecards/campaign",
			"scorecards/facts",
			"scorecards/plan",
			"scorecards/replay",
			"report",
			"report/words",
			"surveys",
			"surveys/archive",
			"surveys/form",
			"surveys/intake",
			"surveys/results",
			"web/planning",
			"web/server",
			"config",
		},
	},
	{
		name: "cmd/dxctl/doctor",
		imports: []string{
			"files",
			"catalog",
			"catalog/descriptor",
			"collectors",
			"collectors/rest",
			"collectors/source",
			"store",
			"store/embedded",
			"repository/waiver",
			"scorecards",
			"scorecards/campaign",
			"config",
			"cmd/dxctl/app",
		},
	},
	{
		name: "cmd/dxctl",
		imports: []string{
			"actions/fix",
			"actions/fix/registry",
			"actions/batch",
			"actions/fix/edits",
			"repository/pathlock",
			"scorecards/paths",
			"actions",
			"actions/create",
			"actions/checkout",
			"actions/github",
			"actions/settings",
			"actions/waive",
			"report/records",
			"strictyaml",
			"scorecards/facts",
			"spelling",
			"files",
			"event",
			"migrations",
			"catalog",
			"catalog/descriptor",
			"catalog/identifier",
			"people",
			"collectors",
			"collectors/events",
			"collectors/rest",
			"collectors/runner",
			"collectors/source",
			"store",
			"store/guard",
			"metrics",
			"repository/waiver",
			"scorecards",
			"scorecards/campaign",
			"scorecards/checkout",
			"scorecards/format",
			"scorecards/paths",
			"scorecards/paths/pathcheck",
			"scorecards/pathtest",
			"scorecards/plan",
			"strictyaml",
			"report",
			"report/checks",
			"report/planned",
			"report/sorting",
			"report/words",
			"surveys",
			"surveys/form",
			"surveys/intake",
			"surveys/questionnaire",
			"surveys/results",
			"web/planning",
			"setup",
			"config",
		},
		children: true,
	},
	{name: "cmd/benchtable"},
	{name: "cmd/browser"},
	{name: "cmd/loadtest", imports: []string{"cmd/browser"}},
	{name: "cmd/screenshots", imports: []string{"cmd/browser"}},
}

// ofRepository is what the package of one kind of file of a repository may import.
var ofRepository = []string{"repository/fact", "repository/tree", "repository/yamlfile"}

// ofSource is what the package of one source may import.
var ofSource = []string{
	"event",
	"catalog",
	"catalog/identifier",
	"collectors/delivery",
	"collectors/rest",
	"collectors/source",
}

// ofGitHubStream is what the package of one stream of GitHub may import.
var ofGitHubStream = []string{
	"event",
	"collectors/github/client",
	"collectors/github/mapping",
	"collectors/github/stream",
	"collectors/rest",
	"collectors/source",
}

// rendered is what the packages of the web may import to answer and render.
var rendered = []string{"catalog", "metrics", "report", "report/records", "report/sorting", "report/words"}

// TestArrows keeps the packages in the order that ARCHITECTURE.md draws. Tests may import more; the programs may not.
func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "../../...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(pkg.ImportPath, module)
		seen[name] = true
		i := slices.IndexFunc(house, func(h struct {
			name     string
			imports  []string
			children bool
		}) bool {
			return h.name == name
		})
		if i < 0 {
			t.Errorf("package %s has no place in the house: add it to this test and to ARCHITECTURE.md", name)
			continue
		}
		room := house[i]
		for _, imp := range pkg.Imports {
			ours, ok := strings.CutPrefix(imp, module)
			if !ok || slices.Contains(room.imports, ours) || room.children && strings.HasPrefix(ours, room.name+"/") {
				continue
			}
			t.Errorf("%s imports %s, which the house does not allow", name, ours)
		}
	}
	for _, room := range house {
		if !seen[room.name] {
			t.Errorf("the house has a room for %s and there is no such package", room.name)
		}
	}
}

// moduleRoot is the directory of the module.
var moduleRoot = filepath.Join("..", "..")

// sourceFiles returns the files of the module, relative to its root, without what is downloaded or hidden.
//
// go test runs a test again when a directory that it has opened has changed, as the root has with each git command,
// which changes .git. So a command lists the root.
func sourceFiles(t *testing.T) (files []string) {
	t.Helper()
	top, err := exec.CommandContext(t.Context(), "ls", moduleRoot).Output()
	if err != nil {
		t.Fatalf("ls: %v", err)
	}
	for _, name := range strings.Fields(string(top)) {
		err := filepath.WalkDir(filepath.Join(moduleRoot, name), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			path, err = filepath.Rel(moduleRoot, path)
			if err != nil {
				return err
			}
			switch name := entry.Name(); {
			case entry.IsDir() && (path == "bin" || name == "node_modules" || name == "vendor" || strings.HasPrefix(name, ".")):
				return fs.SkipDir
			case !entry.IsDir():
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestFileNamesSayTheDifference fails where the names of two Go files of a directory differ by one letter only, as
// run.go and runs.go do: a reader cannot tell which is which.
func TestFileNamesSayTheDifference(t *testing.T) {
	stems := map[string][]string{} // of the files of a directory
	for _, path := range sourceFiles(t) {
		if name := filepath.Base(path); strings.HasSuffix(name, ".go") {
			stem := strings.TrimSuffix(strings.TrimSuffix(name, ".go"), "_test")
			stems[filepath.Dir(path)] = append(stems[filepath.Dir(path)], stem)
		}
	}
	if len(stems) < 50 {
		t.Fatalf("Go files in only %d directories found", len(stems))
	}
	for dir, names := range stems {
		for _, pair := range nearPairs(names) {
			t.Errorf("%s has %s.go and %s.go: give one a name that says the difference", dir, pair[0], pair[1])
		}
	}
}

// nearPairs returns the pairs of names that differ by one letter: added, left out or another one.
func nearPairs(names []string) (pairs [][2]string) {
	for i, a := range names {
		for _, b := range names[:i] {
			if levenshtein.ComputeDistance(a, b) == 1 {
				pairs = append(pairs, [2]string{b, a})
			}
		}
	}
	return pairs
}

func TestNearPairs(t *testing.T) {
	got := nearPairs([]string{"run", "runs", "run_store", "rum", "job", "job", "spans"})
	if want := [][2]string{{"run", "runs"}, {"run", "rum"}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

var fencedCode = regexp.MustCompile("(?ms)^```.*?^```$")

var markdownLink = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// TestDocumentsLinkToWhatExists keeps the documents true when files move.
func TestDocumentsLinkToWhatExists(t *testing.T) {
	var documents []string
	for _, path := range sourceFiles(t) {
		if dir := filepath.Dir(path); strings.HasSuffix(path, ".md") && (dir == "." || strings.HasPrefix(dir, "docs")) {
			documents = append(documents, filepath.Join(moduleRoot, path))
		}
	}
	if len(documents) < 5 {
		t.Fatalf("only %d documents found", len(documents))
	}
	for _, doc := range documents {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range markdownLink.FindAllStringSubmatch(fencedCode.ReplaceAllString(string(text), ""), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), link[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", doc, link[1])
			}
		}
	}
}

// TestFactsAreDocumented keeps the table of facts complete.
func TestFactsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/scorecards.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts.Catalog() {
		row := fmt.Sprintf("| `%s` | %s | %s | %s |\n", f.Name, f.Type, f.Source, f.Description)
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/scorecards.md lacks the row\n%s", row)
		}
	}
}
