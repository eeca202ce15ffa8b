package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/cmd/dxctl/exit"
)

// sources is the root of the sources, before a test changes the working directory.
var sources, _ = filepath.Abs(filepath.Join("..", ".."))

var digest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// checkSample compares what a command printed with the sample of a document: the lines after "$ command". A line "…" of
// the sample stands for any lines. Digests and the address of the API may differ.
func checkSample(t *testing.T, document, command, printed, api string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(sources, filepath.FromSlash(document)))
	if err != nil {
		t.Fatal(err)
	}
	_, sample, found := strings.Cut(string(text), "```\n$ "+command+"\n")
	sample, _, ended := strings.Cut(sample, "```\n")
	if !found || !ended {
		t.Fatalf("%s has no sample of %s", document, command)
	}
	plain := func(text string) []string {
		text = strings.ReplaceAll(digest.ReplaceAllString(text, "sha256:"), api, "https://api.github.com")
		lines := strings.Split(strings.TrimSpace(text), "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		return lines
	}
	got := plain(printed)
	skip := false
	for _, want := range plain(sample) {
		if want == "…" {
			skip = true
			continue
		}
		for skip && len(got) > 0 && got[0] != want {
			got = got[1:]
		}
		if skip = false; len(got) == 0 || got[0] != want {
			t.Fatalf("%s shows of %s the line\n%s\nand the command prints\n%s", document, command, want, printed)
		}
		got = got[1:]
	}
	if len(got) > 0 {
		t.Errorf("%s does not show of %s\n%s", document, command, strings.Join(got, "\n"))
	}
}

// TestSampleOfBatch: the plan of a batch is printed as its document shows it.
func TestSampleOfBatch(t *testing.T) {
	s, config := organization(t, "pay", "search", "mail", "cart", "ledger")
	s.Repos["acme/ledger"].Archived = true
	process(t, s, exit.OK, "--config", config, "grade")
	const command = "fix --all --rule workflow-timeouts --rule readme-complete --issues"
	out, _ := process(t, s, exit.OK, append([]string{"--config", config}, strings.Fields(command)...)...)
	checkSample(t, "docs/fix-at-scale.md", "dxctl "+command, out, s.URL)
}
