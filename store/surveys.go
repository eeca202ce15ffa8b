package store

import (
	"context"
	"fmt"
	"time"
)

// SurveyResult is what was published of a group of people: of an item, a dimension, the index, or how many took part.
type SurveyResult struct {
	Survey     string   `ch:"survey"`
	Version    uint64   `ch:"version"`
	Team       string   `ch:"team"`        // "": everyone
	Tenure     string   `ch:"tenure"`      // "": all
	GoldenPath string   `ch:"golden_path"` // "": both
	Measure    string   `ch:"measure"`     // responses, item, dimension, index
	Item       string   `ch:"item"`        // key of the item or the dimension
	Answers    uint32   `ch:"answers"`
	People     uint32   `ch:"people"` // of the group that could answer; 0: not known
	Counts     []uint32 `ch:"counts"` // of an item: how many gave each point, in the direction in which more is better
	Total      float64  `ch:"total"`  // of a dimension or the index: the sum of the scores
	Squares    float64  `ch:"squares"`
}

// PublishedSurvey is a version of a survey that was published.
type PublishedSurvey struct {
	Survey        string    `ch:"survey"`
	Version       uint64    `ch:"version"`
	Title         string    `ch:"title"`
	OpensAt       time.Time `ch:"opens_at"`
	ClosesAt      time.Time `ch:"closes_at"`
	TimeZone      string    `ch:"time_zone"` // of the days; "": UTC
	PublishedAt   time.Time `ch:"published_at"`
	Items         string    `ch:"items"`         // JSON
	Teams         string    `ch:"teams"`         // JSON: team → the team that it is a part of
	Few           uint32    `ch:"few"`           // groups with too few answers
	Complementary uint32    `ch:"complementary"` // groups by which those could be derived
	HiddenCells   uint32    `ch:"hidden_cells"`  // of groups that are shown
	Deleted       bool      `ch:"deleted"`
}

// PublishSurvey stores the results of a survey. They are there as a whole or not at all.
func (s *Store) PublishSurvey(ctx context.Context, p PublishedSurvey, results []SurveyResult) error {
	same := func(r *SurveyResult) SurveyResult { return *r }
	if err := appendRows(ctx, s, "raw_survey_results", results, same); err != nil {
		return fmt.Errorf("storing the results of survey %s: %w", p.Survey, err)
	}
	return s.savePublished(ctx, p)
}

func (s *Store) savePublished(ctx context.Context, p PublishedSurvey) error {
	err := appendRows(ctx, s, "raw_published_surveys", []PublishedSurvey{p}, func(p *PublishedSurvey) PublishedSurvey {
		return *p
	})
	if err != nil {
		return fmt.Errorf("storing the publication of survey %s: %w", p.Survey, err)
	}
	return nil
}

// PublishedSurveys returns all versions of a survey that were published, the first one first.
func (s *Store) PublishedSurveys(ctx context.Context, survey string) ([]PublishedSurvey, error) {
	found, err := selectRows[PublishedSurvey](ctx, s,
		`raw_published_surveys FINAL WHERE survey = {survey:String} AND NOT deleted ORDER BY version`,
		map[string]any{"survey": survey})
	if err != nil {
		return nil, fmt.Errorf("reading the publications of survey %s: %w", survey, err)
	}
	return found, nil
}

// SurveyWasDeleted reports whether a survey was published and its results were deleted, after which a new publication
// is compared with nothing.
func (s *Store) SurveyWasDeleted(ctx context.Context, survey string) (bool, error) {
	found, err := selectRows[PublishedSurvey](ctx, s,
		`raw_published_surveys FINAL WHERE survey = {survey:String} AND deleted LIMIT 1`, map[string]any{"survey": survey})
	if err != nil {
		return false, fmt.Errorf("reading whether survey %s was deleted: %w", survey, err)
	}
	return len(found) > 0, nil
}

// SurveyResults returns what was published of a version of a survey.
func (s *Store) SurveyResults(ctx context.Context, survey string, version uint64) ([]SurveyResult, error) {
	found, err := selectRows[SurveyResult](ctx, s,
		`raw_survey_results FINAL WHERE survey = {survey:String} AND version = {version:UInt64}
ORDER BY team, tenure, golden_path, measure, item`, map[string]any{"survey": survey, "version": version})
	if err != nil {
		return nil, fmt.Errorf("reading the results of survey %s: %w", survey, err)
	}
	return found, nil
}

// DeleteSurveyResults deletes all published results of a survey. First none is shown any longer; then rows without
// numbers take the place of the results, and what they replace is removed from the disk. That the survey had results of
// these groups stays known, so that a lost part of the table can be told from a deleted one.
func (s *Store) DeleteSurveyResults(ctx context.Context, survey string) error {
	published, err := s.PublishedSurveys(ctx, survey)
	if err != nil {
		return err
	}
	for _, p := range published {
		if err := s.savePublished(ctx, PublishedSurvey{Survey: survey, Version: p.Version, Deleted: true}); err != nil {
			return err
		}
	}
	for _, p := range published {
		results, err := s.SurveyResults(ctx, survey, p.Version)
		if err != nil {
			return err
		}
		err = appendRows(ctx, s, "raw_survey_results", results, func(r *SurveyResult) SurveyResult {
			return SurveyResult{Survey: r.Survey, Version: r.Version, Team: r.Team, Tenure: r.Tenure, GoldenPath: r.GoldenPath,
				Measure: r.Measure, Item: r.Item}
		})
		if err != nil {
			return fmt.Errorf("deleting the results of survey %s: %w", survey, err)
		}
	}
	for _, table := range []string{"raw_survey_results", "raw_published_surveys"} {
		if err := s.db.Exec(ctx, "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
			return fmt.Errorf("removing the deleted results of survey %s from the disk: %w", survey, err)
		}
	}
	return nil
}
