// Package content looks into every file of a repository for what should not be committed: programs and archives, and
// secrets in well-known forms.
package content

import (
	"bytes"
	"context"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
)

// scanned is how much of each file is looked at.
const scanned = 1 << 20

// maxFindings bounds the findings of each kind.
const maxFindings = 1_000

// Kind is a kind of binary content.
type Kind string

// The kinds of binaries. Images, fonts, documents and test data are media: they are not built from the repository.
const (
	Executable Kind = "executable" // a program or a library of a machine
	Bytecode   Kind = "bytecode"   // of Java, Python, WebAssembly
	Archive    Kind = "archive"
	Media      Kind = "media"
	Wrapper    Kind = "wrapper" // gradle-wrapper.jar and maven-wrapper.jar, which are meant to be committed
)

// Binary is a file whose content is not text.
type Binary struct {
	Path string
	Kind Kind
}

// Secret is a text that has the form of a secret. The text itself is not kept.
type Secret struct {
	Form string // "AWS access key", "private key" …
	At   fact.Location
}

// Set is what was found.
type Set struct {
	Files    int
	Bytes    int64
	Binaries []Binary
	Secrets  []Secret
	// Loggers are the source files that import a structured logger of a standard library.
	Loggers []Logger
	// Complete is whether every file was looked at; otherwise "there is none" is unknown.
	Complete fact.Value[bool]
}

// Logger is a structured logger that no manifest names, because it belongs to the standard library.
type Logger struct {
	Name string // "log/slog"
	At   fact.Location
}

// NotScanned is the set of a repository whose files are not all at hand.
func NotScanned(t *tree.Tree, reason string) Set {
	return Set{Files: len(t.Files), Complete: fact.Unknown[bool](fact.Location{}, "%s", reason)}
}

// Read looks at the first megabyte of every file, except vendored ones. The error is that of ctx.
func Read(ctx context.Context, t *tree.Tree) (Set, error) {
	s := Set{Files: len(t.Files)}
	s.Complete = tree.Absent(t, true)
	for _, f := range t.Files {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		s.Bytes += max(f.Size, 0)
		if f.Link || f.Size == 0 || tree.Vendored(f.Path) {
			continue
		}
		data, _, err := t.Bytes(f, scanned)
		if err != nil {
			if s.Complete.Known {
				s.Complete = fact.Unknown[bool](fact.Location{Path: f.Path}, "%s: %v", f.Path, err)
			}
			continue
		}
		if kind := kindOf(f, data); kind != "" {
			if len(s.Binaries) < maxFindings {
				s.Binaries = append(s.Binaries, Binary{f.Path, kind})
			}
			continue
		}
		if isTest(f.Path) {
			continue
		}
		if len(s.Secrets) < maxFindings {
			s.Secrets = append(s.Secrets, find(f.Path, data)...)
		}
		if len(s.Loggers) < maxFindings && path.Ext(f.Path) == ".go" && !tree.Vendored(f.Path) {
			if i := bytes.Index(data, slog); i >= 0 {
				at := fact.Location{Path: f.Path, Line: 1 + bytes.Count(data[:i], []byte("\n"))}
				s.Loggers = append(s.Loggers, Logger{"log/slog", at})
			}
		}
	}
	return s, nil
}

// slog is how Go imports its structured logger.
var slog = []byte("\"log/slog\"\n")

var magics = []struct {
	prefix string
	kind   Kind
}{
	{"\x7fELF", Executable}, {"MZ", Executable}, {"\xfe\xed\xfa\xce", Executable}, {"\xfe\xed\xfa\xcf", Executable},
	{"\xce\xfa\xed\xfe", Executable}, {"\xcf\xfa\xed\xfe", Executable}, {"!<arch>\n", Executable},
	{"\xca\xfe\xba\xbe", Bytecode}, {"\x00asm", Bytecode},
	{"PK\x03\x04", Archive}, {"\x1f\x8b", Archive}, {"BZh", Archive}, {"\xfd7zXZ\x00", Archive}, {"7z\xbc\xaf", Archive},
	{"\x28\xb5\x2f\xfd", Archive}, {"Rar!", Archive},
}

// kindOf returns the kind of a file that is no text, by its content; "" for text.
func kindOf(f tree.File, data []byte) Kind {
	head := data[:min(len(data), 8000)]
	packed := bytes.HasPrefix(data, []byte("\x1f\x8b")) || bytes.HasPrefix(data, []byte("PK\x03\x04"))
	if bytes.IndexByte(head, 0) < 0 && !packed {
		return ""
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return "" // UTF-16 text
	}
	switch base := f.Base(); {
	case base == "gradle-wrapper.jar", base == "maven-wrapper.jar":
		return Wrapper
	case strings.HasSuffix(base, ".pyc"):
		return Bytecode
	case isTest(f.Path), documents[strings.ToLower(path.Ext(base))]:
		return Media
	}
	for _, m := range magics {
		if bytes.HasPrefix(data, []byte(m.prefix)) {
			if m.kind == Archive && (strings.HasSuffix(f.Path, ".jar") || strings.HasSuffix(f.Path, ".war")) {
				return Bytecode
			}
			return m.kind
		}
	}
	return Media
}

// documents are formats of people's files that are archives or have a header like one.
var documents = map[string]bool{
	".docx": true, ".xlsx": true, ".pptx": true, ".odt": true, ".ods": true, ".odp": true, ".epub": true, ".svgz": true,
	".sketch": true, ".mwb": true, ".pbix": true, ".vsdx": true, ".drawio": true, ".ico": true, ".woff": true,
	".woff2": true, ".gz.sig": true,
}

// isTest reports whether a file is test data or a test, in which made-up secrets and odd files are usual.
func isTest(name string) bool {
	base := path.Base(name)
	lower := strings.ToLower(base)
	for _, mark := range []string{"_test.", ".test.", ".spec.", "mock", "fixture"} {
		if strings.Contains(lower, mark) {
			return true
		}
	}
	return tree.Example(name) || strings.Contains(path.Dir(name), "test") || integration.MatchString(name) ||
		testWord.MatchString(lower) || strings.HasPrefix(base, "test_") ||
		strings.HasSuffix(base, "Test.java") || strings.HasSuffix(base, "Tests.cs") ||
		localKey.MatchString(lower) || strings.HasSuffix(lower, ".md")
}

// localKey finds keys that are made for a server on the machine of a developer.
var localKey = regexp.MustCompile(`^(localhost|snakeoil|ssl-cert-snakeoil)[\w.-]*\.(pem|key|crt)$`)

var testWord = regexp.MustCompile(`(^|[._-])tests?([._-]|$)`)

var integration = regexp.MustCompile(`(^|/)(integration|integrations?-suite|mocks?|stubs?)/`)

// forms are the well-known forms of secrets. Every match contains one of the markers, which are cheaper to find.
var forms = []struct {
	form    string
	markers string // separated by commas
	pattern *regexp.Regexp
}{
	{"AWS access key", "AKIA", regexp.MustCompile(`\bAKIA[0-9A-Z]{16}\b`)},
	{"GitHub token", "ghp_,gho_,ghu_,ghs_,ghr_", regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36}\b`)},
	{"GitHub token", "github_pat_", regexp.MustCompile(`\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b`)},
	{"GitLab token", "glpat-", regexp.MustCompile(`\bglpat-[0-9A-Za-z_-]{20}\b`)},
	{"Slack token", "xox", regexp.MustCompile(`\bxox[baprs]-\d{10,13}-\d{10,13}-[A-Za-z0-9-]{20,}\b`)},
	{
		"Slack webhook", "hooks.slack.com",
		regexp.MustCompile(`hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{24}\b`),
	},
	{"Google API key", "AIza", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}\b`)},
	{"Stripe key", "_live_", regexp.MustCompile(`\b[sr]k_live_[0-9A-Za-z]{24,}\b`)},
	{"npm token", "npm_", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"PyPI token", "pypi-AgE", regexp.MustCompile(`\bpypi-AgE[A-Za-z0-9_-]{50,}\b`)},
	{"SendGrid key", "SG.", regexp.MustCompile(`\bSG\.[\w-]{22}\.[\w-]{43}\b`)},
	{"Vault token", "hvs.", regexp.MustCompile(`\bhvs\.[\w-]{90,}\b`)},
	{"Anthropic key", "sk-ant-", regexp.MustCompile(`\bsk-ant-(api|admin)\d\d-[\w-]{80,}\b`)},
	{"OpenAI key", "sk-proj-", regexp.MustCompile(`\bsk-proj-[\w-]{60,}\b`)},
	{"DigitalOcean token", "dop_v1_", regexp.MustCompile(`\bdop_v1_[a-f0-9]{64}\b`)},
	{"Azure storage key", "AccountKey=", regexp.MustCompile(`AccountKey=[A-Za-z0-9+/]{86}==`)},
	{
		"private key", "PRIVATE KEY-----",
		regexp.MustCompile(`-----BEGIN ((RSA|EC|DSA|OPENSSH|PGP) )?PRIVATE KEY( BLOCK)?-----` +
			`(\s|\\n)+([A-Za-z0-9+/=]{60,}(\s|\\n)+){2}`),
	},
}

func find(name string, data []byte) []Secret {
	var found []Secret
	for _, form := range forms {
		marked := false
		for marker := range strings.SplitSeq(form.markers, ",") {
			marked = marked || bytes.Contains(data, []byte(marker))
		}
		if !marked {
			continue
		}
		for _, i := range form.pattern.FindAllIndex(data, 100) {
			if text := string(data[i[0]:i[1]]); !madeUp(text) {
				line := 1 + bytes.Count(data[:i[0]], []byte("\n"))
				found = append(found, Secret{form.form, fact.Location{Path: name, Line: line}})
			}
		}
	}
	slices.SortFunc(found, func(a, b Secret) int { return a.At.Line - b.At.Line })
	return found
}

var placeholder = regexp.MustCompile(`(?i)example|placeholder|x{6}|0{8}|1234567|abcdefg|your[-_]?|dummy|fake|test`)

// madeUp reports whether a text is a placeholder: it is called one, or it has too little variety for a random text.
func madeUp(text string) bool {
	if len(text) < 200 && placeholder.MatchString(text) {
		return true
	}
	counts := map[rune]int{}
	for _, r := range text {
		counts[r]++
	}
	entropy, n := 0.0, float64(len(text))
	for _, count := range counts {
		p := float64(count) / n
		entropy -= p * math.Log2(p)
	}
	return entropy < 3
}
