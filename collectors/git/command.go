package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
)

// command is one process of git.
type command struct {
	args   []string
	dir    string    // the clone; empty: none
	stdin  io.Reader // nil: nothing
	remote *address  // the one server that it may speak to; nil: none
	lock   *os.File  // held for as long as the process lives, also when we are gone
	config [][2]string
}

// failure is a process of git that did not succeed.
type failure struct {
	doing string
	said  string // the end of what it wrote to stderr
	err   error
}

func (f *failure) Error() string {
	if f.said == "" {
		return fmt.Sprintf("git %s: %v", f.doing, f.err)
	}
	return fmt.Sprintf("git %s: %v: %s", f.doing, f.err, f.said)
}

func (f *failure) Unwrap() error { return f.err }

var errSilent = errors.New("it said nothing for too long and was ended")

// kept is what of our environment git gets to see: where programs, keys, certificates and proxies are.
var kept = []string{"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}

func proxied() bool {
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

// environment leaves nothing of the user's or the machine's git in effect: no configuration, hook, prompt or helper.
func (c *Collector) environment(cmd command) []string {
	protocol := "none"
	config := [][2]string{
		{
			"core.hooksPath",
			os.DevNull,
		},
		{"core.fsmonitor", "false"},
		{"core.askPass", ""},
		{"credential.helper", ""},
		{"protocol.version", "2"},
		{
			"gc.autoDetach",
			"false",
		},
		{"maintenance.autoDetach", "false"},
		{"gc.pruneExpire", "never"},
		{"fetch.unpackLimit", "1"},
		{"http.followRedirects", "false"},
		{"submodule.recurse", "false"},
		{"log.showSignature", "false"},
	}
	if cmd.remote != nil {
		protocol = cmd.remote.scheme
		config = append(config, c.credentials(*cmd.remote)...)
	}
	config = append(config, cmd.config...)
	env := []string{
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_ALLOW_PROTOCOL=" + protocol,
		"GIT_LITERAL_PATHSPECS=1",
		"GIT_NO_REPLACE_OBJECTS=1",
		"LC_ALL=C",
		"GIT_SSH_COMMAND=ssh -o BatchMode=yes -o " +
			"ConnectTimeout=30 -o ServerAliveInterval=15",
		"GIT_CONFIG_COUNT=" + strconv.Itoa(len(config)),
	}
	if cmd.remote == nil {
		env = append(env, "GIT_NO_LAZY_FETCH=1")
	}
	if cmd.dir != "" {
		env = append(env, "GIT_DIR="+cmd.dir)
	}
	for i, pair := range config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, pair[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, pair[1]))
	}
	for _, name := range kept {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// run runs git and hands what it writes to consume. The process and its children end when ctx does, when consume fails,
// or when it is silent for longer than the source's patience.
func (c *Collector) run(ctx context.Context, cmd command, consume func(io.Reader) error) error {
	doing := strings.Join(cmd.args[:min(2, len(cmd.args))], " ")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	process := exec.CommandContext( //nolint:gosec // arguments are ours: ids are checked, paths come after --
		ctx,
		c.opt.Binary,
		cmd.args...)
	process.Env, process.Stdin = c.environment(cmd), cmd.stdin
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var hard *time.Timer
	process.Cancel = func() error { // git removes its lock files when it is asked to end, and gets a moment for that
		group := -process.Process.Pid
		hard = time.AfterFunc(3*time.Second, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
		return syscall.Kill(group, syscall.SIGTERM)
	}
	process.WaitDelay = 5 * time.Second
	if cmd.lock != nil {
		process.ExtraFiles = []*os.File{cmd.lock}
	}
	silent := time.AfterFunc(c.opt.Patience, func() { cancel(errSilent) })
	defer silent.Stop()
	alive := func() { silent.Reset(c.opt.Patience) }
	said := &tail{alive: alive}
	process.Stderr = said
	stdout, err := process.StdoutPipe()
	if err != nil {
		return &failure{doing, "", err}
	}
	if err := process.Start(); err != nil {
		return &failure{doing, "", err}
	}
	consumed := consume(&heard{stdout, alive})
	if consumed != nil {
		cancel(consumed)
	}
	err = process.Wait()
	if hard != nil {
		hard.Stop()
	}
	if cmd.remote != nil {
		c.observed(err)
	}
	switch cause := context.Cause(ctx); {
	case consumed != nil && ctx.Err() != nil && !errors.Is(cause, consumed):
		return &failure{doing, said.text(), cause}
	case consumed != nil:
		return &failure{doing, said.text(), consumed}
	case err != nil && cause != nil:
		return &failure{doing, said.text(), cause}
	case err != nil:
		return &failure{doing, said.text(), err}
	}
	return nil
}

// observed tells the observer of an exchange with a server.
func (c *Collector) observed(err error) {
	o := c.observer.Load()
	if o == nil || o.Request == nil {
		return
	}
	status := 200
	if err != nil {
		status = 0
	}
	o.Request(rest.Request{Status: status})
}

// output runs git and returns what it writes, which must be short.
func (c *Collector) output(ctx context.Context, cmd command) ([]byte, error) {
	const limit = 64 << 20
	var out []byte
	err := c.run(ctx, cmd, func(r io.Reader) (err error) {
		out, err = io.ReadAll(io.LimitReader(r, limit+1))
		if err == nil && len(out) > limit {
			err = fmt.Errorf("it writes more than %d MB", limit>>20)
		}
		return err
	})
	return out, err
}

// heard is a reader whose bytes are signs of life.
type heard struct {
	io.Reader
	alive func()
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	h.alive()
	return n, err
}

// tail keeps the end of what is written.
type tail struct {
	alive func()
	buf   []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.alive()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 4096 {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-2048:]...)
	}
	return len(p), nil
}

// text is the last lines without those that only show progress.
func (t *tail) text() string {
	var lines []string
	for line := range bytes.Lines(t.buf) {
		parts := bytes.Split(bytes.TrimRight(line, "\r\n"), []byte("\r"))
		text := strings.TrimSpace(string(parts[len(parts)-1]))
		if text == "" || strings.HasSuffix(text, "done.") || strings.Contains(text, "%") {
			continue
		}
		lines = append(lines, text)
	}
	return strings.Join(lines[max(0, len(lines)-4):], "; ")
}
