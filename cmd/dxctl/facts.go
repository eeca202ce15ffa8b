package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/report"
)

func newFacts(s *cli) *cobra.Command {
	var prefixes []string
	cmd := &cobra.Command{
		Use:   "facts SERVICE",
		Short: "List what is known of a service, and why the rest is not known",
		Long: `List the facts of a service, which the rules of scorecards use: the value, when and by which source it was observed,
and when it expires, or the reason why it is not known. The facts are those that are stored: "dxctl grade SERVICE" reads
the sources again first.`,
		Example: "  dxctl facts payment-service --prefix repository.files. --prefix ci.",
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return s.entityNames()
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.printFacts(cmd.Context(), args[0], prefixes)
		},
	}
	cmd.Flags().StringArrayVar(&prefixes, "prefix", nil, "list only the facts whose names begin with `PREFIX`; repeatable")
	return cmd
}

func (s *cli) printFacts(ctx context.Context, word string, prefixes []string) (err error) {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.open(ctx, cfg, app.Options{Program: "facts"})
	if err != nil {
		return err
	}
	defer closing(p, &err)
	entity, err := p.Catalog().Find(word, p.Grades)
	if err != nil {
		return err
	}
	reader, err := p.Reader()
	if err != nil {
		return err
	}
	doc, err := reader.Facts(ctx, entity.Ref, prefixes...)
	if err != nil {
		return err
	}
	if len(doc.Facts) == 0 {
		return fmt.Errorf("no fact has a name that begins with %s; run `dxctl facts %s` for all of them",
			strings.Join(prefixes, " or "), word)
	}
	return factsTable(doc).Print(s.out, s.output)
}

func factsTable(doc report.FactsDocument) output.Table {
	t := output.Table{
		Columns:  []string{"fact", "value", "observed", "source", "expires", "not_known_because"},
		Document: doc,
		Note:     fmt.Sprintf("%s: %d of %d facts are known.", doc.Service, doc.Known, len(doc.Facts)),
	}
	for i := range doc.Facts {
		f := &doc.Facts[i]
		value, expires := f.Text, factTime(f.ExpiresAt)
		if f.Known() && f.Text == "" {
			value = "not set"
		}
		if f.Stale {
			expires += " (expired)"
		}
		t.Rows = append(t.Rows, []string{f.Name, value, factTime(f.ObservedAt), f.Source, expires, f.Error})
	}
	return t
}

// factTime writes a time; "" if there is none.
func factTime(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.Format(time.RFC3339)
}
