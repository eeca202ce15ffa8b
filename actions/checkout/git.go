package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// commands are the commands of git that start nothing that a repository configures. Those that convert files of the
// work tree (status, diff, add, checkout) run filters, whose names a repository chooses, and are not among them.
var commands = []string{
	"cat-file", "check-attr", "config", "hash-object", "ls-files", "ls-tree", "merge-base", "merge-file", "rev-list",
	"rev-parse", "symbolic-ref", "version",
}

// overrides take what a repository can configure to start a program, or to connect to somewhere, away from it.
var overrides = []string{
	"core.fsmonitor=false",
	"core.hooksPath=" + os.DevNull,
	"core.pager=cat",
	"core.sshCommand=false",
	"core.askPass=",
	"core.alternateRefsCommand=false",
	"core.gitProxy=false",
	"core.untrackedCache=false",
	"credential.helper=",
	"diff.external=",
	"gc.auto=0",
	"gpg.program=false",
	"log.showSignature=false",
	"maintenance.auto=false",
	"protocol.allow=never",
	"submodule.recurse=false",
}

// maxOutput bounds what a command may write, in bytes. Every command here is asked for a few files.
const maxOutput = 64 << 20

// ExitError is a command of git that ended with another status than 0.
type ExitError struct {
	Command string
	Code    int
	Stderr  string // the first line
}

// Error names the command and what git wrote.
func (e *ExitError) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("git %s exited with status %d", e.Command, e.Code)
	}
	return fmt.Sprintf("git %s: %s", e.Command, e.Stderr)
}

// Git runs a command of git in the root of a repository and returns its output. The configuration of the repository
// starts no program, and that of the user and of the system is not read. Paths are literal: name them after "--". The
// error is an *ExitError, also if the command reports by its status, as merge-file does; its output is returned then.
func Git(ctx context.Context, dir string, arguments ...string) ([]byte, error) {
	if len(arguments) == 0 || !slices.Contains(commands, arguments[0]) {
		return nil, fmt.Errorf("running git %s: the command could start programs of the repository",
			strings.Join(arguments, " "))
	}
	return run(ctx, dir, isolated(dir), arguments...)
}

// isolated is the environment in which git reads no configuration but that of the repository.
func isolated(dir string) []string {
	env := []string{
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_NO_LAZY_FETCH=1",
		"GIT_NO_REPLACE_OBJECTS=1",
		"GIT_LITERAL_PATHSPECS=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_ASKPASS=",
		"GIT_EDITOR=false",
		"GIT_PAGER=cat",
		"LC_ALL=C",
	}
	if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
		// The repository cannot move the work tree elsewhere (core.worktree), and it may belong to another user, as in
		// containers of CI: nothing of it is started, so that its owner does not matter.
		env = append(env, "GIT_DIR="+filepath.Join(dir, ".git"), "GIT_WORK_TREE="+dir)
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SystemRoot"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func run(ctx context.Context, dir string, env []string, arguments ...string) ([]byte, error) {
	// A repository can include a pipe as configuration, which git would read until somebody writes to it.
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var all []string
	for _, o := range overrides {
		all = append(all, "-c", o)
	}
	cmd := exec.CommandContext(ctx, "git", append(all, arguments...)...) //nolint:gosec // commands are those of the list
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, time.Second
	out, stderr := bounded{limit: maxOutput}, bounded{limit: 1 << 12}
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("git is not installed, or not in PATH; dxctl needs it to compare and merge files")
	case ctx.Err() != nil:
		return nil, fmt.Errorf("running git %s: %w", arguments[0], ctx.Err())
	case errors.As(err, &exit):
		line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return out.Bytes(), &ExitError{Command: arguments[0], Code: exit.ExitCode(), Stderr: line}
	case err != nil:
		return nil, fmt.Errorf("running git %s: %w", arguments[0], err)
	case out.full:
		return nil, fmt.Errorf("running git %s: it wrote more than %d MB", arguments[0], maxOutput>>20)
	}
	return out.Bytes(), nil
}

// bounded keeps the first bytes of what is written.
type bounded struct {
	bytes.Buffer
	limit int
	full  bool
}

// Write keeps what fits and takes the rest, so that the command does not end by a closed pipe.
func (b *bounded) Write(data []byte) (int, error) {
	if left := b.limit - b.Len(); len(data) > left {
		b.full = true
		b.Buffer.Write(data[:left])
		return len(data), nil
	}
	return b.Buffer.Write(data)
}
