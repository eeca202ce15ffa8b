// Package migrations contains the schema of dxctl as numbered SQL files and applies them, once and in order. The files
// are the only DDL of dxctl. schema.sql shows their combined result; a test keeps it up to date.
//
// A file that has been applied anywhere is not edited again: a change is a new file.
package migrations

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"
)

//go:generate go test . -run TestSchema -update

//go:embed 0*.sql surveys/0*.sql
var files embed.FS

// Migration is one numbered file.
type Migration struct {
	Version  int    // 1 for 0001_events.sql
	Name     string // the file's name: "0001_events.sql"
	SQL      string
	Checksum string // SHA-256 of SQL, in hexadecimal
}

// All returns the migrations of this program, ordered by version: 1, 2, 3 … without a gap.
func All() []Migration { return in(".") }

// Surveys returns the migrations of the database that keeps the answers of surveys, in the same way. It has no
// schema.sql: pass them to [Apply] as Options.Migrations.
func Surveys() []Migration { return in("surveys") }

// in returns the migrations of a directory.
func in(dir string) []Migration {
	entries, err := files.ReadDir(dir)
	if err != nil {
		panic("reading the embedded migrations: " + err.Error()) // cannot happen: the compiler put them there
	}
	all := make([]Migration, 0, len(entries))
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		text, err := files.ReadFile(path.Join(dir, entry.Name()))
		if err != nil {
			panic("reading the embedded migrations: " + err.Error())
		}
		m, err := parseFile(entry.Name(), string(text))
		if err != nil || m.Version != len(all)+1 {
			panic(fmt.Sprintf("migrations/%s/%s: the files are named 0001_what.sql, 0002_what.sql … without a gap",
				dir, entry.Name()))
		}
		all = append(all, m)
	}
	return all
}

// Latest returns the version of the last migration.
func Latest() int {
	all := All()
	return all[len(all)-1].Version
}

// parseFile parses a migration file. It normalizes line ends first, because git may have changed them.
func parseFile(name, text string) (Migration, error) {
	number, _, ok := strings.Cut(name, "_")
	version, err := strconv.Atoi(number)
	if !ok || err != nil || len(number) != 4 {
		return Migration{}, fmt.Errorf("%s does not begin with four digits and an underscore", name)
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	sum := sha256.Sum256([]byte(text))
	return Migration{Version: version, Name: name, SQL: text, Checksum: hex.EncodeToString(sum[:])}, nil
}

// Statements splits SQL at the semicolons that end statements: not those in strings, quoted names, comments or
// heredocs. Statements come without surrounding space and without their semicolon; those that hold only comments are
// left out.
func Statements(sql string) []string {
	var out []string
	start, bare := 0, true // bare: nothing but space and comments since start
	flush := func(end int) {
		if text := strings.TrimSpace(sql[start:end]); text != "" && !bare {
			out = append(out, text)
		}
		bare = true
	}
	for i := 0; i < len(sql); {
		n := skip(sql[i:])
		switch {
		case n > 0:
			if !isComment(sql[i:]) {
				bare = false
			}
			i += n
		case sql[i] == ';':
			flush(i)
			i++
			start = i
		default:
			if !strings.ContainsRune(" \t\r\n", rune(sql[i])) {
				bare = false
			}
			i++
		}
	}
	flush(len(sql))
	return out
}

// isComment reports whether a comment begins here.
func isComment(s string) bool {
	return strings.HasPrefix(s, "--") || strings.HasPrefix(s, "/*") || strings.HasPrefix(s, "#!") ||
		strings.HasPrefix(s, "# ")
}

// skip returns the length of the string, quoted name, comment or heredoc that begins here, 0 when none does.
func skip(s string) int {
	switch {
	case s[0] == '\'' || s[0] == '"' || s[0] == '`':
		return quoted(s)
	case strings.HasPrefix(s, "/*"):
		return until(s, "*/", 2)
	case isComment(s):
		return until(s, "\n", 0)
	case s[0] == '$':
		if end := strings.IndexByte(s[1:], '$'); end >= 0 && isWord(s[1:1+end]) {
			tag := s[:end+2]
			return until(s, tag, len(tag))
		}
	}
	return 0
}

// quoted returns the length of a quoted text with its quotes. A backslash or a doubled quote keeps the next quote in
// it.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			if i+1 < len(s) && s[i+1] == s[0] {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(s)
}

// until returns the length up to and with the end mark, looked for after the first from bytes.
func until(s, mark string, from int) int {
	if at := strings.Index(s[from:], mark); at >= 0 {
		return from + at + len(mark)
	}
	return len(s)
}

func isWord(s string) bool {
	for _, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			return false
		}
	}
	return true
}
