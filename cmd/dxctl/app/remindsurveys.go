package app

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/report/words"
	"github.com/dxctl/dxctl/scorecards/campaign"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/archive"
	"github.com/dxctl/dxctl/surveys/intake"
)

const (
	// lastDays is how long before the end of a survey people are reminded a last time.
	lastDays = 3 * 24 * time.Hour
	// summaryDays is how long after a survey was published its summary is sent, if it could not be sent at once.
	summaryDays = 30
	// oldDays is how long after its end a survey is too old for a summary: it was published to have its results.
	oldDays = 60
)

// surveyOccasion is a message about a survey, which is sent once.
type surveyOccasion struct {
	notice campaign.Notice
	title  string
	text   string
}

// surveyReminders returns the messages about surveys that are due: halfway and three days before the end of one that is
// open, and the summary of one that is published. None if notify.surveys names no webhook.
func (a *App) surveyReminders(
	ctx context.Context, reader *report.Reader, messages []campaign.Message,
) ([]Reminded, error) {
	webhook := a.cfg.Notify.Surveys
	if webhook == "" {
		return nil, nil
	}
	all, err := a.openOccasions(ctx, reader)
	if err != nil {
		return nil, err
	}
	published, err := a.publishedOccasions(ctx, reader)
	if err != nil {
		return nil, err
	}
	byID := map[string]surveyOccasion{}
	var notices []campaign.Notice
	for _, o := range append(all, published...) {
		o.notice.Webhook = webhook
		// An owner gets one message a week; an occasion is its own owner, so that none waits for another.
		o.notice.Owner = o.notice.ID
		byID[o.notice.ID], notices = o, append(notices, o.notice)
	}
	var due []Reminded
	for _, r := range campaign.Reminders(nil, nil, notices, messages, a.now()) {
		o := byID[r.Owner]
		reminded := Reminded{Reminder: report.Reminder{Owner: r.Owner, Name: o.title, Webhook: r.Webhook,
			Surveys: []string{o.notice.ID}}, Text: o.text}
		if !r.Ready.IsZero() {
			ready := r.Ready
			reminded.Ready = &ready
		}
		due = append(due, reminded)
	}
	return due, nil
}

// openOccasions returns the latest occasion of each survey that is open.
func (a *App) openOccasions(ctx context.Context, reader *report.Reader) (all []surveyOccasion, err error) {
	participation, err := reader.Participation(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := surveys.Earlier(a.SurveyDir(), "~") // after every id
	if err != nil {
		return nil, err
	}
	now := a.now()
	for _, id := range ids {
		file := surveys.FileOf(a.SurveyDir(), id)
		s, err := surveys.Load(file, id)
		if err != nil {
			a.log.Warn("survey is not readable; nobody is reminded of it", "survey", id, "error", err)
			continue
		}
		step, since := openStep(s, now)
		i := slices.IndexFunc(participation, func(p report.Participation) bool { return p.Survey == id })
		if text, err := os.ReadFile(file); i < 0 && (err != nil || intake.Unchecked(text)) {
			continue // a preview wrote the file and guessed its days, and nothing is stored
		}
		if step == "" || i < 0 && a.isPublished(ctx, reader, id) {
			continue
		}
		if i < 0 {
			if deleted, err := a.wasDeleted(ctx, id); err != nil {
				return nil, err
			} else if deleted {
				continue // whoever deleted it does not ask for answers; another import makes it one that is open again
			}
		}
		var p report.Participation
		if i >= 0 {
			p = participation[i]
		}
		all = append(all, surveyOccasion{title: s.Title, text: openText(s, p, now, a.cfg.Notify.Link),
			notice: campaign.Notice{ID: "survey " + id + " " + step, Since: since, Ends: s.Closes}})
	}
	return all, nil
}

func (a *App) isPublished(ctx context.Context, reader *report.Reader, id string) bool {
	published, err := reader.Surveys(ctx)
	return err == nil && slices.ContainsFunc(published, func(s report.Survey) bool { return s.ID == id })
}

func (a *App) wasDeleted(ctx context.Context, id string) (deleted bool, err error) {
	err = a.withArchive(ctx, func(opened *archive.Archive) error {
		_, deleted, err = opened.Deleted(ctx, id)
		return err
	})
	return deleted, err
}

// openStep returns the latest occasion of a survey, and since when it is due; "" if none is, or the survey is not open.
func openStep(s surveys.Survey, now time.Time) (step string, since time.Time) {
	half, last := s.Opens.Add(s.Closes.Sub(s.Opens)/2), s.Closes.Add(-lastDays)
	switch {
	case now.Before(s.Opens) || !now.Before(s.Closes):
		return "", time.Time{}
	case !now.Before(last) && last.After(s.Opens):
		return "last-days", last
	case !now.Before(half):
		return "halfway", half
	}
	return "", time.Time{}
}

// openText says how long a survey is open, and who took part: of teams above the threshold, the fewest first.
func openText(s surveys.Survey, p report.Participation, now time.Time, link func(path string) string) string {
	left := int(s.Closes.Sub(now).Hours() / 24)
	last := words.DayIn(s.Closes.Add(-1), s.TimeZone)
	open := fmt.Sprintf("open until %s, %s left", words.Day(last), words.Plural(left, "day", "days"))
	if left == 0 {
		open = "today is the last day"
	}
	part := section{head: fmt.Sprintf("*%s*: %s.\n%s", shortened(s.Title, maxName), open, tookPart(p.Everyone()))}
	teams := slices.DeleteFunc(slices.Clone(p.Teams), func(t report.TeamParticipation) bool { return t.Team == "" })
	slices.SortStableFunc(teams, func(a, b report.TeamParticipation) int { return cmp.Compare(rateOf(a), rateOf(b)) })
	for _, t := range teams {
		part.rows = append(part.rows, shortened(t.Team, maxName)+": "+turnout(t))
	}
	if len(teams) > 0 {
		part.head += " Not listed are teams in which fewer than 5 did, or by which such teams could be derived."
	}
	part.link = link("/surveys")
	return fitted([]section{part}, link)
}

func tookPart(everyone report.TeamParticipation) string {
	if everyone.Count == 0 {
		return "Fewer than 5 answers were imported so far."
	}
	return fmt.Sprintf("%s have answered so far.", turnout(everyone))
}

// turnout is "61 of 90 people (68 %)".
func turnout(t report.TeamParticipation) string {
	if t.Rate == nil {
		return words.Plural(t.Count, "person", "people")
	}
	return fmt.Sprintf("%s of %s (%s)", words.Whole(t.Count), words.Plural(t.People, "person", "people"),
		words.Percent(t.Rate))
}

// rateOf sorts teams of which it is not known how many could answer last.
func rateOf(t report.TeamParticipation) float64 {
	if t.Rate == nil {
		return 2
	}
	return *t.Rate
}

// publishedOccasions returns the summaries of surveys that were published lately.
func (a *App) publishedOccasions(ctx context.Context, reader *report.Reader) (all []surveyOccasion, err error) {
	published, err := reader.Surveys(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range published {
		old := s.PublishedAt.After(s.Closes.AddDate(0, 0, oldDays))
		if ends := s.PublishedAt.AddDate(0, 0, summaryDays); !old && a.now().Before(ends) {
			summary, err := reader.SurveySummary(ctx, s.ID)
			if err != nil {
				return nil, err
			}
			// Also a correction is the same survey, which is told once.
			all = append(all, surveyOccasion{title: s.Title, text: summaryText(summary, a.cfg.Notify.Link),
				notice: campaign.Notice{ID: "survey " + s.ID + " published", Since: s.Opens, Ends: ends}})
		}
	}
	return all, nil
}

// summaryText is the summary of a survey as a message.
func summaryText(s *report.SurveySummary, link func(path string) string) string {
	parts := s.Parts(func(text string) string { return shortened(text, maxShown) })
	sections := make([]section, len(parts))
	for i, part := range parts {
		sections[i] = section{head: part.Head, rows: part.Rows}
	}
	sections[0].head = fmt.Sprintf("*Results of %s*\n%s", shortened(s.Title, maxName), sections[0].head)
	sections[0].link = link(s.Path)
	text := fitted(sections, link)
	return strings.TrimSpace(text)
}
