package language

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/tree"
)

func TestRead(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"Go with a page", map[string]string{"go.mod": "require (\n\tgithub.com/go-chi/chi/v5 v5\n\tgoogle.golang.org/grpc v1 // indirect\n)\n", "main.go": "x", "web/app.js": "xxxxxxxx"}, "Go [{chi go.mod:2}]"},
		{"most bytes", map[string]string{"a.py": "xxx", "b.ts": "xx", "c.html": "xxxxxxxx"}, "Python []"},
		{"only pages", map[string]string{"c.html": "xxxxxxxx"}, "HTML []"},
		{"tests and vendored code do not count", map[string]string{"a.rb": "x", "vendor/x.go": "xxxx", "tests/x.py": "xxxx", "dist/a.js": "xxxxx"}, "Ruby []"},
		{"Python", map[string]string{"requirements.txt": "flask-cors==1\nDjango>=4\n", "a.py": "x"}, "Python [{Django requirements.txt:2}]"},
		{"pyproject", map[string]string{"pyproject.toml": "dependencies = [\n  \"fastapi[all]>=0.1\",\n]\n", "a.py": "x"}, "Python [{FastAPI pyproject.toml:2}]"},
		{"Node", map[string]string{"package.json": "{\"dependencies\": {\n\"express\": \"4\", \"react-dom\": \"1\"}}", "a.ts": "x"}, "TypeScript [{Express package.json:2}]"},
		{"JVM", map[string]string{"pom.xml": "<artifactId>spring-boot-starter</artifactId>", "A.java": "x"}, "Java [{Spring Boot pom.xml:1}]"},
		{"nothing", map[string]string{"x": ""}, " []"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, text := range tc.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			tr, err := tree.List(context.Background(), fsys, tree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			s := Read(tr, ".")
			if got := fmt.Sprint(s.Main.Value, " ", s.Frameworks); got != tc.want || !s.Main.Known {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
