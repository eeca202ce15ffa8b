package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/spelling"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/archive"
	"github.com/dxctl/dxctl/surveys/form"
	"github.com/dxctl/dxctl/surveys/intake"
	"github.com/dxctl/dxctl/surveys/results"
)

// Archive opens the answers of surveys; the caller closes it. create makes their database if it is missing.
func (a *App) Archive(ctx context.Context, create bool) (*archive.Archive, error) {
	opened, err := archive.Open(ctx, a.Store, archive.Options{
		Create: create, Keep: int(a.cfg.Surveys.KeepAnswers), Now: a.now,
	})
	if err != nil {
		return nil, err
	}
	for _, id := range opened.Expired {
		a.log.Info("answers expired and were deleted", "survey", id)
	}
	return opened, nil
}

// expireRegularly deletes the answers of surveys that have expired, every day until ctx is done.
func (a *App) expireRegularly(ctx context.Context) {
	const every = 24 * time.Hour
	for wait := time.Duration(0); a.pause(ctx, wait); wait = every {
		opened, err := a.Archive(ctx, false) // deletes what has expired
		if err == nil {
			err = opened.Close()
		}
		if err != nil && ctx.Err() == nil {
			a.log.Error("deleting expired answers of surveys failed; trying again tomorrow", "error", err)
		}
	}
}

// StoredSurveys returns what the archive has of each survey, without answers.
func (a *App) StoredSurveys(ctx context.Context) (all []archive.Entry, err error) {
	opened, err := a.Archive(ctx, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	return opened.List(ctx)
}

// SurveyDir returns the directory of the definitions of surveys.
func (a *App) SurveyDir() string { return a.cfg.Path(a.cfg.Surveys.Dir) }

// DeleteSurvey deletes everything that is stored of a survey, but for the numbers of people who took part that were
// shown: a later import of the survey shows only what does not tell the difference. Its definition stays.
func (a *App) DeleteSurvey(ctx context.Context, id string) (err error) {
	if err := surveys.CheckID(id); err != nil {
		return err
	}
	opened, err := a.Archive(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	all, err := opened.List(ctx)
	if err != nil {
		return err
	}
	var known []string
	for _, e := range all {
		if known = append(known, e.Survey); e.Survey == id {
			// The results first: an end in between leaves a survey that can be published or deleted again.
			if err := a.Store.DeleteSurveyResults(ctx, id); err != nil {
				return err
			}
			turnout, err := a.shownTurnout(ctx, opened, id, e.Published)
			if err != nil {
				return err
			}
			return opened.Delete(ctx, id, turnout, e.Closes)
		}
	}
	if len(known) == 0 {
		return fmt.Errorf("survey %s: %w; no survey is stored", id, archive.ErrNotFound)
	}
	return fmt.Errorf("survey %s: %w; stored are %v", id, archive.ErrNotFound, known)
}

// shownTurnout returns the numbers of people who took part in a survey that were shown, also before it was deleted, and
// in its publications. Of these it needs which groups they had, which is also known after their results were deleted.
func (a *App) shownTurnout(ctx context.Context, opened *archive.Archive, id string, published []archive.Publication,
) (surveys.Turnout, error) {
	answers, err := opened.Load(ctx, id)
	switch {
	case errors.Is(err, archive.ErrNotFound): // not stored, or expired
		before, _, err := opened.Deleted(ctx, id)
		return before, err
	case err != nil: // what is damaged can be deleted, too
		a.log.Warn("answers are not readable; what was shown of who took part is not known", "survey", id, "error", err)
		before, _, err := opened.Deleted(ctx, id)
		return before, err
	case answers.Turnout.Shown == nil:
		answers.Turnout = results.Turnout(surveys.Turnout{}, answers)
	}
	turnout := answers.Turnout
	for _, p := range published {
		version, err := opened.LoadVersion(ctx, id, p.Version)
		if err != nil {
			a.log.Warn("answers are not readable; what was published of who took part is not known", "survey", id,
				"version", p.Version, "error", err)
			continue
		}
		shown, err := a.Store.SurveyResults(ctx, id, p.Version)
		if err != nil {
			return turnout, err
		}
		var teams []string
		for _, r := range shown {
			if r.Measure == results.Responses && r.Tenure == "" && r.GoldenPath == "" {
				teams = append(teams, r.Team)
			}
		}
		turnout = results.AfterPublication(turnout, version, teams)
	}
	return turnout, nil
}

// ForgetSurveys deletes everything that is stored of all surveys, also what was shown. It is for the demo, whose
// surveys nobody answered.
func (a *App) ForgetSurveys(ctx context.Context) (err error) {
	return a.withArchive(ctx, func(opened *archive.Archive) error {
		all, err := opened.List(ctx)
		if err != nil {
			return err
		}
		for _, e := range all {
			if err := a.Store.DeleteSurveyResults(ctx, e.Survey); err != nil {
				return err
			}
			if err := opened.Forget(ctx, e.Survey); err != nil {
				return err
			}
		}
		return nil
	})
}

// SurveyImport is an import of an export.
type SurveyImport struct {
	ID     string
	Export form.Export
	Map    string // the file of the definition; empty: <surveys.dir>/<id>.yaml
	Store  bool   // store the good rows; otherwise only the preview is made
	Strict bool   // store nothing if a row is wrong
}

// ErrNotImported reports that an import was asked for and nothing was stored; the preview says why.
var ErrNotImported = errors.New("nothing is stored")

// ImportSurvey previews an import and stores its good rows if asked to. It writes the definition if there is none. The
// preview is returned with an [ErrNotImported], too.
func (a *App) ImportSurvey(ctx context.Context, i SurveyImport) (preview intake.Preview, err error) {
	if err := surveys.CheckID(i.ID); err != nil {
		return preview, err
	}
	file := i.Map
	if file == "" {
		file = surveys.FileOf(a.SurveyDir(), i.ID)
	}
	earlier, err := a.earlierSurvey(i.ID)
	if err != nil {
		return preview, err
	}
	var drafted *intake.Plan
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		if n := len(i.Export.Refused); len(i.Export.Rows) == 0 && n > 0 {
			return preview, fmt.Errorf("importing survey %s: no row can be read, so that no map is written: %s refused; %s",
				i.ID, words.Plural(n, "row is", "rows are"), i.Export.Refused[0])
		}
		if len(i.Export.Rows) == 0 { // a map without items would stand in the way of the next file
			return preview, fmt.Errorf("importing survey %s: the export has no row with answers, so that no map is written: "+
				"it is cut off, or nobody has answered; export it again", i.ID)
		}
		everyone, err := intake.NewPopulation(a.Catalog(), surveys.Survey{Closes: a.now()})
		if err != nil {
			return preview, err
		}
		drafted = intake.Draft(i.Export, i.ID, earlier, everyone.Teams(), a.now())
		if err := intake.WriteNew(file, drafted.Definition()); err != nil {
			return preview, err
		}
	}
	definition, err := surveys.Load(file, i.ID)
	if err != nil {
		return preview, err
	}
	people, err := intake.NewPopulation(a.Catalog(), definition)
	if err != nil {
		return preview, fmt.Errorf("%s: %w", file, err)
	}
	plan := intake.Relate(i.Export, definition)
	if drafted != nil {
		plan.TakeChecks(drafted)
		plan.Guessed = true // its days decide nothing
	}
	plan.CheckEarlier(earlier)
	plan.Notes = append(plan.Notes, a.unknownRules(definition)...)
	opened, err := a.Archive(ctx, i.Store)
	if err != nil {
		return preview, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	return a.importInto(ctx, opened, plan, people, i, file, drafted != nil)
}

// unknownRules returns a sentence for each rule that an item names and no scorecard has. It stops no import: rules come
// and go, and answers stay.
func (a *App) unknownRules(s surveys.Survey) (notes []string) {
	var known []string
	for _, card := range a.cards.Scorecards() {
		for i := range card.Rules {
			known = append(known, card.Rules[i].ID, report.RuleName(card.Name, card.Rules[i].ID))
		}
	}
	for _, item := range s.Items {
		for _, rule := range item.Rules {
			if !slices.Contains(known, rule) {
				notes = append(notes, fmt.Sprintf("item %s: no scorecard has a rule %q%s; nothing is linked to the item. "+
					"Correct it under rules in the map before the survey is published", item.Key, rule,
					spelling.Hint(rule, known)))
			}
		}
	}
	return notes
}

// earlierSurvey returns the definition of the latest survey before one; the zero value if there is none.
func (a *App) earlierSurvey(id string) (surveys.Survey, error) {
	ids, err := surveys.Earlier(a.SurveyDir(), id)
	if err != nil || len(ids) == 0 {
		return surveys.Survey{}, err
	}
	return surveys.Load(surveys.FileOf(a.SurveyDir(), ids[0]), ids[0])
}

// checkTurned compares the answers with those of the latest earlier survey that is stored.
func (a *App) checkTurned(
	ctx context.Context, opened *archive.Archive, plan *intake.Plan, result intake.Result, id string,
) error {
	stored, err := opened.List(ctx)
	if err != nil {
		return err
	}
	latest := ""
	for _, e := range stored {
		if e.Survey < id && e.Version > 0 {
			latest = max(latest, e.Survey)
		}
	}
	if latest == "" {
		return nil
	}
	earlier, err := opened.Load(ctx, latest)
	if err != nil { // that is a matter of the other survey
		plan.Notes = append(plan.Notes, fmt.Sprintf("not compared with survey %s: %v", latest, err))
		return nil
	}
	plan.CheckTurned(result, earlier)
	return nil
}

// importInto reads the rows, previews them, and stores the good ones.
func (a *App) importInto(
	ctx context.Context, opened *archive.Archive, plan *intake.Plan, people *intake.Population, i SurveyImport,
	file string, newMap bool,
) (preview intake.Preview, err error) {
	key, hasKey, err := opened.PeekKey(ctx, i.ID)
	if err != nil {
		return preview, err
	}
	stored, err := opened.Load(ctx, i.ID)
	first := errors.Is(err, archive.ErrNotFound)
	if err != nil && !first {
		return preview, err
	}
	if !hasKey && i.Store && first {
		if key, _, err = opened.Key(ctx, i.ID); err != nil {
			return preview, err
		}
		hasKey = true
	}
	if !hasKey {
		key = rand.Text() // only for duplicates within the file; it is not kept
	}
	result := plan.Read(people, key)
	plan.Check(result)
	if err := a.checkTurned(ctx, opened, plan, result, i.ID); err != nil {
		return preview, err
	}
	switch {
	case first:
	case hasKey:
		plan.Notes = append(plan.Notes, intake.Compare(result, stored))
	default:
		plan.Notes = append(plan.Notes, fmt.Sprintf("takes the place of version %d with %d responses as a whole: its key "+
			"was deleted when the survey was published, so that duplicates were not checked against it", stored.Version,
			len(stored.Responses)))
		for k := range result.Answers.Responses {
			result.Answers.Responses[k].Respondent = ""
		}
	}
	preview = plan.Preview(result, people, file)
	preview.NewMap = newMap
	switch {
	case len(preview.Blocking) > 0:
		return preview, fmt.Errorf("%w: %s", ErrNotImported, preview.Blocking[0])
	case !i.Store:
		return preview, nil
	case i.Strict && len(preview.Wrong) > 0:
		wrong := words.Plural(len(preview.Wrong), "row is", "rows are")
		return preview, fmt.Errorf("%w: %s wrong; correct them, or leave out --strict", ErrNotImported, wrong)
	}
	before := stored.Turnout
	if first {
		if before, _, err = opened.Deleted(ctx, i.ID); err != nil {
			return preview, err
		}
	}
	result.Answers.Turnout = results.Turnout(before, result.Answers)
	preview.Version, err = opened.Save(ctx, result.Answers)
	preview.Stored = err == nil
	return preview, err
}
