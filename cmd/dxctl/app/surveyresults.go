package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/archive"
	"github.com/dxctl/dxctl/surveys/results"
)

// withArchive opens the archive for what only reads answers.
func (a *App) withArchive(ctx context.Context, do func(*archive.Archive) error) (err error) {
	opened, err := a.Archive(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	return do(opened)
}

// Publication says how a survey is published.
type Publication struct {
	Dry     bool // compute what would be shown, and publish nothing
	KeepKey bool // keep the key of the hashes of respondents
	Again   bool // publish also a survey that was published and deleted
	Early   bool // publish also a survey whose last day is not over
}

// ErrOpen reports that a survey still takes answers.
var ErrOpen = errors.New("it still takes answers, and later ones would be a correction; publish it when its last day " +
	"is over, or with --early if nobody will answer any longer")

// PublishSurvey computes what may be shown of a survey's latest import, and publishes it.
func (a *App) PublishSurvey(ctx context.Context, id string, o Publication) (c *results.Computed, err error) {
	err = a.withArchive(ctx, func(opened *archive.Archive) error {
		if c, err = results.Prepare(ctx, opened, a.Store, id, o.Again); err != nil || o.Dry {
			return err
		}
		if a.now().Before(c.Published.ClosesAt) && !o.Early {
			return fmt.Errorf("publishing survey %s: %w", id, ErrOpen)
		}
		return results.Publish(ctx, opened, a.Store, c, o.KeepKey, a.now())
	})
	return c, err
}

// SurveyComments returns comments of the published versions of a survey, by [results.ReadComments]. The error is
// [archive.ErrNotFound] if its answers have expired, and [ErrNotPublished] if it is not published.
func (a *App) SurveyComments(ctx context.Context, id, team, question string) (all []results.Comments, err error) {
	err = a.withArchive(ctx, func(opened *archive.Archive) error {
		published, err := a.Store.PublishedSurveys(ctx, id)
		if err != nil {
			return err
		}
		if len(published) == 0 {
			return ErrNotPublished
		}
		var versions []surveys.Answers
		for _, p := range published {
			answers, err := opened.LoadVersion(ctx, id, p.Version)
			if err != nil {
				return err
			}
			versions = append(versions, answers)
		}
		all = results.ReadComments(versions, team, question)
		return nil
	})
	return all, err
}

// ErrNotPublished reports that a survey is not published.
var ErrNotPublished = errors.New("the survey is not published; until it is, only participation is shown")

// participation returns who took part in the surveys that are not published.
func (a *App) participation(ctx context.Context) (all []report.Participation, err error) {
	err = a.withArchive(ctx, func(opened *archive.Archive) error {
		entries, err := opened.List(ctx)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Version == 0 || len(e.Published) > 0 {
				continue
			}
			answers, err := opened.Load(ctx, e.Survey)
			if err != nil {
				return err
			}
			p := report.Participation{Survey: e.Survey, Title: e.Title, Closes: e.Closes.UTC().Format(time.RFC3339),
				Open: a.now().Before(e.Closes), Teams: []report.TeamParticipation{}}
			for _, t := range results.Participation(answers) {
				p.Teams = append(p.Teams,
					report.TeamParticipation{Team: t.Team, Parent: t.Parent, Count: t.Count, People: t.People})
			}
			all = append(all, p)
		}
		return nil
	})
	return all, err
}
