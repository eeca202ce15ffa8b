// Command benchtable reads the output of `go test -bench`, prints it as it comes, and ends with a table of what
// collecting costs in requests and how fast it is. `make bench` runs it.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchtable:", err)
		os.Exit(1)
	}
}

// run copies in to out, and then writes the table.
func run(in io.Reader, out io.Writer) error {
	var results []result
	pkg := ""
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if _, err := fmt.Fprintln(out, line); err != nil {
			return fmt.Errorf("copying the output of go test: %w", err)
		}
		if p, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = p
		}
		if r, ok := parse(line); ok {
			r.source = path.Base(pkg)
			results = append(results, r)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the output of go test: %w", err)
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	requests(w, results)
	speed(w, results)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

// result is a line of a benchmark.
type result struct {
	source string // the package's last name, which is the source's kind
	name   string // BenchmarkCollectRuns/20000
	values []value
}

type value struct {
	n    float64
	unit string
}

var processors = regexp.MustCompile(`-\d+$`)

// parse reads a line such as "BenchmarkAppend-2   5   1.6 times-engine   300 B/op".
func parse(line string) (result, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || len(fields)%2 != 0 || !strings.HasPrefix(fields[0], "Benchmark") {
		return result{}, false
	}
	r := result{name: processors.ReplaceAllString(fields[0], "")}
	for pair := range slices.Chunk(fields[2:], 2) {
		n, err := strconv.ParseFloat(pair[0], 64)
		if err != nil {
			return result{}, false
		}
		r.values = append(r.values, value{n, pair[1]})
	}
	return r, true
}

// of returns the value with a unit; false: the benchmark reported none.
func (r result) of(unit string) (float64, bool) {
	i := slices.IndexFunc(r.values, func(v value) bool { return v.unit == unit })
	if i < 0 {
		return 0, false
	}
	return r.values[i].n, true
}

const unchanged = "requests/scope-unchanged"

var counted = regexp.MustCompile(`^requests/(\d*)(.+)$`)

// requests writes what every source's BenchmarkRequests counted.
func requests(w io.Writer, results []result) {
	results = slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.name != "BenchmarkRequests" })
	if len(results) == 0 {
		return
	}
	slices.SortFunc(results, func(a, b result) int { return strings.Compare(a.source, b.source) })
	line(w, "\nRequests of a first sync\t\tfor a scope where nothing is new")
	for _, r := range results {
		source, still := r.source, ""
		if n, ok := r.of(unchanged); ok {
			still = number(n)
		}
		for _, v := range r.values {
			m := counted.FindStringSubmatch(v.unit)
			if m == nil || v.unit == unchanged {
				continue
			}
			per := strings.TrimSpace(m[1] + " " + strings.ReplaceAll(m[2], "-", " "))
			line(w, fmt.Sprintf("  %s\t%s per %s\t%s", source, number(v.n), per, still))
			source, still = "", ""
		}
	}
}

// speed writes the two ratios: appending against the engine alone, and collecting from the socket to the store.
func speed(w io.Writer, results []result) {
	title := "\nSpeed\t\tgoal"
	say := func(what, found, goal string) {
		if title != "" {
			line(w, title)
		}
		title = ""
		line(w, "  "+what+"\t"+found+"\t"+goal)
	}
	for _, r := range results {
		name, part, _ := strings.Cut(r.name, "/")
		if n, ok := r.of("times-engine"); ok && name == "BenchmarkAppend" {
			say("appending events", number(n)+" times as long as the engine alone with the same rows", "at most 2")
		}
		if name != "BenchmarkCollectRuns" {
			continue
		}
		if n, ok := r.of("runs/s"); ok {
			say(strings.Join(strings.Fields("collecting "+part+" runs"), " "), fmt.Sprintf("%.0f runs a second, from the "+
				"socket to the store", n), "at least 8000")
		}
		if n, ok := r.of("peak-MB"); ok {
			say("", number(n)+" MB of memory at most, without the engine's", "at most 200")
		}
	}
}

func line(w io.Writer, text string) { _, _ = fmt.Fprintln(w, text) } // a tabwriter keeps its error until Flush

func number(n float64) string { return strconv.FormatFloat(n, 'g', 3, 64) }
