package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/store/embedded"
	"github.com/dxctl/dxctl/store/storetest"
)

// TestMain runs the tests, or is one of the commands that they start: dxctl, and hold for scripts.
func TestMain(m *testing.M) {
	testscript.Main(withCommands{m}, map[string]func(){"dxctl": main, "hold": hold})
}

// withCommands prepares the commands that tests start, and closes the engine that tests have opened in this process
// before testscript exits it.
type withCommands struct{ m *testing.M }

func (c withCommands) Run() int {
	// the processes that tests start run in directories of their own
	if library, err := embedded.FindLibrary(); err == nil {
		_ = os.Setenv(embedded.LibraryVariable, library)
	}
	return storetest.Run(c.m)
}

// engine is the command of scripts that starts hold, and ends it with the script.
func engine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: engine")
	}
	program, err := exec.LookPath("hold")
	ts.Check(err)
	var diagnostics bytes.Buffer
	cmd := exec.Command(program)
	cmd.Dir, cmd.Stderr = ts.Getenv("WORK"), &diagnostics
	cmd.Env = os.Environ()
	for _, name := range []string{"HOME", "GITHUB", "GITHUB_TOKEN"} { // what a dx.yaml may name
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != holding {
		ts.Fatalf("hold does not begin: %s", diagnostics.String())
	}
}

// holding is what hold prints when others can use its engine.
const holding = "holding\n"

// hold keeps the engine of the store of ./dx.yaml open until it is interrupted, and shares it, as a server does. A
// script that starts it first pays once for the start of an engine, and not with every command.
func hold() {
	if err := holdUntilInterrupted(); err != nil {
		fmt.Fprintln(os.Stderr, "hold:", err)
		os.Exit(1)
	}
}

func holdUntilInterrupted() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cfg, err := config.Load("dx.yaml")
	if err == nil {
		opt := app.Options{Logger: slog.New(slog.DiscardHandler), Now: time.Now, Program: "hold", Alone: true, Bare: true}
		var a *app.App
		if a, err = app.Open(ctx, cfg, opt); err == nil {
			_, _ = os.Stdout.WriteString(holding)
			<-ctx.Done()
			err = a.Close()
		}
	}
	return err
}
