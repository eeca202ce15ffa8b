package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestOnlySurveysReadAnswers keeps the answers of surveys where privacy is enforced: the path from the database to what
// is shown leads through packages of surveys.
func TestOnlySurveysReadAnswers(t *testing.T) {
	inSurveys := func(dir string) bool { return strings.HasPrefix(dir, "surveys/") }
	readers := map[string]func(dir string) bool{
		module + "store/answers":   func(dir string) bool { return dir == "surveys/archive" },
		module + "surveys/archive": func(dir string) bool { return inSurveys(dir) || dir == "cmd/dxctl/app" },
	}
	seen := map[string]bool{}
	for _, path := range sourceFiles(t) {
		if !strings.HasSuffix(path, ".go") {
			continue
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(moduleRoot, path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range file.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			if may, guarded := readers[name]; guarded {
				seen[name] = true
				if !may(dir) {
					t.Errorf("%s imports %s, which hands out what people answered", path, name)
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "Apart" {
				seen["Apart"] = true
				if !slices.Contains([]string{"store", "store/answers"}, dir) {
					t.Errorf("%s opens the database of answers; only store/answers may", path)
				}
			}
			return true
		})
	}
	if len(seen) != len(readers)+1 {
		t.Errorf("the readers of answers are not found: %v", seen)
	}
}
