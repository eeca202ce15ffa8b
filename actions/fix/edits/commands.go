package edits

import (
	"slices"
	"strings"
)

// set returns the words of a text.
func set(text string) map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(text) {
		all[word] = true
	}
	return all
}

// harmless are commands that push nothing, whatever their arguments are.
var harmless = set(`: [ true false test echo printf cd pushd popd pwd set unset shopt export local declare readonly
	read return exit break continue shift wait sleep umask ulimit getopts mkdir rmdir rm cp mv ln ls cat head tail grep
	egrep fgrep sed cut tr sort uniq wc tee diff cmp touch chmod chown tar zip unzip gzip gunzip xz base64 sha256sum
	shasum md5sum seq basename dirname realpath readlink mktemp date uname hostname whoami id which type hash df du free
	ps nproc kill jq curl wget apt apt-get apk yum dnf brew choco pacman pip pip3 gcc g++ cc clang ctest gofmt
	goimports staticcheck golangci-lint govulncheck gotestsum gosec shellcheck shfmt yamllint hadolint actionlint protoc
	pytest py.test ruff mypy black isort flake8 pylint pyright bandit virtualenv eslint tsc jest vitest mocha prettier
	stylelint nyc c8 tap ava rspec rubocop phpunit phpstan phpcs rustup rustc rustfmt kubeconform kubeval sphinx-build
	markdownlint xo standard tsup rollup webpack esbuild rimraf`)

// subcommands are those of programs that push nothing.
var subcommands = map[string][]string{
	"go":         strings.Fields("build test vet mod install env version get list fmt clean work"),
	"cargo":      strings.Fields("build b test t check c clippy fmt doc bench install fetch nextest deny audit metadata"),
	"poetry":     strings.Fields("install build check lock config env show"),
	"pipenv":     strings.Fields("install sync check"),
	"uv":         strings.Fields("sync lock pip venv build python"),
	"mkdocs":     strings.Fields("build"),
	"coverage":   strings.Fields("report xml html combine erase json"),
	"pre-commit": strings.Fields("run install"),
	"dotnet":     strings.Fields("restore build test format"),
	"swift":      strings.Fields("build test package"),
	"flutter":    strings.Fields("test analyze pub build doctor"),
	"dart":       strings.Fields("test analyze format pub compile"),
	"deno":       strings.Fields("test lint fmt check cache"),
	"bundle":     strings.Fields("install config check"),
	"composer":   strings.Fields("install validate update dump-autoload"),
	"terraform":  strings.Fields("fmt validate init version"),
	"helm":       strings.Fields("lint template version dependency repo"),
	"kustomize":  strings.Fields("build version"),
	"buf":        strings.Fields("lint build format breaking"),
	"vite":       strings.Fields("build"),
	"next":       strings.Fields("build lint"),
	"playwright": strings.Fields("test install install-deps"),
	"cypress":    strings.Fields("run verify install"),
	"goreleaser": strings.Fields("check build"),
	"node":       {}, "java": {}, "ruby": {}, "php": {}, "kubectl": strings.Fields("version"),
}

// wrappers start the command that their arguments are.
var wrappers = set("sudo env time nice nohup exec command timeout xvfb-run npx bunx")

// runners start the command that follows a subcommand.
var runners = map[string]string{
	"bundle": "exec", "poetry": "run", "pipenv": "run", "uv": "run", "pdm": "run", "coverage": "run",
}

// managers install packages and run the scripts of package.json.
var managers = []string{"npm", "yarn", "pnpm", "bun"}

// installs are what package managers do without a script of the repository that is worth reading.
var installs = strings.Fields("ci install i add audit cache config ls list outdated pack view why dedupe")

// usual are names of tasks that build and test.
var usual = strings.Fields("all build test tests check lint fmt format vet install typecheck coverage clean distcheck")

// checks look at the arguments of other programs, and report whether they push nothing.
var checks = map[string]func(args []string) bool{
	"find": func(args []string) bool {
		return !slices.ContainsFunc(args, func(a string) bool {
			return strings.HasPrefix(a, "-exec") || strings.HasPrefix(a, "-ok")
		})
	},
	"python": python, "python3": python, "py": python,
	"mvn": maven, "./mvnw": maven, "gradle": gradle, "./gradlew": gradle,
	"docker": docker, "git": git,
	"cmake": func(args []string) bool { return !slices.Contains(args, "-P") && !slices.Contains(args, "--target") },
	"ninja": func(args []string) bool { return first(args) == "" || slices.Contains(usual, first(args)) },
}

var modules = strings.Fields("pip pytest unittest build venv virtualenv compileall mypy ruff black flake8 isort " +
	"pylint ensurepip json.tool doctest bandit")

func python(args []string) bool {
	switch {
	case versionOnly(args):
		return true
	case len(args) > 1 && args[0] == "-m":
		return slices.Contains(modules, args[1])
	}
	return len(args) > 1 && args[0] == "setup.py" &&
		slices.Contains(strings.Fields("build install develop sdist bdist_wheel test check"), args[1])
}

var phases = strings.Fields("clean validate compile test-compile test package integration-test verify install " +
	"dependency:go-offline dependency:resolve checkstyle:check spotbugs:check jacoco:report site")

// maven reports whether only phases that stay on the machine run.
func maven(args []string) bool {
	for i := 0; i < len(args); i++ {
		switch {
		case slices.Contains(strings.Fields("-f -s -P -pl -T --file --settings --projects"), args[i]):
			i++
		case !strings.HasPrefix(args[i], "-") && !slices.Contains(phases, args[i]):
			return false
		}
	}
	return true
}

var gradleTasks = strings.Fields("build test check assemble clean jar bootJar javadoc lint ktlintCheck detekt " +
	"spotlessCheck compileJava compileKotlin classes testClasses jacocoTestReport dependencies integrationTest")

// gradle reports whether only tasks of the usual plugins run that stay on the machine.
func gradle(args []string) bool {
	for i := 0; i < len(args); i++ {
		switch {
		case slices.Contains(strings.Fields("-x -p --exclude-task --project-dir"), args[i]):
			i++
		case !strings.HasPrefix(args[i], "-") &&
			!slices.Contains(gradleTasks, args[i][strings.LastIndex(args[i], ":")+1:]):
			return false
		}
	}
	return true
}

// git reports whether git only reads, or sets what has no part in a commit.
func git(args []string) bool {
	reads := strings.Fields("status diff log show rev-parse describe ls-files rev-list merge-base cat-file version")
	safe := func(a string) bool {
		return slices.Contains(strings.Fields("safe.directory core.autocrlf core.eol core.longpaths init.defaultBranch"), a)
	}
	return versionOnly(args) || len(args) > 0 && (slices.Contains(reads, args[0]) ||
		args[0] == "config" && slices.ContainsFunc(args, safe))
}

// docker reports whether images are built, and nothing is pushed or run.
func docker(args []string) bool {
	pushes := func(a string) bool {
		return strings.HasPrefix(a, "--push") || strings.Contains(a, "push=true") ||
			strings.Contains(a, "type=registry") || a == placeholder
	}
	if len(args) > 1 && (args[0] == "buildx" || args[0] == "compose") {
		return slices.Contains(strings.Fields("build create ls inspect version config ps logs down pull"), args[1]) &&
			!slices.ContainsFunc(args, pushes)
	}
	return slices.Contains(strings.Fields("build images pull version info ps logs inspect tag save load"), first(args)) &&
		!slices.ContainsFunc(args, pushes)
}
