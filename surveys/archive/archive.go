// Package archive keeps the answers of surveys and gives them to the packages below surveys, and to nothing else: it is
// the only importer of store/answers, and a test in cmd/dxctl keeps it so.
package archive

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/answers"
	"github.com/dxctl/dxctl/surveys"
)

// Archive holds the answers of surveys. Answers that have expired are deleted when it is opened.
type Archive struct {
	db  *answers.Store // nil: nothing was ever stored
	now func() time.Time
	// Expired are the surveys whose answers were deleted when the archive was opened.
	Expired []string
}

// Options say how to open an archive.
type Options struct {
	Create bool             // make the database if it is missing; without, an archive that was never used is empty
	Keep   int              // months after a survey's end until its answers are deleted; 0: never
	Now    func() time.Time // nil: time.Now
}

// ErrNotFound reports that there are no answers of a survey.
var ErrNotFound = errors.New("no answers of this survey are stored")

// Open opens the archive next to a store. Close it before the store.
func Open(ctx context.Context, s *store.Store, o Options) (*Archive, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Archive{now: o.Now}
	db, err := answers.Open(ctx, s, o.Create, o.Now)
	switch {
	case errors.Is(err, store.ErrNoApart):
		return a, nil
	case err != nil:
		return nil, err
	}
	a.db = db
	if o.Keep > 0 {
		if a.Expired, err = db.Expire(ctx, o.Now().UTC().AddDate(0, -o.Keep, 0)); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return a, nil
}

// Close closes the connections.
func (a *Archive) Close() error {
	if a.db == nil {
		return nil
	}
	return a.db.Close()
}

// Entry is a survey of the archive.
type Entry struct {
	Survey    string
	Title     string
	Version   uint64    // of the latest import; 0 if the answers have expired or only the publication is left
	Imported  time.Time // UTC
	Closes    time.Time // UTC; see [surveys.Survey.Closes]
	Responses int
	Published []Publication // in order of their versions; empty: not published
}

// Publication is a published version.
type Publication struct {
	Version   uint64
	Published time.Time // UTC
}

// List returns the surveys, sorted by id.
func (a *Archive) List(ctx context.Context) ([]Entry, error) {
	if a.db == nil {
		return nil, nil
	}
	imports, published, err := a.db.List(ctx)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, i := range imports {
		all = append(all, Entry{
			Survey: i.Survey, Title: i.Title, Version: i.Version, Imported: i.Imported, Closes: i.Closes,
			Responses: int(i.Responses),
		})
	}
	for _, p := range published {
		at := slices.IndexFunc(all, func(e Entry) bool { return e.Survey == p.Survey })
		if at < 0 {
			all, at = append(all, Entry{Survey: p.Survey}), len(all)
		}
		all[at].Published = append(all[at].Published, Publication{p.Version, p.Published})
	}
	slices.SortFunc(all, func(x, y Entry) int { return compareIDs(x.Survey, y.Survey) })
	return all, nil
}

func compareIDs(x, y string) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// Load returns the answers of a survey's latest import. The error is [ErrNotFound] if there are none.
func (a *Archive) Load(ctx context.Context, survey string) (surveys.Answers, error) {
	return a.LoadVersion(ctx, survey, 0)
}

// LoadVersion is Load for one version, which is there if it is the latest or was published; 0 is the latest.
func (a *Archive) LoadVersion(ctx context.Context, survey string, version uint64) (surveys.Answers, error) {
	if a.db == nil {
		return surveys.Answers{}, fmt.Errorf("survey %s: %w", survey, ErrNotFound)
	}
	found, ok, err := a.db.Load(ctx, survey, version)
	if err != nil {
		return surveys.Answers{}, err
	}
	if !ok {
		return surveys.Answers{}, fmt.Errorf("survey %s: %w", survey, ErrNotFound)
	}
	b, err := decode(found.Body)
	if err != nil {
		return surveys.Answers{}, fmt.Errorf("reading the answers of survey %s: %w", survey, err)
	}
	out := b.answers()
	out.Survey, out.Version, out.Imported, out.Title = found.Survey, found.Version, found.Imported, found.Title
	return out, nil
}

// Save stores answers in place of those of the survey's earlier imports, in one step, and returns their version. The
// version, the time of import and the order of the responses are set here; Version and Imported of all are ignored.
func (a *Archive) Save(ctx context.Context, all surveys.Answers) (uint64, error) {
	if a.db == nil {
		return 0, errors.New("the archive of survey answers is not open for writing")
	}
	version, err := a.next(ctx, all.Survey)
	if err != nil {
		return 0, err
	}
	encoded, err := encode(newBody(all))
	if err != nil {
		return 0, fmt.Errorf("storing the answers of survey %s: %w", all.Survey, err)
	}
	return version, a.db.Save(ctx, answers.Import{
		Survey: all.Survey, Version: version, Imported: a.now().UTC(), Closes: all.Closes.UTC(), Title: all.Title,
		Responses: uint64(len(all.Responses)), Body: encoded,
	})
}

// next returns the version of the next import.
func (a *Archive) next(ctx context.Context, survey string) (uint64, error) {
	all, err := a.List(ctx)
	if err != nil {
		return 0, err
	}
	last := uint64(0)
	for _, e := range all {
		if e.Survey != survey {
			continue
		}
		last = e.Version
		for _, p := range e.Published { // answers expire before the record of their publication
			last = max(last, p.Version)
		}
	}
	return last + 1, nil
}

// Delete deletes everything of a survey: answers, key and the record of its publications. Only turnout is kept, until
// it expires as the answers would, for [Archive.Deleted]: whoever saw these numbers could subtract them from those of
// another import. closes is the end of the survey; zero, if it is not known, is now.
func (a *Archive) Delete(ctx context.Context, survey string, turnout surveys.Turnout, closes time.Time) error {
	if a.db == nil {
		return nil
	}
	if closes.IsZero() {
		closes = a.now()
	}
	shown, err := json.Marshal(turnout)
	if err != nil {
		return fmt.Errorf("deleting survey %s: %w", survey, err)
	}
	return a.db.Delete(ctx, answers.Deletion{Survey: survey, Closes: closes.UTC(), Shown: string(shown)})
}

// Deleted returns what was shown of a survey when it was deleted last; ok is false if it never was.
func (a *Archive) Deleted(ctx context.Context, survey string) (turnout surveys.Turnout, ok bool, err error) {
	if a.db == nil {
		return turnout, false, nil
	}
	d, ok, err := a.db.Deleted(ctx, survey)
	if err != nil || !ok {
		return turnout, false, err
	}
	if err := json.Unmarshal([]byte(d.Shown), &turnout); err != nil {
		return turnout, false, fmt.Errorf("reading what was shown of survey %s before it was deleted: %w", survey, err)
	}
	return turnout, true, nil
}

// Forget deletes everything of a survey, also what was shown. It is for surveys that nobody answered.
func (a *Archive) Forget(ctx context.Context, survey string) error {
	if a.db == nil {
		return nil
	}
	return a.db.Forget(ctx, survey)
}

// Publish records that a version of the answers was published. It deletes the key of the hashes of respondents unless
// keepKey, after which they lead to no address; a later import cannot be compared person by person then.
func (a *Archive) Publish(ctx context.Context, survey string, version uint64, keepKey bool) error {
	if a.db == nil {
		return fmt.Errorf("survey %s: %w", survey, ErrNotFound)
	}
	return a.db.Publish(ctx, survey, version, keepKey)
}

// Key returns the key of the hashes of a survey's respondents, and makes one if there is none. made is true if there
// was none: hashes of earlier imports do not fit.
func (a *Archive) Key(ctx context.Context, survey string) (key string, made bool, err error) {
	key, ok, err := a.PeekKey(ctx, survey)
	if err != nil || ok {
		return key, false, err
	}
	if err := a.db.SaveKey(ctx, survey, rand.Text()); err != nil {
		return "", false, err
	}
	key, _, err = a.PeekKey(ctx, survey)
	return key, true, err
}

// PeekKey returns the key if there is one.
func (a *Archive) PeekKey(ctx context.Context, survey string) (key string, ok bool, err error) {
	if a.db == nil {
		return "", false, nil
	}
	if key, ok, err = a.db.Key(ctx, survey); err != nil {
		return "", false, fmt.Errorf("reading the key of survey %s: %w", survey, err)
	}
	return key, ok, nil
}
