package embedded

import (
	"debug/elf"
	"debug/macho"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// LibraryVariable is the environment variable that names the library file and goes before every other place.
const LibraryVariable = "DXCTL_LIBCHDB"

//go:embed package.json
var packageJSON []byte

// LibraryMissingError says that there is no libchdb where it is looked for.
type LibraryMissingError struct {
	Platform string   // "linux/amd64"
	Looked   []string // the files that were looked for, in order
}

func (e *LibraryMissingError) Error() string {
	if packageName(e.Platform) == "" {
		return fmt.Sprintf("opening the embedded ClickHouse: there is no library for %s; use a ClickHouse server instead "+
			"(store.dsn: clickhouse://user@host:9000/dx)", e.Platform)
	}
	return fmt.Sprintf("opening the embedded ClickHouse: its library is not there; looked for %s. Run \"make engine\" "+
		"in the checkout, or set %s to the file libchdb.so of the npm package %s@%s",
		strings.Join(e.Looked, ", "), LibraryVariable, packageName(e.Platform), PackageVersion(e.Platform))
}

// LibraryUnusableError says that a library was found and cannot be used here: another platform, not a library, damaged.
type LibraryUnusableError struct {
	Path   string
	Reason string
}

func (e *LibraryUnusableError) Error() string {
	return fmt.Sprintf("opening the embedded ClickHouse: %s cannot be used: %s. Run \"make engine\" in the checkout, "+
		"or point %s to the file libchdb.so of the npm package %s@%s",
		e.Path, e.Reason, LibraryVariable, packageName(platform()), PackageVersion(platform()))
}

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// packageName returns the npm package that holds the library for a platform, "" when there is none.
func packageName(platform string) string {
	return map[string]string{
		"linux/amd64":  "@chdb/lib-linux-x64-gnu",
		"linux/arm64":  "@chdb/lib-linux-arm64-gnu",
		"darwin/amd64": "@chdb/lib-darwin-x64",
		"darwin/arm64": "@chdb/lib-darwin-arm64",
	}[platform]
}

// PackageVersion returns the version of the npm package that package.json pins for a platform such as "linux/amd64".
func PackageVersion(platform string) string {
	var p struct {
		OptionalDependencies map[string]string `json:"optionalDependencies"`
	}
	if err := json.Unmarshal(packageJSON, &p); err != nil {
		return ""
	}
	return p.OptionalDependencies[packageName(platform)]
}

// FindLibrary returns the libchdb file to use: the one that LibraryVariable names; next to the executable; in the
// user's cache directory (dxctl/libchdb/<version>); in the checkout that holds the working directory or the executable
// (store/embedded/node_modules). The error is a [LibraryMissingError] or, when LibraryVariable names something that
// does not exist, says so.
func FindLibrary() (string, error) {
	if named := os.Getenv(LibraryVariable); named != "" {
		if isFile(named) {
			return named, nil
		}
		return "", &LibraryUnusableError{Path: named, Reason: "there is no such file, and " + LibraryVariable + " names it"}
	}
	var looked []string
	for _, dir := range libraryDirs() {
		for _, name := range []string{"libchdb.so", "libchdb.dylib"} {
			if path := filepath.Join(dir, name); isFile(path) {
				return path, nil
			}
		}
		looked = append(looked, filepath.Join(dir, "libchdb.so"))
	}
	return "", &LibraryMissingError{Platform: platform(), Looked: looked}
}

// libraryDirs lists the directories that may hold the library, first to last.
func libraryDirs() []string {
	var dirs []string
	inPackage := filepath.Join("store", "embedded", "node_modules", filepath.FromSlash(packageName(platform())))
	var starts []string
	if executable, err := os.Executable(); err == nil {
		if target, err := filepath.EvalSymlinks(executable); err == nil {
			executable = target
		}
		dirs = append(dirs, filepath.Dir(executable))
		starts = append(starts, filepath.Dir(executable))
	}
	if cache, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(cache, "dxctl", "libchdb", PackageVersion(platform())))
	}
	if working, err := os.Getwd(); err == nil {
		starts = append([]string{working}, starts...)
	}
	for _, start := range starts {
		if root := checkout(start); root != "" {
			dirs = append(dirs, filepath.Join(root, inPackage))
		}
	}
	return dirs
}

// checkout walks up from dir to a directory that holds store/embedded, "" when there is none.
func checkout(dir string) string {
	for {
		if isFile(filepath.Join(dir, "store", "embedded", "package.json")) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path) //nolint:gosec // the user may name any file
	return err == nil && info.Mode().IsRegular()
}

// openLibrary loads the library at path, after a look at its header: the dynamic loader's own words for a file of
// another platform help nobody.
func openLibrary(path string) (*library, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening the embedded ClickHouse: %w", err)
	}
	if reason := checkHeader(path); reason != "" {
		return nil, &LibraryUnusableError{Path: path, Reason: reason}
	}
	lib, err := load(path)
	if err != nil {
		reason := err.Error()
		if musl, _ := filepath.Glob("/lib/ld-musl-*"); len(musl) > 0 {
			reason = "this system uses musl and the library needs glibc (use an image based on Debian, " +
				"or a ClickHouse server): " + reason
		}
		return nil, &LibraryUnusableError{Path: path, Reason: reason}
	}
	return lib, nil
}

// checkHeader returns why the file cannot be a library for this platform, "" when it can.
func checkHeader(path string) string {
	if f, err := elf.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		switch want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]; {
		case runtime.GOOS != "linux":
			return "it is for Linux and this is " + platform()
		case f.Machine != want:
			return fmt.Sprintf(
				"it is for %s and this is %s",
				strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_")),
				platform(),
			)
		case f.Type != elf.ET_DYN:
			return "it is not a shared library"
		}
		return ""
	}
	if f, err := macho.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		switch want := map[string]macho.Cpu{"amd64": macho.CpuAmd64, "arm64": macho.CpuArm64}[runtime.GOARCH]; {
		case runtime.GOOS != "darwin":
			return "it is for macOS and this is " + platform()
		case f.Cpu != want:
			return fmt.Sprintf("it is for %s and this is %s", f.Cpu, platform())
		}
		return ""
	}
	if _, err := os.ReadFile(path); errors.Is(err, os.ErrPermission) {
		return "it cannot be read (permissions)"
	}
	return "it is not a library, or only part of one (an interrupted download?)"
}
