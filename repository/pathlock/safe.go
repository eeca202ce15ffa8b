package pathlock

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxPath is how long the path of a file may be, in bytes.
	MaxPath = 1_000
	// maxDepth is how many directories a file may be below the root.
	maxDepth = 40
	// maxComponent is the limit of common file systems, in bytes.
	maxComponent = 255
)

// reserved are the names that Windows gives to devices, with any extension.
var reserved = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true,
	"com9": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true,
	"lpt9": true,
}

// CheckPath reports why a slash-separated path cannot be that of a file that dxctl writes into a repository: it leaves
// the tree, is in .git, or is not a file name everywhere. The error completes the sentence "path … ".
func CheckPath(name string) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case len(name) > MaxPath:
		return fmt.Errorf("has %d bytes; at most %d are supported", len(name), MaxPath)
	case !utf8.ValidString(name):
		return errors.New("is not UTF-8 text")
	case strings.ContainsRune(name, '\\'):
		return errors.New("has a backslash; separate directories with /")
	case strings.HasPrefix(name, "/"):
		return errors.New("is absolute; write it relative to the repository")
	case path.Clean(name) != name || name == "." || name == ".." || strings.HasPrefix(name, "../"):
		return errors.New("has an empty, . or .. component; write it relative to the repository, without them")
	}
	components := strings.Split(name, "/")
	if len(components) > maxDepth {
		return fmt.Errorf("is %d directories deep; at most %d are supported", len(components), maxDepth)
	}
	for _, c := range components {
		if err := checkComponent(c); err != nil {
			return err
		}
	}
	return nil
}

func checkComponent(name string) error {
	if len(name) > maxComponent {
		return fmt.Errorf("has a component of %d bytes; file systems take at most %d", len(name), maxComponent)
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return fmt.Errorf("has the control or invisible character %U", r)
		}
		if strings.ContainsRune(`<>:"|?*`, r) {
			return fmt.Errorf("has the character %q, which is not allowed in file names on Windows", r)
		}
	}
	if isGit(name) {
		return errors.New("is in .git, which dxctl never writes to")
	}
	if strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || strings.HasPrefix(name, " ") {
		return fmt.Errorf("has the component %q, which begins or ends with a space or ends with a dot", name)
	}
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	if reserved[strings.TrimRight(base, " ")] {
		return fmt.Errorf("has the component %q, which is a device on Windows", name)
	}
	return nil
}

// isGit reports whether a file system could take a name for .git: in any case, with trailing dots or spaces, or as the
// short name that Windows gives it.
func isGit(name string) bool {
	name = strings.ToLower(strings.TrimRight(name, ". "))
	return name == ".git" || strings.HasPrefix(name, "git~")
}

// CheckSpelling reports that a directory of a path differs from one of another path only in case: some file systems
// take both for one. spelled has the directories that were seen, and gets those of the path. The error completes the
// sentence "path …, ".
func CheckSpelling(name string, spelled map[string]string) error {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		other, seen := spelled[Folded(dir)]
		if seen && other != dir {
			return fmt.Errorf("whose directory %q differs from %q only in case", dir, other)
		}
		spelled[Folded(dir)] = dir
	}
	return nil
}

// Folded returns a name as file systems compare it that ignore case: two files of a tree must differ in it.
func Folded(name string) string { return strings.ToLower(strings.ToUpper(name)) }
