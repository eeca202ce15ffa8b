package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/dxctl/dxctl/store/embedded"
)

func TestMissingLibrary(t *testing.T) {
	t.Setenv(embedded.LibraryVariable, "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	_, err := embedded.Open(t.Context(), embedded.Options{Path: t.TempDir()})
	var missing *embedded.LibraryMissingError
	if !errors.As(err, &missing) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"make engine", embedded.LibraryVariable, filepath.Join(os.Getenv("XDG_CACHE_HOME"), "dxctl"), filepath.Dir(os.Args[0])} {
		if runtime.GOOS == "linux" && !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestLibraryIsFoundInOrder(t *testing.T) {
	cache, named, checkout := t.TempDir(), filepath.Join(t.TempDir(), "any.so"), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	userCache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	version := embedded.PackageVersion(runtime.GOOS + "/" + runtime.GOARCH)
	inCache := filepath.Join(userCache, "dxctl", "libchdb", version, "libchdb.so")
	packages := map[string]string{
		"linux/amd64":  "lib-linux-x64-gnu",
		"linux/arm64":  "lib-linux-arm64-gnu",
		"darwin/amd64": "lib-darwin-x64",
		"darwin/arm64": "lib-darwin-arm64",
	}
	inCheckout := filepath.Join(
		checkout,
		"store",
		"embedded",
		"node_modules",
		"@chdb",
		packages[runtime.GOOS+"/"+runtime.GOARCH],
		"libchdb.so",
	)
	nextTo := filepath.Join(filepath.Dir(os.Args[0]), "libchdb.so")
	deep := filepath.Join(checkout, "a", "b")
	write(t, filepath.Join(checkout, "store", "embedded", "package.json"))
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(deep)
	t.Cleanup(func() { _ = os.Remove(nextTo) })
	for _, tc := range []struct{ name, file, env string }{
		{"the checkout", inCheckout, ""}, {"the cache", inCache, ""}, {"next to the binary", nextTo, ""}, {"the variable", named, named},
	} {
		write(t, tc.file)
		t.Setenv(embedded.LibraryVariable, tc.env)
		if got, err := embedded.FindLibrary(); err != nil || !sameFile(got, tc.file) {
			t.Errorf("%s: got %s, %v; want %s", tc.name, got, err, tc.file)
		}
	}
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestUnusableLibrary(t *testing.T) {
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	elf := func(machine byte) []byte { // a header of a shared library and nothing else
		h := make([]byte, 64)
		copy(h, "\x7fELF\x02\x01\x01")
		h[16], h[18], h[20], h[52] = 3, machine, 1, 64
		return h
	}
	machO := make([]byte, 32) // of a 64-bit ARM library
	copy(machO, "\xcf\xfa\xed\xfe\x0c\x00\x00\x01")
	machO[12] = 6
	for _, tc := range []struct {
		name    string
		content []byte
		want    string // on linux/amd64
	}{
		{"an empty file", nil, "not a library, or only part"},
		{"a text", []byte("<html>404</html>"), "not a library"},
		{"ARM on x86", elf(183), "it is for aarch64 and this is linux/amd64"},
		{"x86, cut short", elf(62), ""},
		{"macOS", machO, "it is for macOS"},
		{"a program", self, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "libchdb.so")
			if err := os.WriteFile(path, tc.content, 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv(embedded.LibraryVariable, path)
			_, err := embedded.Open(t.Context(), embedded.Options{Path: t.TempDir()})
			var unusable *embedded.LibraryUnusableError
			if !errors.As(err, &unusable) || unusable.Path != path || !strings.Contains(err.Error(), "make engine") {
				t.Fatalf("got %v", err)
			}
			if runtime.GOOS+runtime.GOARCH == "linuxamd64" && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want it to say %q", err, tc.want)
			}
		})
	}
	t.Run("the variable names nothing", func(t *testing.T) {
		t.Setenv(embedded.LibraryVariable, "/nowhere/libchdb.so")
		_, err := embedded.Open(t.Context(), embedded.Options{Path: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), "/nowhere/libchdb.so") ||
			!strings.Contains(err.Error(), "no such file") {
			t.Errorf("got %v", err)
		}
	})
}

func TestDirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	holder, _ := startRole(t, "hold", dir, "alone")
	_, err := embedded.Open(t.Context(), embedded.Options{Path: dir})
	var inUse *embedded.InUseError
	if !errors.As(err, &inUse) || inUse.PID != holder.Process.Pid || inUse.Program != "dxctl test" {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{dir, fmt.Sprint(holder.Process.Pid), "dxctl test"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if _, err := embedded.Connect(t.Context(), dir); !errors.As(err, &inUse) {
		t.Errorf("connecting to a holder that does not share: %v", err)
	}
	if err := holder.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := holder.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, line := startRole(t, "open", dir); line != "opened" {
		t.Errorf("after the holder ended: %s", line)
	}
}

func TestKilledHolderLeavesNothingBehind(t *testing.T) {
	for _, how := range []string{"alone", "share"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			holder, _ := startRole(t, "hold", dir, how)
			if err := holder.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = holder.Wait()
			if remote, err := embedded.Connect(t.Context(), dir); remote != nil || err != nil {
				t.Errorf("connecting to a dead holder: %v, %v", remote, err)
			}
			second, _ := startRole(t, "hold", dir, how) // opens it, and its socket, again
			_ = second.stdin.Close()
			if err := second.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewerData(t *testing.T) {
	for _, tc := range []struct{ name, marker, want string }{
		{"much newer", `{"engine":"99.1.2"}`, "*embedded.NewerDataError"},
		{"a later minor version", `{"engine":"26.99.0"}`, "*embedded.NewerDataError"},
		{"older", `{"engine":"25.12.0"}`, "opened"},
		{"damaged", `{`, "damaged"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "dxctl.version"), []byte(tc.marker), 0o600); err != nil {
				t.Fatal(err)
			}
			_, line := startRole(t, "open", dir)
			if !strings.Contains(line, tc.want) {
				t.Errorf("got %s", line)
			}
			if tc.want != "opened" && !strings.Contains(line, dir) {
				t.Errorf("the directory is not in: %s", line)
			}
		})
	}
}

func TestDirectoryThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file)
	_, err := embedded.Open(t.Context(), embedded.Options{Path: filepath.Join(file, "data")})
	var notWritable *embedded.NotWritableError
	if !errors.As(err, &notWritable) || !strings.Contains(err.Error(), "permissions") {
		t.Errorf("below a file: %v", err)
	}

	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := roleCommand("open", dir)
	if os.Getuid() == 0 { // root may write everywhere: be somebody else
		executable := copyForAll(t)
		cmd = exec.Command(executable)
		cmd.Dir = "/"
		library, err := embedded.FindLibrary()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = []string{roleVariable + "=open " + dir, embedded.LibraryVariable + "=" + library}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		openParents(t, dir)
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "*embedded.NotWritableError") {
		t.Errorf("a directory of somebody else: %v: %s", err, out)
	}
}

// copyForAll copies the test binary to where every user can run it.
func copyForAll(t *testing.T) string {
	t.Helper()
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "dxctl-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "test")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, binary, 0o755)); err != nil {
		t.Fatal(err)
	}
	return path
}

// openParents lets every user pass through the directories above dir that the test made.
func openParents(t *testing.T, dir string) {
	t.Helper()
	for parent := filepath.Dir(dir); parent != os.TempDir() && len(parent) > len(os.TempDir()); parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSignalsAndProgramsStillWork(t *testing.T) {
	child, _ := startRole(t, "signals", t.TempDir())
	if err := child.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	line, _ := child.out.ReadString('\n')
	if err := child.Wait(); err != nil || strings.TrimSpace(line) != "closed after SIGTERM" {
		t.Errorf("it ended with %v after %q", err, line)
	}
}

func TestSharedDirectory(t *testing.T) {
	for _, tc := range []struct{ name, below string }{
		{"a short path", "data"},
		{"a path too long for a socket", strings.Repeat("long/", 30) + "data"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), tc.below)
			holder, _ := startRole(t, "hold", dir, "share")
			remote, err := embedded.Connect(t.Context(), dir)
			if err != nil || remote == nil {
				t.Fatalf("got %v, %v", remote, err)
			}
			if want := fmt.Sprintf(
				"dxctl test (process %d)",
				holder.Process.Pid,
			); remote.Holder() != want || remote.Version() == "" ||
				remote.Library() == "" {
				t.Errorf("holder %q version %q library %q", remote.Holder(), remote.Version(), remote.Library())
			}
			t.Run("use", func(t *testing.T) { useRemote(t, remote) })
			if err := remote.Close(); err != nil {
				t.Error(err)
			}
			if err := holder.stdin.Close(); err != nil {
				t.Fatal(err)
			}
			if err := holder.Wait(); err != nil {
				t.Errorf("the holder ended with %v", err)
			}
		})
	}
}

// useRemote writes, reads, fails, streams and cancels through another process.
func useRemote(t *testing.T, remote *embedded.Remote) {
	t.Helper()
	db, err := connectTo(remote)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	name := table(t, db, "through", "a UInt64, s String")
	batch, err := db.PrepareBatch(t.Context(), "INSERT INTO "+name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100_000 {
		if err := batch.Append(uint64(i), fmt.Sprint("row\x00", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db, name+" WHERE s = concat('row\\0', toString(a))"); got != 100_000 {
		t.Errorf("%d rows came back", got)
	}
	var ex *clickhouse.Exception
	if err := drain(t.Context(), db, "SELECT * FROM nowhere"); !errors.As(err, &ex) || ex.Code != 60 {
		t.Errorf("an error came as %v", err)
	}
	if err := drain(t.Context(), db, "SELECT throwIf(number = 2000000, 'late') FROM numbers(3000000) SETTINGS "+
		"max_block_size = 1000"); !errors.As(err, &ex) || ex.Code != 395 {
		t.Errorf("a late error came as %v", err)
	}
	if err := drain(t.Context(), db, "SELECT number, repeat('x', 100) FROM numbers(1000000)"); err != nil {
		t.Error(err)
	}
	for _, sql := range []string{"SELECT number FROM numbers(1000000000000)", "SELECT sum(cityHash64(number) % 7) FROM " +
		"numbers(1000000000000) GROUP BY number % 3"} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		began := time.Now()
		if err := drain(ctx, db, sql); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
			t.Errorf("cancelling %s: %v after %v", sql, err, time.Since(began))
		}
		cancel()
		waitForQuiet(t, db)
	}
}

func TestHolderThatEndsEndsWhatItRuns(t *testing.T) {
	dir := t.TempDir()
	holder, _ := startRole(t, "hold", dir, "share")
	remote, err := embedded.Connect(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	db, err := connectTo(remote)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- drain(t.Context(), db, "SELECT sum(cityHash64(number) % 7) FROM numbers(1000000000000) GROUP BY number % 3")
	}()
	time.Sleep(300 * time.Millisecond)
	if err := holder.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the query ended well")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the query goes on")
	}
	if err := holder.Wait(); err != nil {
		t.Errorf("the holder ended with %v", err)
	}
	if remote, err := embedded.Connect(t.Context(), dir); remote != nil || err != nil {
		t.Errorf("connecting again: %v, %v", remote, err)
	}
	_ = db.Close()
}

func TestOneVersionForEveryPlatform(t *testing.T) {
	want := embedded.PackageVersion("linux/amd64")
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"} {
		if got := embedded.PackageVersion(platform); got != want || got == "" || strings.ContainsAny(got, "^~*><=| ") {
			t.Errorf("%s has version %q, linux/amd64 %q; one exact version belongs in package.json", platform, got, want)
		}
	}
	if got := embedded.PackageVersion("windows/amd64"); got != "" {
		t.Errorf("there is no library for Windows, but it has version %q", got)
	}
}

func TestOnlyThisUserCanConnect(t *testing.T) {
	dir := t.TempDir()
	startRole(t, "hold", dir, "share")
	info, err := os.Stat(filepath.Join(dir, "dxctl.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || info.Mode().Type() != os.ModeSocket {
		t.Errorf("the socket has mode %v", info.Mode())
	}
}
