package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/cmd/dxctl/progress"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/setup"
)

func newInit(s *cli) *cobra.Command {
	opt := setup.Options{WorkDir: "."}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a first configuration from what your GitHub organization or GitLab group has",
		Long: `Write dx.yaml, a descriptor for each service that has none, and people.csv, from what your GitHub organization or
GitLab group has.

It reads the git remotes of the directory and a token in the environment (GITHUB_TOKEN, GH_TOKEN, GITLAB_TOKEN), lists
the repositories that look like services (deployments, a Dockerfile, a workflow that deploys), and asks which of them
are. Owners come from CODEOWNERS, and people.csv from the members of the organization, with start dates to fill in.

It never overwrites a file: if dx.yaml exists, nothing is written, and any other file that exists is kept. It never
writes a token: dx.yaml names the environment variable. people.csv is readable only by you, and .gitignore lists it.

  dxctl init                                              # asks
  dxctl init --yes                                        # in a clone: the organization of its remote, no questions
  dxctl init --yes --kind gitlab --organization acme/shop --url https://gitlab.acme.example`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.initialize(cmd.Context(), opt) },
	}
	flags := cmd.Flags()
	flags.StringVar(&opt.Dir, "dir", ".", "`DIRECTORY` to write to")
	flags.StringVar(&opt.Kind, "kind", "", "`KIND` of the source: github or gitlab (default: by the git remotes, "+
		"the URL or the token)")
	flags.StringVar(&opt.URL, "url", "", "`URL` of your own GitHub Enterprise or GitLab server")
	flags.StringVar(&opt.Account, "organization", "", "`NAME` of the organization, the user, or the path of the group")
	flags.StringVar(&opt.TokenVariable, "token-variable", "", "`NAME` of the environment variable that has the token")
	flags.StringArrayVar(&opt.Repositories, "repository", nil, "`NAME` of a repository to configure, or a pattern such as "+
		"'shop-*'; may be repeated (default: those that look like services)")
	flags.BoolVar(&opt.AllowPrivateNetwork, "allow-private-network", false, "the name of the server may resolve to an "+
		"address of a private network")
	flags.BoolVar(&opt.Yes, "yes", false, "ask nothing")
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions([]string{"github", "gitlab"},
		cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// initialize runs the command.
func (s *cli) initialize(ctx context.Context, opt setup.Options) error {
	if s.configFile != "" {
		return errors.New("dxctl init writes dx.yaml to the directory that --dir names; remove --config")
	}
	log, err := s.logger()
	if err != nil {
		return err
	}
	started := s.now()
	display := progress.New(s.err, s.now)
	result, err := setup.Run(ctx, opt, setup.Deps{
		In:     terminal(s.in),
		Out:    s.err,
		Getenv: os.Getenv,
		Now:    s.now,
		Source: source.Options{Logger: log, Now: s.now, UserAgent: "dxctl/" + versionString(), Dir: opt.Dir},
		Progress: func(text string) {
			if text == "" {
				display.Clear()
				return
			}
			display.Set("init", text, false)
		},
	})
	display.Clear()
	if errors.Is(err, rest.ErrUnauthorized) {
		return exit.With(exit.Credentials, err)
	}
	if err != nil {
		return err
	}
	t := output.Table{Columns: []string{"file", "status", "detail"}, Document: result}
	for _, f := range result.Files {
		t.Rows = append(t.Rows, []string{f.File, f.Status, f.Detail})
	}
	if err := t.Print(s.out, s.output); err != nil {
		return err
	}
	if _, err := config.Load(filepath.Join(opt.Dir, "dx.yaml")); err != nil {
		return fmt.Errorf("the written configuration is not valid; correct it, and report this: %w", err)
	}
	s.sayNext(opt.Dir, result, s.now().Sub(started))
	return nil
}

// terminal returns in if a person can answer there; nil otherwise.
func terminal(in io.Reader) io.Reader {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return in
	}
	return nil
}

// sayNext prints what to do next.
func (s *cli) sayNext(dir string, result setup.Result, took time.Duration) {
	fmt.Fprintf(s.err, "%s and %s, in %s and %s. Next:\n", files.Count(len(result.Services), "service", "services"),
		files.Count(result.People, "person", "people"), files.Count(result.Requests, "request", "requests"),
		took.Round(100*time.Millisecond))
	if dir != "." {
		fmt.Fprintf(s.err, "  cd %s\n", dir)
	}
	if file := os.Getenv("DXCTL_CONFIG"); file != "" {
		fmt.Fprintf(s.err, "  unset DXCTL_CONFIG   # or the other commands read %s\n", file)
	}
	fmt.Fprint(s.err, "  dxctl doctor     # checks the configuration and the credentials\n"+
		"  dxctl collect    # reads the records, newest first; you can interrupt it at any time\n"+
		"  dxctl serve      # shows http://127.0.0.1:8080, and collects and grades every 15 minutes\n"+
		"Review the files in catalog/ and dx.yaml, and fill in start_date in people.csv.\n")
}
