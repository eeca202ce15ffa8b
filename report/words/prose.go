package words

import "strings"

// Block is a part of a text: a paragraph, or code.
type Block struct {
	Code bool
	Text string // of a paragraph one line; of code its lines, without the indentation that all of them have
}

// Prose splits a text as people write it in YAML: blank lines separate paragraphs, and indented lines are code.
func Prose(text string) []Block {
	var blocks []Block
	var lines []string // of the block that is being read
	blank, code := false, false
	end := func() {
		if len(lines) > 0 {
			b := Block{Code: code, Text: strings.Join(lines, " ")}
			if code {
				b.Text = strings.TrimRight(dedent(lines), "\n")
			}
			blocks = append(blocks, b)
		}
		lines = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" {
			blank = true
			continue
		}
		indented := strings.HasPrefix(line, "  ") || line[0] == '\t'
		switch {
		case indented != code, blank && !indented:
			end()
		case blank: // within code
			lines = append(lines, "")
		}
		blank, code = false, indented
		if !indented {
			line = strings.TrimSpace(line)
		}
		lines = append(lines, line)
	}
	end()
	return blocks
}

// dedent joins lines without the indentation that all of them have.
func dedent(lines []string) string {
	common := ""
	for i, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if i == 0 {
			common = indent
		}
		for line != "" && !strings.HasPrefix(indent, common) {
			common = common[:len(common)-1]
		}
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimPrefix(line, common)
	}
	return strings.Join(out, "\n")
}
