package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/dxctl/dxctl/store/embedded"
)

// The test binary is also the other process of the tests that need one: roles by name, chosen by an environment
// variable. A role prints a line when it is ready and ends when its standard input does.
const roleVariable = "DXCTL_EMBEDDED_TEST_ROLE"

var roles = map[string]func(args []string) error{
	"hold":    holdDirectory,
	"open":    openDirectory,
	"signals": handleSignals,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(roleVariable); name != "" {
		role, args, _ := strings.Cut(name, " ")
		if err := roles[role](strings.Split(args, " ")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if err := closeShared(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// process is another process of this binary.
type process struct {
	*exec.Cmd
	out   *bufio.Reader
	stdin io.Closer
}

// startRole starts another process in a role and waits for its first line, which it returns.
func startRole(t *testing.T, role string, args ...string) (*process, string) {
	t.Helper()
	p := roleCommand(role, args...)
	stdin, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stderr = os.Stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	child := &process{p, bufio.NewReader(out), stdin}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	line, err := child.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the process in the role %s ended before it was ready: %v", role, err)
	}
	return child, strings.TrimSpace(line)
}

func roleCommand(role string, args ...string) *exec.Cmd {
	executable, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(executable)
	cmd.Env = append(os.Environ(), roleVariable+"="+strings.Join(append([]string{role}, args...), " "))
	return cmd
}

// connectTo opens the driver over a transport.
func connectTo(transport http.RoundTripper) (driver.Conn, error) {
	return clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{"embedded"}, MaxOpenConns: 32,
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return transport, nil },
	})
}

// holdDirectory has a directory open: hold <directory> <share|alone>.
func holdDirectory(args []string) error {
	e, err := embedded.Open(
		context.Background(),
		embedded.Options{Path: args[0], Program: "dxctl test", Share: args[1] == "share"},
	)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return e.Close()
}

// openDirectory opens a directory and says how it went: open <directory>.
func openDirectory(args []string) error {
	e, err := embedded.Open(context.Background(), embedded.Options{Path: args[0], Program: "dxctl test"})
	if err != nil {
		fmt.Printf("%T %s\n", err, strings.ReplaceAll(err.Error(), "\n", " "))
		return nil
	}
	fmt.Println("opened")
	return e.Close()
}

// handleSignals runs the engine, starts programs meanwhile, and ends by SIGTERM: signals <directory>.
func handleSignals(args []string) error {
	e, err := embedded.Open(context.Background(), embedded.Options{Path: args[0], Program: "dxctl test"})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	db, err := connectTo(e)
	if err != nil {
		return err
	}
	for i := range 30 {
		var n uint64
		if err := db.QueryRow(ctx, "SELECT count() FROM numbers(1000000)").Scan(&n); err != nil {
			return err
		}
		out, err := exec.CommandContext(ctx, "echo", fmt.Sprint(n, i)).Output()
		if err != nil || strings.TrimSpace(string(out)) != fmt.Sprint(n, i) {
			return fmt.Errorf("echo said %q: %w", out, err)
		}
	}
	// A nil dereference must still be a panic of Go's, not the end of the process by the library's handler.
	if !recovers() {
		return fmt.Errorf("a nil dereference did not panic")
	}
	fmt.Println("ready")
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Second):
		return fmt.Errorf("no SIGTERM arrived")
	}
	if err := e.Close(); err != nil {
		return err
	}
	fmt.Println("closed after SIGTERM")
	return nil
}

func recovers() (recovered bool) {
	defer func() { recovered = recover() != nil }()
	var nothing *process
	return len(nothing.Path) == 0
}
