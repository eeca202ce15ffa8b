package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/migrations"
)

// rawTable matches the names of the tables behind the public views, in a text of a program or in SQL. A name that is an
// ordinary word counts only where SQL names a table, or alone in quotes.
func rawTable(t *testing.T) *regexp.Regexp {
	t.Helper()
	var names, ordinary []string
	for _, o := range migrations.Objects() {
		switch {
		case o.View:
		case strings.Contains(o.Name, "_"):
			names = append(names, regexp.QuoteMeta(o.Name))
		default:
			ordinary = append(ordinary, regexp.QuoteMeta(o.Name))
		}
	}
	if len(names) < 15 || len(ordinary) < 1 {
		t.Fatalf("the migrations make only the tables %q and %q", names, ordinary)
	}
	words := strings.Join(ordinary, "|")
	return regexp.MustCompile(`\b(` + strings.Join(names, "|") + `)\b|` +
		`(?i:\b(from|join|into|table|update)\s+)(` + words + `)\b|['"` + "`" + `](` + words + `)['"` + "`" + `]`)
}

func TestRawTableMatches(t *testing.T) {
	raw := rawTable(t)
	for text, want := range map[string]bool{
		"SELECT 1 FROM raw_changes FINAL": true, "JOIN catalog_bindings AS b": true, "select doc from checkpoints": true,
		`"checkpoints"`: true, "fact_history": true, "'schema_migrations'": true,
		"SELECT 1 FROM changes": false, "dxctl_catalog_entities": false, "loading checkpoints of a source": false,
		"action_runs": false, "repository.files.catalog_info": false,
	} {
		if got := raw.MatchString(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

// TestRawTablesAreTheStores keeps the names of tables in store and migrations: everything else reads the public views,
// or asks the store. Tests are looked at too; documents name tables where a user meets them.
func TestRawTablesAreTheStores(t *testing.T) {
	raw := rawTable(t)
	own := []string{"store", "migrations", "docs"}
	files := 0
	for _, name := range sourceFiles(t) {
		path := filepath.Join(moduleRoot, name)
		if top, _, _ := strings.Cut(filepath.ToSlash(name), "/"); slices.Contains(own, top) {
			continue
		}
		switch filepath.Ext(name) {
		case ".go":
			if name == filepath.Join("cmd", "dxctl", "tables_test.go") {
				continue
			}
			files++
			for _, found := range literals(t, path) {
				if m := raw.FindString(found.text); m != "" {
					t.Errorf(
						"%s: %q is known in store and migrations only: read a public view, or add a look-up to store",
						found.at,
						m,
					)
				}
			}
		case ".sql", ".yaml", ".yml", ".json", ".html", ".js":
			files++
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(text), "\n") {
				if m := raw.FindString(line); m != "" {
					t.Errorf("%s:%d: %q is known in store and migrations only: read a public view", path, i+1, m)
				}
			}
		}
	}
	if files < 300 {
		t.Fatalf("only %d files were looked at", files)
	}
}

type literal struct {
	at   token.Position
	text string
}

// literals returns the string literals of a Go file.
func literals(t *testing.T, path string) []literal {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []literal
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			found = append(found, literal{files.Position(lit.Pos()), lit.Value})
		}
		return true
	})
	return found
}
