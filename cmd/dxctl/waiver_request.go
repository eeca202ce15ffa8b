package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/actions/waive"
	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/checkout"
	"github.com/dxctl/dxctl/spelling"
)

// waiverRequest are the flags of `dxctl waiver request` that are no input.
type waiverRequest struct {
	pr         bool
	repository string
}

func newWaiverRequest(s *cli) *cobra.Command {
	var r waiverRequest
	d := (&waive.Action{}).Descriptor()
	cmd := &cobra.Command{
		Use:   "request SERVICE|DIRECTORY --rule RULE --until DAY --reason REASON --note TEXT",
		Short: "Write a waiver into its file, and print the difference",
		Long: `Write a waiver into its file and print the difference, to be committed and proposed like any other change.

  dxctl waiver request payment-service --rule ci-fast-and-green --until 30d --reason planned --note "PAY-12"
  dxctl waiver request . --rule delivery/release-provenance --until 2027-01-31 --reason blocked --note "no runners yet"

With --pr, the file is not written, and a pull request on GitHub is opened with it: from the present commit of the
default branch, with the credentials of actions.github, else GITHUB_TOKEN.

For a service of the catalog, the file is waivers/SERVICE.yaml next to dx.yaml, where it counts once the change is
merged. For a directory (an argument that is "." or contains a path separator), it is ` + waiver.RepositoryFile + ` at
the root of the repository; there it counts only for scorecards whose waivers.from has "repository", and is shown as
requested otherwise.

--until is the last day, such as 2027-01-31, or how long from today, such as 30d; at most a year. Reasons:
` + reasonsHelp(),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := actionInput(cmd.Flags(), d, args)
			if err == nil {
				in, err = d.Check(in, false)
			}
			if err != nil {
				return locateInputs(err, cmd.Flags(), d)
			}
			return s.requestWaiver(cmd.Context(), in, r)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			names, directive := s.entityNames()
			return names, directive &^ cobra.ShellCompDirectiveNoFileComp
		},
	}
	addActionFlags(cmd, d)
	flags := cmd.Flags()
	flags.BoolVar(&r.pr, "pr", false, d.Option("pr"))
	flags.StringVar(&r.repository, "repository", "", d.Option("repository"))
	for _, f := range d.Input {
		if f.Required && !f.Argument {
			_ = cmd.MarkFlagRequired(f.Flag()) // the flag exists
		}
	}
	return cmd
}

func reasonsHelp() string {
	var b strings.Builder
	for _, r := range waiver.Reasons {
		fmt.Fprintf(&b, "  %-17s %s\n", r.Word, r.Meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}

// requestWaiver writes a waiver for the service or directory of an input.
func (s *cli) requestWaiver(ctx context.Context, in actions.Input, r waiverRequest) error {
	word := in.Text(waive.ServiceField)
	find := func() (waive.Target, error) { return s.waiverOfService(word) }
	if isDirectory(word) {
		find = func() (waive.Target, error) { return s.waiverOfDirectory(ctx, word) }
	}
	target, err := find()
	if err != nil {
		return err
	}
	if in.Text(waive.ByField) == "" {
		if in[waive.ByField], err = gitEmail(ctx, target.Root); err != nil {
			return err
		}
	}
	w, notes, err := waive.Waiver(target, in, s.now())
	if err != nil {
		return err
	}
	root, name := target.Root, target.File
	if file := in.Text(waive.FileField); file != "" {
		root, name = ".", file
		if !filepath.IsLocal(file) {
			root, name = filepath.Dir(file), filepath.Base(file)
		}
	}
	var diff string
	done := "written into " + filepath.Join(root, name) + "; commit it and propose the change to those who approve waivers"
	if r.pr {
		diff, err = s.proposeWaiver(ctx, root, name, w, r.repository)
		done = "the file on the disk is not changed"
	} else {
		diff, err = writeWaiver(root, name, prefixInRepository(ctx, root), w)
	}
	if err != nil {
		return fmt.Errorf("adding the waiver to %s: %w", filepath.Join(root, name), err)
	}
	if s.output != "table" {
		file := filepath.Join(root, name)
		return output.Table{
			Columns: []string{"file", "diff", "notes"}, Rows: [][]string{{file, diff, strings.Join(notes, " ")}},
			Document: map[string]any{"file": file, "diff": diff, "notes": notes},
		}.Print(s.out, s.output)
	}
	fmt.Fprint(s.out, diff)
	for _, note := range notes {
		fmt.Fprintln(s.err, "dxctl: "+note)
	}
	fmt.Fprintln(s.err, "dxctl: "+done)
	return nil
}

// waiverOfDirectory returns where a waiver for a directory of a repository goes.
func (s *cli) waiverOfDirectory(ctx context.Context, dir string) (t waive.Target, err error) {
	c, err := checkout.Read(ctx, dir, s.now())
	if err != nil {
		return t, err
	}
	t = waive.Target{Root: c.Root, File: waiver.RepositoryFile, Origin: waiver.FromRepository, Path: c.Dir}
	if len(c.Services) == 1 && c.Services[0].At.Path != "" {
		t.Service, t.Path = c.Services[0].Entity.Ref, ""
	}
	t.Cards, _, err = s.scorecardsOf(c.Root)
	return t, err
}

// waiverOfService returns where a waiver for a service of the catalog goes.
func (s *cli) waiverOfService(word string) (t waive.Target, err error) {
	cfg, err := s.config()
	if err != nil {
		return t, err
	}
	cat, _, err := catalog.Load(cfg.Catalog, cfg.People, cfg.Dir)
	if err != nil {
		return t, err
	}
	entity, err := cat.Find(word, nil)
	service := entity.Ref
	if err != nil {
		ref, refErr := identifier.ParseRef(word, "", "")
		if refErr != nil { // a full ref may be of a service that only a source describes
			return t, fmt.Errorf("%w; a service that no file describes needs its ref: component:default/NAME", err)
		}
		service = ref.String()
	}
	cards, err := scorecards.Load(cfg.Scorecards, cfg.Dir)
	if err != nil {
		return t, err
	}
	return waive.Of(service, cfg.Scorecards.Waivers, cfg.Dir, cards)
}

// gitEmail returns who works here, by the configuration of git.
func gitEmail(ctx context.Context, dir string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", "config", "user.email")
	cmd.Dir = dir
	out, err := cmd.Output()
	if email := strings.TrimSpace(string(out)); err == nil && email != "" {
		return email, nil
	}
	return "", errors.New("who asks for the waiver is not known; name the person with --by")
}

// prefixInRepository returns the path of a directory in its git repository, with a slash at its end; "" for the root of
// one, and for a directory in none.
func prefixInRepository(ctx context.Context, dir string) string {
	cmd := exec.CommandContext(ctx, "git", "rev-parse", "--show-prefix")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(out), "\n")
}

// writeWaiver adds a waiver to a file below root, and returns the difference, with the names that the file has below
// prefix, so that git applies it at the root of the repository. It follows no symbolic link out of root.
func writeWaiver(root, name, prefix string, w *waiver.Waiver) (diff string, err error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	name = filepath.ToSlash(filepath.Clean(name))
	before, err := dir.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	after, err := waiver.Add(before, name, w)
	if err != nil {
		return "", err
	}
	if err := dir.MkdirAll(path.Dir(name), 0o755); err != nil {
		return "", err
	}
	// A new file takes the place of the old one at once, so that a crash leaves one of them whole. What a crash leaves of
	// the new one is no waiver, and the next request replaces it.
	next := name + waiver.Unfinished
	if err := dir.WriteFile(next, after, 0o644); err != nil {
		return "", errors.Join(err, ignoreAbsent(dir.Remove(next)))
	}
	if err := dir.Rename(next, name); err != nil {
		return "", errors.Join(err, ignoreAbsent(dir.Remove(next)))
	}
	old := "a/" + prefix + name
	if len(before) == 0 {
		old = os.DevNull
	}
	return udiff.Unified(old, "b/"+prefix+name, string(before), string(after)), nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// unknownWord is the error for the value of a flag that is not one of some words.
func unknownWord(flag, word string, known []string) error {
	hint := ""
	if near := spelling.Nearest(word, known); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("%s %q is not one of %s%s", flag, word, strings.Join(known, ", "), hint)
}
