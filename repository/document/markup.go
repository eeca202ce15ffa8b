package document

import (
	"regexp"
	"strings"
)

// Heading is a heading of a document.
type Heading struct {
	Level int // from 1
	Text  string
	Line  int
}

// Command is a command in a code block that a reader can copy.
type Command struct {
	Text string // without the prompt
	Line int
}

// Text is a document in Markdown, reStructuredText or AsciiDoc, as far as rules need it.
type Text struct {
	Path     string
	Headings []Heading
	Commands []Command
	Words    int // outside code blocks
	Plain    string
}

var (
	atx       = regexp.MustCompile(`^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$`)
	asciidoc  = regexp.MustCompile(`^(={1,6})[ \t]+(\S.*)$`)
	underline = regexp.MustCompile("^(=+|-+|~+|\\^+|\\*+|\\++|`+|#+|\"+)[ \\t]*$")
	htmlHead  = regexp.MustCompile(`(?i)^\s*<h([1-6])[^>]*>(.*)`)
	tag       = regexp.MustCompile(`<[^>]*>|!?\[([^\]]*)\]\([^)]*\)`)
	fence     = regexp.MustCompile("^[ \\t>]*(`{3,}|~{3,})[ \\t]*\\{?\\.?([\\w+-]*)")
	rstCode   = regexp.MustCompile(`^\s*\.\. (code-block|code|sourcecode|prompt)::[ \t]*(\w*)|::[ \t]*$`)
	adocCode  = regexp.MustCompile(`^\[source[%,]*\s*([\w-]*)`)
	prompt    = regexp.MustCompile(`^\s*(\$|%|>|❯|PS [^>]*>|\w+@[\w-]+[:~\w/]*[$#])\s+`)
)

// shells are the languages of code blocks that hold commands. A block without a language counts, too, where a line
// begins like a command.
var shells = map[string]bool{
	"sh": true, "bash": true, "shell": true, "zsh": true, "console": true, "shell-session": true, "shellsession": true,
	"terminal": true, "fish": true, "powershell": true, "ps1": true, "pwsh": true, "cmd": true, "bat": true, "batch": true,
	"sh-session": true, "command": true, "commandline": true, "bash-session": true, "text": false,
}

var looksLikeCommand = regexp.MustCompile(`^(sudo |\./|[A-Z_]+=\S+ )?(\./\S+|git|go|make|npm|npx|pnpm|yarn|bun|deno|docker|docker-compose|podman|` +
	`kubectl|helm|pip3?|pipx|python3?|uv|poetry|tox|pytest|cargo|rustup|mvn|\./mvnw|gradle|\./gradlew|dotnet|bundle|gem|rake|rails|composer|php|` +
	`mix|sbt|swift|flutter|dart|brew|apt|apt-get|dnf|yum|apk|curl|wget|cd|cp|mkdir|export|just|task|mage|bazel|terraform|nix|vagrant|tilt|skaffold|` +
	`cmake|ninja|meson|\./configure|node|ruby|java|ansible-playbook|minikube|kind|k3d|devbox|mise|asdf)(\s|$)`)

// ParseText reads the headings and the commands of a document.
func ParseText(file, text string) *Text {
	d := &Text{Path: file, Plain: text}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \t")
		if next, ok := d.block(lines, i); ok {
			i = next
			continue
		}
		d.Words += len(strings.Fields(line))
		switch m := atx.FindStringSubmatch(line); {
		case m != nil && !strings.HasSuffix(file, ".rst"):
			d.heading(len(m[1]), m[2], i+1)
			continue
		case i > 0 && underline.MatchString(line) && titled(lines, i):
			level := strings.IndexByte("=-~^", line[0]) + 1
			if level == 0 {
				level = 3
			}
			d.heading(level, lines[i-1], i)
			continue
		}
		if m := asciidoc.FindStringSubmatch(line); m != nil {
			d.heading(len(m[1]), m[2], i+1)
		} else if m := htmlHead.FindStringSubmatch(line); m != nil {
			d.heading(int(m[1][0]-'0'), m[2], i+1)
		}
	}
	return d
}

// titled reports whether the line above an underline is a title: not empty, no list, no table, and about as long.
func titled(lines []string, i int) bool {
	title, rule := strings.TrimSpace(lines[i-1]), strings.TrimSpace(lines[i])
	if title == "" || strings.HasPrefix(title, "|") || underline.MatchString(title) {
		return false
	}
	if i > 1 && strings.TrimSpace(lines[i-2]) != "" && !underline.MatchString(lines[i-2]) {
		return false // the last line of a paragraph
	}
	return len(rule) >= 3 && (rule[0] == '=' || rule[0] == '-' || len(rule) >= len(title))
}

func (d *Text) heading(level int, text string, line int) {
	text = strings.TrimSpace(tag.ReplaceAllString(text, "$1"))
	text = strings.Trim(text, "*_` ")
	if text != "" {
		d.Headings = append(d.Headings, Heading{level, text, line})
	}
}

// block reads a code block that begins at line i, and returns its last line.
func (d *Text) block(lines []string, i int) (last int, ok bool) {
	rst := strings.HasSuffix(d.Path, ".rst")
	if m := fence.FindStringSubmatch(lines[i]); m != nil && !rst {
		end := i + 1
		for end < len(lines) && !strings.HasPrefix(strings.TrimLeft(lines[end], " \t>"), m[1]) {
			end++
		}
		d.commands(lines, i+1, end, strings.ToLower(m[2]))
		return end, true
	}
	if m := adocCode.FindStringSubmatch(lines[i]); m != nil && i+1 < len(lines) && strings.HasPrefix(lines[i+1], "----") {
		end := i + 2
		for end < len(lines) && !strings.HasPrefix(lines[end], "----") {
			end++
		}
		d.commands(lines, i+2, end, strings.ToLower(m[1]))
		return end, true
	}
	if m := rstCode.FindStringSubmatch(lines[i]); m != nil && rst {
		end := i + 1
		for end < len(lines) && (strings.TrimSpace(lines[end]) == "" || lines[end][0] == ' ' || lines[end][0] == '\t') {
			end++
		}
		d.commands(lines, i+1, end, strings.ToLower(m[2]))
		return end - 1, true
	}
	return 0, false
}

// commands adds the commands of the lines of a block. In a block with prompts, the other lines are output.
func (d *Text) commands(lines []string, from, to int, language string) {
	shell, listed := shells[language]
	if listed && !shell || !listed && language != "" {
		return
	}
	prompts := false
	for _, line := range lines[from:to] {
		prompts = prompts || prompt.MatchString(line)
	}
	continued := false
	for i := from; i < to; i++ {
		line := strings.TrimSpace(strings.TrimLeft(lines[i], "> \t"))
		wasContinued := continued
		continued = strings.HasSuffix(line, `\`)
		if wasContinued || line == "" || line[0] == '#' || prompts && !prompt.MatchString(lines[i]) {
			continue
		}
		line = prompt.ReplaceAllString(line, "")
		if shell || prompts || looksLikeCommand.MatchString(line) {
			d.Commands = append(d.Commands, Command{line, i + 1})
		}
	}
}

// Section returns the first heading that matches a pattern.
func (d *Text) Section(pattern *regexp.Regexp) (Heading, bool) {
	for _, h := range d.Headings {
		if pattern.MatchString(h.Text) {
			return h, true
		}
	}
	return Heading{}, false
}
