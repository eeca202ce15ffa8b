package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/checks"
)

// gradeAsOf grades a service by what was known at a past time. It reads no source and stores no grade.
func (s *cli) gradeAsOf(
	ctx context.Context, p *app.App, ref string, options gradeOptions, grades *checks.Grades,
) error {
	reader, err := p.Reader()
	if err != nil {
		return err
	}
	at, err := report.ParseAsOf(options.asOf, reader.Now())
	if err != nil {
		return err
	}
	if err := p.Sync(ctx); err != nil { // the history is joined with the catalog
		return err
	}
	then, err := reader.AsOf(ctx, ref, at)
	if err != nil {
		return err
	}
	for _, r := range then.Service.Reports {
		grades.Add(r)
	}
	if s.output == "sarif" || s.output == "junit" {
		err = s.printChecks(grades)
	} else {
		t := explain(then.Service)
		t.Document = then.Document()
		t.Prose = "As of " + then.At.Format(time.RFC3339) + ". " + strings.Join(then.Notes, " ") + "\n\n" + t.Prose
		err = t.Print(s.out, s.output)
	}
	return errors.Join(err, s.against(grades, options.failBelow))
}
