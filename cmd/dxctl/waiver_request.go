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
	"slices"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/identifier"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/repository/waiver"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/checkout"
	"github.com/dxctl/dxctl/scorecards/format"
	"github.com/dxctl/dxctl/spelling"
)

// waiverRequest are the flags of `dxctl waiver request`.
type waiverRequest struct {
	rule, until, reason, note, by, file string
	pr                                  bool
	repository                          string
}

func newWaiverRequest(s *cli) *cobra.Command {
	var r waiverRequest
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
		RunE: func(cmd *cobra.Command, args []string) error { return s.requestWaiver(cmd.Context(), args[0], r) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			names, directive := s.entityNames()
			return names, directive &^ cobra.ShellCompDirectiveNoFileComp
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.rule, "rule", "", "`RULE`, or SCORECARD/RULE where several scorecards have it")
	flags.StringVar(&r.until, "until", "", "last `DAY`, such as 2027-01-31, or how long from today, such as 30d")
	flags.StringVar(&r.reason, "reason", "", "`REASON`: "+strings.Join(waiver.ReasonWords(), ", "))
	flags.StringVar(&r.note, "note", "", "`TEXT` that says why, for whoever approves it")
	flags.StringVar(&r.by, "by", "", "`WHO` asks for it (default: user.email of git)")
	flags.StringVar(&r.file, "file", "", "`FILE` to write into, instead of the usual one")
	flags.BoolVar(&r.pr, "pr", false, "open a pull request on GitHub instead of writing the file")
	flags.StringVar(&r.repository, "repository", "", "with --pr: `OWNER/NAME` on GitHub; default: of the remote origin")
	for _, name := range []string{"rule", "until", "reason", "note"} {
		_ = cmd.MarkFlagRequired(name) // the flag exists
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

// requestWaiver writes a waiver for what the word names.
func (s *cli) requestWaiver(ctx context.Context, word string, r waiverRequest) error {
	now := s.now().UTC()
	w := waiver.Waiver{Reason: r.reason, Note: strings.TrimSpace(r.note), By: r.by, Since: now.Truncate(24 * time.Hour)}
	var err error
	if w.Until, err = lastDay(r.until, now); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	if !slices.Contains(waiver.ReasonWords(), r.reason) {
		return unknownWord("--reason", r.reason, waiver.ReasonWords())
	}
	var root, name string
	var cards scorecards.Set
	if isDirectory(word) {
		root, name, cards, err = s.waiverOfDirectory(ctx, word, &w)
	} else {
		root, name, cards, err = s.waiverOfService(word, &w)
	}
	if err != nil {
		return err
	}
	if w.By == "" {
		if w.By, err = gitEmail(ctx, root); err != nil {
			return err
		}
	}
	notes, err := ruleFor(&w, cards, r.rule)
	if err != nil {
		return err
	}
	if r.file != "" {
		root, name = ".", r.file
		if !filepath.IsLocal(r.file) {
			root, name = filepath.Dir(r.file), filepath.Base(r.file)
		}
	}
	var diff string
	done := "written into " + filepath.Join(root, name) + "; commit it and propose the change to those who approve waivers"
	if r.pr {
		diff, err = s.proposeWaiver(ctx, root, name, &w, r.repository)
		done = "the file on the disk is not changed"
	} else {
		diff, err = writeWaiver(root, name, &w)
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

// lastDay reads a day or a span from now.
func lastDay(text string, now time.Time) (time.Time, error) {
	day, err := format.ParseDate(text)
	if span, spanErr := format.ParseSpan(text); spanErr == nil {
		day, err = now.Add(span).Truncate(24*time.Hour), nil
	}
	w := waiver.Waiver{Until: day}
	switch {
	case err != nil:
		return day, fmt.Errorf("%q is neither a day, such as 2027-01-31, nor a span of time, such as 30d", text)
	case w.StateAt(now, true, true) == waiver.Expired:
		return day, fmt.Errorf("%s is over", text)
	case w.StateAt(now, true, true) == waiver.TooLong:
		return day, fmt.Errorf("%s is more than %d days ahead; ask for less, and again when it ends", text, waiver.MaxDays)
	}
	return day, nil
}

// waiverOfDirectory makes the waiver one for a directory of a repository, and returns the file for it.
func (s *cli) waiverOfDirectory(
	ctx context.Context, dir string, w *waiver.Waiver,
) (root, name string, cards scorecards.Set, err error) {
	c, err := checkout.Read(ctx, dir, s.now())
	if err != nil {
		return "", "", cards, err
	}
	w.Origin, w.Path = waiver.FromRepository, c.Dir
	if len(c.Services) == 1 && c.Services[0].At.Path != "" {
		w.Service, w.Path = c.Services[0].Entity.Ref, ""
	}
	cards, _, err = s.scorecardsOf(c.Root)
	return c.Root, waiver.RepositoryFile, cards, err
}

// waiverOfService makes the waiver one for a service of the catalog, and returns the file for it.
func (s *cli) waiverOfService(word string, w *waiver.Waiver) (root, name string, cards scorecards.Set, err error) {
	cfg, err := s.config()
	if err != nil {
		return "", "", cards, err
	}
	cat, _, err := catalog.Load(cfg.Catalog, cfg.People, cfg.Dir)
	if err != nil {
		return "", "", cards, err
	}
	w.Origin = waiver.FromScorecards
	entity, err := cat.Find(word, nil)
	if w.Service = entity.Ref; err != nil {
		ref, refErr := identifier.ParseRef(word, "", "")
		if refErr != nil { // a full ref may be of a service that only a source describes
			return "", "", cards, fmt.Errorf("%w; a service that no file describes needs its ref: component:default/NAME", err)
		}
		w.Service = ref.String()
	}
	ref, err := identifier.ParseRef(w.Service, "", "")
	if err != nil {
		return "", "", cards, err
	}
	dir := path.Dir(waiver.DefaultFiles)
	if len(cfg.Scorecards.Waivers) > 0 {
		dir = path.Dir(filepath.ToSlash(cfg.Scorecards.Waivers[0]))
		if strings.ContainsAny(dir, "*?[{") {
			return "", "", cards, fmt.Errorf("scorecards.waivers begins with the pattern %s; name the file with --file",
				cfg.Scorecards.Waivers[0])
		}
	}
	cards, err = scorecards.Load(cfg.Scorecards, cfg.Dir)
	root = cfg.Dir
	if root == "" {
		root = "."
	}
	return root, path.Join(dir, strings.ReplaceAll(ref.Short(), "/", "-")+".yaml"), cards, err
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

// writeWaiver adds a waiver to a file below root, and returns the difference. It follows no symbolic link out of root.
func writeWaiver(root, name string, w *waiver.Waiver) (diff string, err error) {
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
	old := "a/" + name
	if len(before) == 0 {
		old = os.DevNull
	}
	return udiff.Unified(old, "b/"+name, string(before), string(after)), nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// ruleFor finds the rule that a word names in the scorecards, sets it in the waiver, and returns what to say of it.
func ruleFor(w *waiver.Waiver, cards scorecards.Set, word string) (notes []string, err error) {
	scorecard, id, named := strings.Cut(word, "/")
	if !named {
		scorecard, id = "", word
	}
	var known, has []string
	for i := range cards.Cards {
		card := &cards.Cards[i]
		for k := range card.Rules {
			rule := &card.Rules[k]
			if named {
				known = append(known, card.Name+"/"+rule.ID)
			} else {
				known = append(known, rule.ID)
			}
			if rule.ID != id || named && card.Name != scorecard {
				continue
			}
			if !rule.Waivable {
				return nil, fmt.Errorf("rule %s of scorecard %s cannot be waived: %s:%d", id, card.Name, card.File, rule.Line)
			}
			has = append(has, card.Name)
			if !slices.Contains(card.WaiversFrom, w.Origin) {
				notes = append(notes, fmt.Sprintf("scorecard %s counts waivers from %s only; this one will be shown as requested "+
					"and changes no grade", card.Name, originsInWords(card.WaiversFrom)))
			}
		}
	}
	switch len(has) {
	case 0:
		if broken := cards.Err(); broken != nil {
			return nil, fmt.Errorf("no scorecard that can be used has a rule %q:\n%w", word, broken)
		}
		return nil, fmt.Errorf("no scorecard has a rule %q%s", word, spelling.Hint(word, known))
	case 1:
		w.Scorecard, w.Rule = has[0], id
		return notes, nil
	}
	return nil, fmt.Errorf("rule %s is in scorecards %s; name one of them: --rule %s/%s", id, strings.Join(has, ", "),
		has[0], id)
}

func originsInWords(origins []waiver.Origin) string {
	if len(origins) == 0 {
		return "nowhere"
	}
	var words []string
	for _, o := range origins {
		if o == waiver.FromScorecards {
			words = append(words, "the files next to it")
		} else {
			words = append(words, waiver.RepositoryFile)
		}
	}
	return strings.Join(words, " and ")
}

// unknownWord is the error for the value of a flag that is not one of some words.
func unknownWord(flag, word string, known []string) error {
	hint := ""
	if near := spelling.Nearest(word, known); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("%s %q is not one of %s%s", flag, word, strings.Join(known, ", "), hint)
}
