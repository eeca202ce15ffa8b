// Package answers keeps the answers of surveys apart from everything that readers can query. It does not know what an
// answer is: a survey's answers are one opaque body. Only package surveys/archive may import it; a test checks this.
package answers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/migrations"
	"github.com/dxctl/dxctl/store"
)

// Store keeps answers. It is safe for concurrent use.
type Store struct {
	db  *store.Apart
	now func() time.Time
}

// Import is one import of a survey's answers.
type Import struct {
	Survey    string    `ch:"survey"`
	Version   uint64    `ch:"version"` // 1 for the first; later imports have the next
	Imported  time.Time `ch:"imported_at"`
	Closes    time.Time `ch:"closes_at"`
	Title     string    `ch:"title"`
	Responses uint64    `ch:"responses"`
	Body      string    `ch:"body"`
}

// Publication is a published version of a survey's answers.
type Publication struct {
	Survey    string    `ch:"survey"`
	Version   uint64    `ch:"version"`
	Published time.Time `ch:"published_at"`
}

// Open opens the answers next to a store. Without create, the error is [store.ErrNoApart] if nothing was ever stored.
func Open(ctx context.Context, s *store.Store, create bool, now func() time.Time) (*Store, error) {
	db, err := s.Apart(ctx, create)
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, migrations.Surveys()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db: db, now: now}, nil
}

// Close closes the connections.
func (s *Store) Close() error { return s.db.Close() }

const importColumns = "survey, version, imported_at, closes_at, title, responses"

// List returns the latest import of each survey without its body, and every publication; both sorted by survey and
// version.
func (s *Store) List(ctx context.Context) ([]Import, []Publication, error) {
	var imports []Import
	err := s.db.Select(ctx, &imports, "SELECT "+importColumns+", '' AS body FROM answers ORDER BY survey, version DESC, "+
		"imported_at DESC LIMIT 1 BY survey", nil)
	if err != nil {
		return nil, nil, fmt.Errorf("listing the surveys: %w", err)
	}
	for i := range imports {
		imports[i].utc()
	}
	var published []Publication
	err = s.db.Select(ctx, &published, "SELECT survey, version, published_at FROM published_versions ORDER BY survey, "+
		"version", nil)
	if err != nil {
		return nil, nil, fmt.Errorf("listing the published surveys: %w", err)
	}
	for i := range published {
		published[i].Published = published[i].Published.UTC()
	}
	return imports, published, nil
}

func (i *Import) utc() { i.Imported, i.Closes = i.Imported.UTC(), i.Closes.UTC() }

// Load returns an import with its body: of a version, or the latest for version 0. ok is false if there is none.
func (s *Store) Load(ctx context.Context, survey string, version uint64) (found Import, ok bool, err error) {
	var imports []Import
	err = s.db.Select(ctx, &imports, "SELECT "+importColumns+`, body FROM answers
WHERE survey = {survey:String} AND ({version:UInt64} = 0 OR version = {version:UInt64}) 
ORDER BY version DESC, imported_at DESC LIMIT 1`,
		map[string]any{"survey": survey, "version": version})
	if err != nil {
		return Import{}, false, fmt.Errorf("reading the answers of survey %s: %w", survey, err)
	}
	if len(imports) == 0 {
		return Import{}, false, nil
	}
	imports[0].utc()
	return imports[0], true, nil
}

// Save stores an import in one step. Readers see the previous one until then, and this one from then on, also after a
// crash. The earlier imports are deleted afterwards, except for published ones; what a crash leaves of them is deleted
// by the next Save.
func (s *Store) Save(ctx context.Context, i Import) error {
	if err := s.db.Insert(ctx, "answers", i); err != nil {
		return fmt.Errorf("storing the answers of survey %s: %w; the answers that were stored before are unchanged",
			i.Survey, err)
	}
	err := s.db.Delete(ctx, "answers", `survey = {survey:String} AND version < {version:UInt64}
AND version NOT IN (SELECT version FROM published_versions WHERE survey = {survey:String})`,
		map[string]any{"survey": i.Survey, "version": i.Version})
	if err != nil {
		return fmt.Errorf("deleting the earlier answers of survey %s (the new ones are stored): %w", i.Survey, err)
	}
	return nil
}

// Deletion is what stays of a survey that was deleted: what was shown of it, in the words of the caller.
type Deletion struct {
	Survey  string    `ch:"survey"`
	Deleted time.Time `ch:"deleted_at"`
	Closes  time.Time `ch:"closes_at"`
	Shown   string    `ch:"shown"`
}

// Delete deletes all of a survey: its answers, its key and the record of its publications. Of it stays d, whose Deleted
// is set here; an end in between leaves a survey that can be deleted again.
func (s *Store) Delete(ctx context.Context, d Deletion) error {
	d.Deleted = s.now().UTC()
	if err := s.db.Insert(ctx, "deleted_surveys", d); err != nil {
		return fmt.Errorf("deleting survey %s: %w", d.Survey, err)
	}
	return s.Forget(ctx, d.Survey, "answers", "respondent_keys", "published_versions")
}

// Deleted returns the latest deletion of a survey; ok is false if it was never deleted, or if that has expired.
func (s *Store) Deleted(ctx context.Context, survey string) (d Deletion, ok bool, err error) {
	var found []Deletion
	err = s.db.Select(ctx, &found, `SELECT survey, deleted_at, closes_at, shown FROM deleted_surveys
WHERE survey = {survey:String} ORDER BY deleted_at DESC, shown DESC LIMIT 1`, map[string]any{"survey": survey})
	if err != nil {
		return Deletion{}, false, fmt.Errorf("reading what was shown of survey %s before it was deleted: %w", survey, err)
	}
	if len(found) == 0 {
		return Deletion{}, false, nil
	}
	d = found[0]
	d.Deleted, d.Closes = d.Deleted.UTC(), d.Closes.UTC()
	return d, true, nil
}

// Forget deletes the rows of a survey from tables; without tables from all of them, so that nothing stays.
func (s *Store) Forget(ctx context.Context, survey string, tables ...string) error {
	if len(tables) == 0 {
		tables = []string{"answers", "respondent_keys", "published_versions", "deleted_surveys"}
	}
	for _, table := range tables {
		err := s.db.Delete(ctx, table, "survey = {survey:String}", map[string]any{"survey": survey})
		if err != nil {
			return fmt.Errorf("deleting survey %s: %w", survey, err)
		}
	}
	return nil
}

// Expire deletes the answers and keys of surveys that closed before a time, and what was shown of deleted ones, and
// returns the surveys whose answers it deleted. The record of their publications stays.
func (s *Store) Expire(ctx context.Context, before time.Time) ([]string, error) {
	var found []struct {
		Survey string `ch:"survey"`
	}
	params := map[string]any{"before": before}
	const old = "closes_at < {before:DateTime64(3, 'UTC')}"
	err := s.db.Select(ctx, &found, "SELECT DISTINCT survey FROM deleted_surveys WHERE "+old, params)
	if err == nil && len(found) > 0 {
		err = s.db.Delete(ctx, "deleted_surveys", old, params)
	}
	if err != nil {
		return nil, fmt.Errorf("deleting what was shown of deleted surveys, which has expired: %w", err)
	}
	found = nil
	err = s.db.Select(ctx, &found, "SELECT DISTINCT survey FROM answers WHERE "+old+" ORDER BY survey", params)
	if err != nil {
		return nil, fmt.Errorf("looking for answers that have expired: %w", err)
	}
	var expired []string
	for _, f := range found {
		expired = append(expired, f.Survey)
		err := s.db.Delete(ctx, "respondent_keys", "survey = {survey:String}", map[string]any{"survey": f.Survey})
		if err != nil {
			return nil, fmt.Errorf("deleting the key of survey %s, which has expired: %w", f.Survey, err)
		}
	}
	if len(expired) == 0 {
		return nil, nil
	}
	if err := s.db.Delete(ctx, "answers", old, params); err != nil {
		return nil, fmt.Errorf("deleting answers that have expired: %w", err)
	}
	return expired, nil
}

// Key returns the key of a survey's hashes; ok is false if there is none.
func (s *Store) Key(ctx context.Context, survey string) (key string, ok bool, err error) {
	var found []struct {
		Key string `ch:"key"`
	}
	// The first one: of two imports that made one at the same time, both use it.
	err = s.db.Select(ctx, &found, "SELECT key FROM respondent_keys WHERE survey = {survey:String} ORDER BY created_at, "+
		"key LIMIT 1", map[string]any{"survey": survey})
	if err != nil || len(found) == 0 {
		return "", false, err
	}
	return found[0].Key, true, nil
}

// SaveKey stores the key of a survey's hashes.
func (s *Store) SaveKey(ctx context.Context, survey, key string) error {
	err := s.db.Insert(ctx, "respondent_keys", struct {
		Survey  string    `ch:"survey"`
		Key     string    `ch:"key"`
		Created time.Time `ch:"created_at"`
	}{survey, key, s.now().UTC()})
	if err != nil {
		return fmt.Errorf("storing the key of survey %s: %w", survey, err)
	}
	return nil
}

// Publish records that a version was published, and deletes the key unless keepKey.
func (s *Store) Publish(ctx context.Context, survey string, version uint64, keepKey bool) error {
	if err := s.db.Insert(ctx, "published_versions", Publication{survey, version, s.now().UTC()}); err != nil {
		return fmt.Errorf("recording the publication of survey %s: %w", survey, err)
	}
	if keepKey {
		return nil
	}
	err := s.db.Delete(ctx, "respondent_keys", "survey = {survey:String}", map[string]any{"survey": survey})
	if err != nil {
		return fmt.Errorf("deleting the key of survey %s: %w; publish it again", survey, err)
	}
	return nil
}
