// Package language finds out in which languages and with which frameworks a repository is written, by its files and
// its manifests.
package language

import (
	"cmp"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
)

// Language is a programming language and how much of it there is.
type Language struct {
	Name  string // "Go", "TypeScript"
	Bytes int64
	Files int
}

// Framework is a framework that a manifest names.
type Framework struct {
	Name string // "Spring Boot", "Express"
	At   fact.Location
}

// Set is what was found for a directory.
type Set struct {
	Languages  []Language // most bytes first; vendored code, tests and examples do not count
	Main       fact.Value[string]
	Frameworks []Framework
	// Loggers are libraries for structured logs that manifests name, and configurations that write JSON.
	Loggers []Framework
	// PlainLoggers are configurations that write lines of text only.
	PlainLoggers []Framework
}

var extensions = map[string]string{
	".go": "Go", ".py": "Python", ".js": "JavaScript", ".mjs": "JavaScript",
	".cjs": "JavaScript", ".jsx": "JavaScript",
	".ts": "TypeScript", ".tsx": "TypeScript", ".mts": "TypeScript",
	".java": "Java", ".kt": "Kotlin", ".kts": "Kotlin",
	".scala": "Scala", ".groovy": "Groovy", ".clj": "Clojure", ".rb": "Ruby",
	".rs": "Rust", ".php": "PHP", ".cs": "C#",
	".fs": "F#", ".vb": "Visual Basic", ".c": "C", ".h": "C", ".cc": "C++",
	".cpp": "C++", ".cxx": "C++", ".hpp": "C++",
	".m": "Objective-C", ".swift": "Swift", ".dart": "Dart",
	".ex": "Elixir", ".exs": "Elixir", ".erl": "Erlang",
	".hs": "Haskell", ".ml": "OCaml", ".lua": "Lua", ".pl": "Perl", ".r": "R", ".jl": "Julia", ".zig": "Zig",
	".nim": "Nim",
	".vue": "Vue", ".svelte": "Svelte", ".sh": "Shell", ".bash": "Shell",
	".ps1": "PowerShell", ".tf": "HCL", ".hcl": "HCL",
	".sol": "Solidity", ".elm": "Elm", ".cr": "Crystal", ".v": "Verilog",
	".sql": "SQL", ".html": "HTML", ".css": "CSS",
	".scss": "CSS", ".jsonnet": "Jsonnet", ".libsonnet": "Jsonnet", ".cue": "CUE", ".rego": "Rego",
}

// secondary are languages in which a service is not written; one is the main language only if there is no other.
var secondary = []string{"HTML", "CSS", "SQL", "Shell", "PowerShell", "HCL", "Jsonnet", "CUE", "Rego"}

// generated finds files that programs write.
var generated = regexp.MustCompile(`(^|/)(dist|build|out|target|node_modules|\.next|generated|gen)/|\.min\.(js|css)$|\.pb\.go$|_pb2\.py$|\.generated\.\w+$|(^|/)zz_generated`)

// mains are manifests that decide the language of what is next to them.
var mains = []struct{ file, language string }{
	{"go.mod", "Go"}, {"Cargo.toml", "Rust"}, {"pyproject.toml", "Python"}, {"setup.py", "Python"}, {"Gemfile", "Ruby"},
	{"composer.json", "PHP"}, {"mix.exs", "Elixir"}, {"Package.swift", "Swift"}, {"pubspec.yaml", "Dart"},
	{"build.sbt", "Scala"},
}

// Read returns the languages and frameworks of a directory; "." is the root.
func Read(t *tree.Tree, dir string) Set {
	var s Set
	sums := map[string]*Language{}
	for _, f := range t.Files {
		if f.Link || !tree.Under(f.Path, dir) || !t.Own(f.Path) || generated.MatchString(f.Path) {
			continue
		}
		s.read(t, f)
		name := extensions[strings.ToLower(path.Ext(f.Path))]
		if name == "" {
			continue
		}
		if sums[name] == nil {
			sums[name] = &Language{Name: name}
		}
		sums[name].Files++
		sums[name].Bytes += max(f.Size, 0)
	}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		s.Languages = append(s.Languages, *sums[name])
	}
	slices.SortStableFunc(s.Languages, func(a, b Language) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Files, a.Files)) // a host may not report sizes
	})
	s.Main = s.main(t, dir)
	return s
}

func (s *Set) main(t *tree.Tree, dir string) fact.Value[string] {
	for _, m := range mains {
		name := path.Join(dir, m.file)
		written := slices.ContainsFunc(s.Languages, func(l Language) bool { return l.Name == m.language })
		if _, ok := t.File(name); ok && written {
			return fact.Known(m.language, fact.Location{Path: name})
		}
	}
	for _, l := range s.Languages {
		if !slices.Contains(secondary, l.Name) {
			return fact.Known(l.Name, fact.Location{Path: dir})
		}
	}
	if len(s.Languages) > 0 {
		return fact.Known(s.Languages[0].Name, fact.Location{Path: dir})
	}
	return tree.Absent(t, "")
}

// sign is how manifests name something. The pattern has to match a line.
type sign struct {
	manifests []string
	name      string
	line      *regexp.Regexp
}

var signs = []sign{
	{[]string{"go.mod"}, "Gin", regexp.MustCompile(`^\s*(require )?github\.com/gin-gonic/gin\s`)},
	{[]string{"go.mod"}, "Echo", regexp.MustCompile(`^\s*(require )?github\.com/labstack/echo\b`)},
	{[]string{"go.mod"}, "Fiber", regexp.MustCompile(`^\s*(require )?github\.com/gofiber/fiber\b`)},
	{[]string{"go.mod"}, "chi", regexp.MustCompile(`^\s*(require )?github\.com/go-chi/chi\b`)},
	{[]string{"go.mod"}, "gRPC", regexp.MustCompile(`^\s*(require )?google\.golang\.org/grpc\s`)},
	{[]string{"go.mod"}, "controller-runtime", regexp.MustCompile(`^\s*(require )?sigs\.k8s\.io/controller-runtime\s`)},
	{[]string{"package.json"}, "Next.js", regexp.MustCompile(`"next"\s*:\s*"`)},
	{[]string{"package.json"}, "Express", regexp.MustCompile(`"express"\s*:\s*"`)},
	{[]string{"package.json"}, "NestJS", regexp.MustCompile(`"@nestjs/core"\s*:`)},
	{[]string{"package.json"}, "Fastify", regexp.MustCompile(`"fastify"\s*:\s*"`)},
	{[]string{"package.json"}, "React", regexp.MustCompile(`"react"\s*:\s*"`)},
	{[]string{"package.json"}, "Vue", regexp.MustCompile(`"vue"\s*:\s*"`)},
	{[]string{"package.json"}, "Angular", regexp.MustCompile(`"@angular/core"\s*:`)},
	{[]string{"package.json"}, "Svelte", regexp.MustCompile(`"svelte"\s*:\s*"`)},
	{python, "Django", regexp.MustCompile(`(?i)^\s*["']?django\s*([=<>~;,"'\[ ]|$)`)},
	{python, "Flask", regexp.MustCompile(`(?i)^\s*["']?flask\s*([=<>~;,"'\[ ]|$)`)},
	{python, "FastAPI", regexp.MustCompile(`(?i)^\s*["']?fastapi\s*([=<>~;,"'\[ ]|$)`)},
	{jvm, "Spring Boot", regexp.MustCompile(`spring-boot|org\.springframework\.boot`)},
	{jvm, "Quarkus", regexp.MustCompile(`io\.quarkus`)},
	{jvm, "Micronaut", regexp.MustCompile(`io\.micronaut`)},
	{jvm, "Ktor", regexp.MustCompile(`io\.ktor`)},
	{[]string{"Gemfile"}, "Rails", regexp.MustCompile(`^\s*gem ["']rails["']`)},
	{[]string{"Gemfile"}, "Sinatra", regexp.MustCompile(`^\s*gem ["']sinatra["']`)},
	{[]string{"composer.json"}, "Laravel", regexp.MustCompile(`"laravel/framework"\s*:`)},
	{[]string{"composer.json"}, "Symfony", regexp.MustCompile(`"symfony/framework-bundle"\s*:`)},
	{[]string{"Cargo.toml"}, "Axum", regexp.MustCompile(`^axum\s*[=.]`)},
	{[]string{"Cargo.toml"}, "Actix", regexp.MustCompile(`^actix-web\s*[=.]`)},
	{[]string{"mix.exs"}, "Phoenix", regexp.MustCompile(`\{:phoenix,`)},
	{[]string{".csproj"}, "ASP.NET Core", regexp.MustCompile(`Microsoft\.NET\.Sdk\.Web`)},
}

var (
	python = []string{"requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "setup.cfg"}
	jvm    = []string{"pom.xml", "build.gradle", "build.gradle.kts", "libs.versions.toml"}
)

// loggers are libraries whose purpose is structured logs. One that can write both, such as log4j, is none.
var loggers = []sign{
	{[]string{"go.mod"}, "zap", regexp.MustCompile(`^\s*(require )?go\.uber\.org/zap\s`)},
	{[]string{"go.mod"}, "zerolog", regexp.MustCompile(`^\s*(require )?github\.com/rs/zerolog\s`)},
	{[]string{"go.mod"}, "logrus", regexp.MustCompile(`^\s*(require )?github\.com/sirupsen/logrus\s`)},
	{[]string{"go.mod"}, "logr", regexp.MustCompile(`^\s*(require )?github\.com/go-logr/(logr|zapr|zerologr)\s`)},
	{[]string{"go.mod"}, "go-kit log", regexp.MustCompile(`^\s*(require )?github\.com/go-kit/log\s`)},
	{[]string{"go.mod"}, "hclog", regexp.MustCompile(`^\s*(require )?github\.com/hashicorp/go-hclog\s`)},
	{[]string{"package.json"}, "pino", regexp.MustCompile(`"(pino|nestjs-pino|fastify)"\s*:\s*"`)},
	{[]string{"package.json"}, "winston", regexp.MustCompile(`"winston"\s*:\s*"`)},
	{[]string{"package.json"}, "bunyan", regexp.MustCompile(`"bunyan"\s*:\s*"`)},
	{python, "structlog", regexp.MustCompile(`(?i)^\s*["']?(django-)?structlog\s*([=<>~;,"'\[ ]|$)`)},
	{python, "JSON logger", regexp.MustCompile(`(?i)^\s*["']?(python-json-logger|json-log-formatter|ecs-logging)\s*([=<>~;,"'\[ ]|$)`)},
	{jvm, "Logback encoder", regexp.MustCompile(`logstash-logback-encoder|logback-ecs-encoder|logback-json-classic`)},
	{jvm, "Log4j JSON layout", regexp.MustCompile(`log4j-layout-template-json|log4j2-ecs-layout`)},
	{jvm, "Quarkus JSON logs", regexp.MustCompile(`quarkus-logging-json`)},
	{springs, "Spring Boot", regexp.MustCompile(`^\s*logging\.structured\.format\.`)},
	{[]string{"Cargo.toml"}, "tracing", regexp.MustCompile(`^(\[.*dependencies\.)?tracing-(subscriber|bunyan-formatter)\s*[=.\]]`)},
	{[]string{"Cargo.toml"}, "slog", regexp.MustCompile(`^slog(-json)?\s*[=.]`)},
	{[]string{"Gemfile"}, "lograge", regexp.MustCompile(`^\s*gem ["'](lograge|rails_semantic_logger|semantic_logger)["']`)},
	{[]string{"composer.json"}, "Monolog", regexp.MustCompile(`"monolog/monolog"\s*:`)},
	{[]string{".csproj"}, "Serilog", regexp.MustCompile(`"Serilog(\.AspNetCore)?"`)},
	{[]string{"mix.exs"}, "LoggerJSON", regexp.MustCompile(`\{:logger_json,`)},
}

var springs = []string{"application.properties", "application.yml", "application.yaml"}

// logback finds the configurations of Logback and Log4j; those of profiles for development are left out.
var (
	logback    = regexp.MustCompile(`(^|/)src/main/resources/(logback(-spring)?|log4j2(-spring)?)\.xml$`)
	jsonLayout = regexp.MustCompile(`(?i)json|logstash|ecs|gelf`)
	textLayout = regexp.MustCompile(`(?i)<pattern>|<PatternLayout`)
)

// read adds what a manifest or a configuration names.
func (s *Set) read(t *tree.Tree, f tree.File) {
	if logback.MatchString(f.Path) {
		text, err := t.Text(f)
		if i := textLayout.FindStringIndex(text); err == nil && i != nil && !jsonLayout.MatchString(text) {
			at := fact.Location{Path: f.Path, Line: fact.Line(text, i[0])}
			s.PlainLoggers = append(s.PlainLoggers, Framework{"pattern layout", at})
		} else if err == nil && jsonLayout.MatchString(text) {
			s.Loggers = append(s.Loggers, Framework{"JSON layout", fact.Location{Path: f.Path}})
		}
		return
	}
	base, ext := f.Base(), path.Ext(f.Path)
	var lines []string
	find := func(signs []sign) (found []Framework) {
		for _, sign := range signs {
			if !slices.Contains(sign.manifests, base) && !slices.Contains(sign.manifests, ext) {
				continue
			}
			if lines == nil {
				text, err := t.Text(f)
				if err != nil {
					return nil
				}
				lines = strings.Split(text, "\n")
			}
			i := slices.IndexFunc(lines, func(line string) bool {
				return !strings.HasSuffix(line, "// indirect") && sign.line.MatchString(line)
			})
			if i >= 0 {
				found = append(found, Framework{sign.name, fact.Location{Path: f.Path, Line: i + 1}})
			}
		}
		return found
	}
	s.Frameworks = append(s.Frameworks, find(signs)...)
	s.Loggers = append(s.Loggers, find(loggers)...)
}
