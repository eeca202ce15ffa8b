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

// gradeAsOf grades a service by what was known at a past time, or the whole catalog if ref is "". It reads no source
// and stores no grade.
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
	if ref == "" {
		return s.gradeAllAsOf(ctx, reader, at, options, grades)
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

// gradeAllAsOf grades every entity of the catalog by what was known at a past time.
func (s *cli) gradeAllAsOf(
	ctx context.Context, reader *report.Reader, at time.Time, options gradeOptions, grades *checks.Grades,
) error {
	then, err := reader.AllAsOf(ctx, at)
	if err != nil {
		return err
	}
	for i := range then.Reports {
		grades.Add(then.Reports[i])
	}
	if s.output == "sarif" || s.output == "junit" {
		err = s.printChecks(grades)
	} else {
		t := gradesTable(then.Reports)
		if s.output == "json" {
			t.Document = then.Document()
		}
		t.Note = "As of " + then.AsOf.Format(time.RFC3339) + ". " + strings.Join(then.Notes, " ") + "\n`dxctl grade SERVICE " +
			"--as-of " + options.asOf + "` explains each rule."
		err = t.Print(s.out, s.output)
	}
	return errors.Join(err, s.against(grades, options.failBelow))
}
