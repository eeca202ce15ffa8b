package pathlock_test

import (
	"strings"
	"testing"

	"github.com/dxctl/dxctl/repository/pathlock"
)

func TestCheckPath(t *testing.T) {
	for name, want := range map[string]string{
		"README.md": "", "a/b/c.go": "", ".github/workflows/ci.yml": "", ".gitignore": "", "a/.gitattributes": "",
		"größe.txt": "", "a b.txt": "", "src/com10/x": "", "console.log": "", "a/...b": "", ".gitmodules": "",
		"":                                "is empty",
		"/etc/passwd":                     "is absolute",
		"../x":                            "has an empty, . or .. component",
		"a/../../x":                       "has an empty, . or .. component",
		"a/..":                            "has an empty, . or .. component",
		"a//b":                            "has an empty, . or .. component",
		"./a":                             "has an empty, . or .. component",
		"a/":                              "has an empty, . or .. component",
		".":                               "has an empty, . or .. component",
		`a\b`:                             "has a backslash",
		`..\x`:                            "has a backslash",
		"C:/x":                            `has the character ':'`,
		"a:b":                             `has the character ':'`,
		"a/b?":                            `has the character '?'`,
		".git/config":                     "is in .git",
		".GIT/hooks/pre-commit":           "is in .git",
		"a/.Git/x":                        "is in .git",
		".git":                            "is in .git",
		".git./config":                    "is in .git",
		".git /config":                    "is in .git",
		"git~1/config":                    "is in .git",
		".g\u200cit/config":               "has the control or invisible character U+200C",
		"a\x00b":                          "has the control or invisible character U+0000",
		"a\nb":                            "has the control or invisible character U+000A",
		"a\u202eb":                        "has the control or invisible character U+202E",
		"a\xffb":                          "is not UTF-8",
		"nul":                             "is a device on Windows",
		"a/CON.txt":                       "is a device on Windows",
		"com1":                            "is a device on Windows",
		"a./b":                            "ends with a dot",
		"a /b":                            "begins or ends with a space",
		strings.Repeat("a", 256):          "file systems take at most 255",
		strings.Repeat("a/", 41) + "b":    "directories deep",
		strings.Repeat("abcd/", 201) + "": "at most 1000",
	} {
		t.Run(name, func(t *testing.T) {
			err := pathlock.CheckPath(name)
			switch {
			case want == "" && err != nil:
				t.Error(err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}
