package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/cmd/dxctl/send"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/web/planning"
)

// planRetries is how often a server that makes another plan is asked again, each time when it says, or after up to ten
// seconds.
const planRetries = 20

// planAt sends the edited files to a server and prints the plan that it answers. Without a token, only types and cases
// are checked, here.
func (s *cli) planAt(ctx context.Context, args []string, options planOptions) error {
	token := cmp.Or(options.token, os.Getenv("DXCTL_TOKEN"))
	if token == "" {
		return s.checkOnly(args)
	}
	if _, _, err := planDays("--", options.since, options.until, s.now().UTC()); err != nil {
		return err
	}
	names, err := editedFiles(args)
	if err != nil {
		return err
	}
	request := planning.Request{Version: planning.Version, Since: options.since, Until: options.until}
	shown := map[string]string{}
	for _, name := range names {
		data, err := scorecards.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, cause(err))
		}
		sent := sentName(name)
		if other, taken := shown[sent]; taken {
			return fmt.Errorf("%s and %s would both be sent as %s; run this in a directory above both", other, name, sent)
		}
		shown[sent] = name
		request.Files = append(request.Files, planning.File{Name: sent, Text: string(data)})
	}
	if options.base != "" {
		if request.Base, err = baseFiles(ctx, args, options.base); err != nil {
			return fmt.Errorf("reading the scorecards of revision %s: %w", options.base, err)
		}
		if request.Base == nil {
			fmt.Fprintf(s.err, "dxctl: revision %s has no scorecard there: compared with what the server grades by\n",
				options.base)
		}
	}
	made, err := send.Plan(ctx, request, send.Options{Server: options.server, Token: token, Timeout: options.timeout,
		Retries: planRetries, Version: versionString(), Waiting: func(err error) {
			fmt.Fprintf(s.err, "dxctl: %v; trying again for some minutes (Ctrl-C ends it)\n", err)
		}})
	var problems scorecards.Problems
	if errors.As(err, &problems) {
		for i := range problems {
			problems[i].File = cmp.Or(shown[problems[i].File], problems[i].File)
		}
		return planMistakes(problems)
	}
	if err != nil {
		return err
	}
	return s.printPlan(made, options.limit)
}

// checkOnly checks types and runs cases, which needs no server, and reports that this is all.
func (s *cli) checkOnly(args []string) error {
	fmt.Fprintln(s.err, "dxctl: no token ($DXCTL_TOKEN): types are checked and cases are run here; what the edited "+
		"scorecards would change is not planned")
	names, err := editedFiles(args)
	if err != nil {
		return err
	}
	suites, err := suitesOf(names, "")
	if err != nil {
		return err
	}
	declared, err := s.declaredFacts()
	if err != nil {
		return err
	}
	tested := testSuites(suites, declared)
	tested.together(suites, declared)
	t := tested.table()
	t.Prose = "Not planned: types and cases only.\n\n" + t.Prose
	format := s.output
	if format == "markdown" {
		format = "table"
		fmt.Fprintln(s.out, "```")
		defer fmt.Fprintln(s.out, "```")
	}
	return errors.Join(t.Print(s.out, format), tested.err())
}

// sentName returns the name by which a server knows a file: its path below the working directory or, of a file outside
// of it, the last two parts.
func sentName(name string) string {
	clean := filepath.ToSlash(filepath.Clean(name))
	if here, err := filepath.Abs("."); err == nil {
		if abs, err := filepath.Abs(name); err == nil {
			if rel, err := filepath.Rel(here, abs); err == nil {
				clean = filepath.ToSlash(rel)
			}
		}
	}
	if !strings.HasPrefix(clean, "../") && !path.IsAbs(clean) {
		return clean
	}
	return path.Join(path.Base(path.Dir(clean)), path.Base(clean))
}

// baseFiles returns the scorecards that the arguments name as they are in a revision of git; nil if it has none there.
func baseFiles(ctx context.Context, args []string, revision string) (*planning.Base, error) {
	base := &planning.Base{Name: "revision " + revision}
	for _, arg := range args {
		dir, below := arg, "."
		if info, err := os.Stat(arg); err == nil && !info.IsDir() {
			dir, below = filepath.Split(arg)
			dir = cmp.Or(dir, ".")
		}
		commit, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
		if err != nil {
			return nil, fmt.Errorf("%s is in no git repository, or the repository has no such revision; fetch it, or name "+
				"another one with --base", dir)
		}
		commit = strings.TrimSpace(commit)
		listed, err := git(ctx, dir, "ls-tree", "-r", "-z", "--name-only", commit, "--", below)
		if err != nil {
			return nil, err
		}
		for name := range strings.SplitSeq(listed, "\x00") {
			if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" || skipped(name) {
				continue
			}
			text, err := git(ctx, dir, "cat-file", "blob", commit+":./"+name)
			if err != nil {
				return nil, err
			}
			sent := sentName(filepath.Join(dir, name))
			same := func(f planning.File) bool { return f.Name == sent }
			if kindPattern.MatchString(text) && !slices.ContainsFunc(base.Files, same) {
				base.Files = append(base.Files, planning.File{Name: sent, Text: text})
			}
		}
	}
	if len(base.Files) == 0 {
		return nil, nil
	}
	return base, nil
}

// skipped reports whether a path is in a directory that is not searched for scorecards.
func skipped(name string) bool {
	parts := strings.Split(name, "/")
	return slices.ContainsFunc(parts[:len(parts)-1], func(part string) bool {
		return strings.HasPrefix(part, ".") || part == "node_modules" || part == "testdata"
	})
}

// planTimeout is longer than a server takes by default.
const planTimeout = 3 * time.Minute
