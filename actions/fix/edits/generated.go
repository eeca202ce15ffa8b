package edits

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// marks matches comments of files that a program writes, or copies from elsewhere: a change of such a file would be
// lost, or fail the check that it is up to date.
var marks = regexp.MustCompile(`@generated\b|\bDO NOT (?:EDIT|MODIFY|CHANGE)\b|` +
	`(?i:\b(?:do not|don't|never) (?:manually |directly )?(?:edit|modify|change) (?:this|the) (?:file|workflow)\b|` +
	`\b(?:do not|don't|never) (?:edit|modify|change) (?:it |this )?(?:directly|manually|by hand)\b|` +
	`\bauto(?:matically)?[- ]?generated\b|\bgenerated automatically\b|` +
	`\b(?:file|workflow|action|manifest|configuration|dockerfile|template) (?:is|was|has been|gets) (?:being )?` +
	`(?:auto[- ]?|automatically )?(?:generated|synced|synchroni[sz]ed|copied|rendered|managed) ` +
	`(?:by|from|with|using|via)\b|` +
	`^[#\s/*-]*(?:code |file )?(?:generated|rendered) (?:by|from|with|using|via)\b|` +
	`\bedit the (?:template|source) (?:instead|file)\b)`)

// former finds comments about a program that no longer writes the file.
var former = regexp.MustCompile(`(?i)\b(?:originally|initially|once|used to be|previously|formerly|no longer|not)\b` +
	`[^.]*\bgenerated\b`)

// maxHeader is how many lines at the beginning of a file are searched for a mark.
const maxHeader = 60

// generated returns why a file that exists must not be edited: it says at its beginning that a program writes it, or
// .gitattributes says so. "" if nothing says so.
func (e *editor) generated(name string) string {
	content, exists := e.Read(name)
	if !exists {
		return ""
	}
	if line, text := mark(lines(content)); line > 0 {
		return fmt.Sprintf("its line %d says %q", line, OneLine(text, maxQuoted))
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		attributes := path.Join(dir, ".gitattributes")
		if content, ok := e.Read(attributes); ok {
			if generated, said := attribute(lines(content), dir, name); said && generated {
				return attributes + " says that it is generated"
			} else if said {
				return ""
			}
		}
		if dir == "." {
			return ""
		}
	}
}

// mark returns the first comment before the content of a file by which a program writes it, and its line; 0: none.
func mark(text string) (int, string) {
	n := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if n++; n > maxHeader {
			break
		}
		comment := strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") || strings.HasPrefix(line, "<!--")
		switch {
		case line == "", line == "---", strings.HasPrefix(line, "%YAML"):
		case !comment:
			return 0, ""
		case marks.MatchString(line) && !former.MatchString(line):
			return n, line
		}
	}
	return 0, ""
}

// attribute reports whether a .gitattributes in a directory marks a file as generated; the last pattern that matches
// decides. said is whether one does.
func attribute(text, dir, name string) (generated, said bool) {
	rest := name
	if dir != "." {
		rest = strings.TrimPrefix(name, dir+"/")
	}
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "linguist-generated") || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		pattern := fields[0]
		if !strings.Contains(strings.TrimSuffix(pattern, "/"), "/") {
			pattern = "**/" + pattern
		}
		if ok, err := doublestar.Match(strings.TrimPrefix(pattern, "/"), rest); !ok || err != nil {
			continue
		}
		for _, field := range fields[1:] {
			switch field {
			case "linguist-generated", "linguist-generated=true":
				generated, said = true, true
			case "-linguist-generated", "!linguist-generated", "linguist-generated=false":
				generated, said = false, true
			}
		}
	}
	return generated, said
}
