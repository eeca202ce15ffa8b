package archive_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/guard"
	"github.com/dxctl/dxctl/store/storetest"
	"github.com/dxctl/dxctl/surveys"
	"github.com/dxctl/dxctl/surveys/archive"
)

// endless names a data directory: the test binary then stores imports in it until it is killed.
const endless = "DXCTL_ARCHIVE_TEST_DIRECTORY"

func TestMain(m *testing.M) {
	if dir := os.Getenv(endless); dir != "" {
		if err := importForever(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(storetest.Run(m))
}

var now = time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// answersOf returns n responses that all give the same mark.
func answersOf(survey string, n int, mark surveys.Point) surveys.Answers {
	a := surveys.Answers{
		Survey: survey, Title: "Survey " + survey, Opens: now.AddDate(0, 0, -20), Closes: now.AddDate(0, 0, -5),
		TimeZone: "Europe/Berlin",
		Items: []surveys.Item{
			{Key: "builds", Kind: surveys.Rating, Scale: surveys.Scale{Min: 1, Max: 5}, Reversed: true},
			{Key: "why", Kind: surveys.Comment},
		},
		Parents:  map[string]string{"cards": "payments"},
		Turnout:  surveys.Turnout{Shown: map[string][]int{"": {5, n}}},
		Invited:  []surveys.GroupSize{{Groups: surveys.Groups{Team: "cards"}, People: n + 1}},
		Excluded: map[string]int{"late": 2},
	}
	for i := range n {
		a.Responses = append(a.Responses, surveys.Response{
			Groups:     surveys.Groups{Team: []string{"cards", "web"}[i%2], GoldenPath: surveys.OnGoldenPath},
			Respondent: fmt.Sprint("hash", i), Ratings: []surveys.Point{mark, surveys.NotAnswered},
			Comments: []string{"", fmt.Sprint("canary comment ", i)},
		})
	}
	return a
}

func open(t *testing.T, s *store.Store, o archive.Options) *archive.Archive {
	t.Helper()
	o.Now = clock
	a, err := archive.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func save(t *testing.T, a *archive.Archive, all surveys.Answers) uint64 {
	t.Helper()
	version, err := a.Save(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func TestArchive(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	unused := open(t, s, archive.Options{})
	if all, err := unused.List(ctx); err != nil || len(all) != 0 {
		t.Errorf("an archive that was never used has %v, %v", all, err)
	}
	if _, err := unused.Load(ctx, "2026-Q3"); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("loading from it: %v", err)
	}
	if _, err := unused.Save(ctx, answersOf("2026-Q3", 1, 1)); err == nil {
		t.Error("an archive that is open for reading stored answers")
	}

	a := open(t, s, archive.Options{Create: true})
	want := answersOf("2026-Q3", 40, 2)
	first := save(t, a, want)
	got, err := a.Load(ctx, "2026-Q3")
	if err != nil {
		t.Fatal(err)
	}
	inOrder := func(r []surveys.Response) bool {
		return slices.EqualFunc(r, want.Responses, func(x, y surveys.Response) bool { return x.Respondent == y.Respondent })
	}
	if inOrder(got.Responses) {
		t.Error("the responses are in the order of the export, which is that of time")
	}
	slices.SortFunc(got.Responses, func(x, y surveys.Response) int {
		return strings.Compare(fmt.Sprintf("%8s", x.Respondent), fmt.Sprintf("%8s", y.Respondent))
	})
	want.Version, want.Imported = first, now
	if first != 1 || !reflect.DeepEqual(got, want) {
		t.Errorf("version %d is\n%+v\nwant\n%+v", first, got, want)
	}

	// An import takes the place of the one before, but not of a published one.
	second := save(t, a, answersOf("2026-Q3", 30, 3))
	if _, err := a.LoadVersion(ctx, "2026-Q3", first); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("the first import is still there: %v", err)
	}
	key, made, err := a.Key(ctx, "2026-Q3")
	if !onDisk(t, s, key) {
		t.Error("the key is not found on the disk before the publication, so that this test shows nothing")
	}
	again, madeAgain, err2 := a.Key(ctx, "2026-Q3")
	if err != nil || err2 != nil || key == "" || !made || again != key || madeAgain {
		t.Errorf("the key: %q %v %v, then %q %v %v", key, made, err, again, madeAgain, err2)
	}
	if err := a.Publish(ctx, "2026-Q3", second, false); err != nil {
		t.Fatal(err)
	}
	if _, there, err := a.PeekKey(ctx, "2026-Q3"); there || err != nil {
		t.Errorf("the key is there after the publication: %v", err)
	}
	if onDisk(t, s, key) {
		t.Error("the key is on the disk after the publication")
	}
	third := save(t, a, answersOf("2026-Q3", 31, 4))
	for version, n := range map[uint64]int{second: 30, third: 31, 0: 31} {
		if got, err := a.LoadVersion(ctx, "2026-Q3", version); err != nil || len(got.Responses) != n {
			t.Errorf("version %d has %d responses, want %d: %v", version, len(got.Responses), n, err)
		}
	}
	save(t, a, answersOf("2026-Q4", 3, 4))
	all, err := a.List(ctx)
	if err != nil || len(all) != 2 || all[0].Survey != "2026-Q3" || all[0].Version != third || all[0].Responses != 31 ||
		len(all[0].Published) != 1 || all[0].Published[0].Version != second {
		t.Errorf("the list is %+v, %v", all, err)
	}
	shown := surveys.Turnout{Parents: map[string]string{"cards": "payments"}, Shown: map[string][]int{"": {26, 31}}}
	if err := a.Delete(ctx, "2026-Q3", shown, all[0].Closes); err != nil {
		t.Fatal(err)
	}
	if kept, ok, err := a.Deleted(ctx, "2026-Q3"); !ok || err != nil || !reflect.DeepEqual(kept, shown) {
		t.Errorf("after the delete is known what was shown: %+v %v %v", kept, ok, err)
	}
	if _, ok, err := a.Deleted(ctx, "2026-Q4"); ok || err != nil {
		t.Errorf("a survey that is there was deleted: %v", err)
	}
	if all, err := a.List(ctx); err != nil || len(all) != 1 || all[0].Survey != "2026-Q4" {
		t.Errorf("after the delete the list is %+v, %v", all, err)
	}
}

// onDisk reports whether a file of the data directory contains a text.
func onDisk(t *testing.T, s *store.Store, text string) bool {
	t.Helper()
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	err = filepath.WalkDir(info.Path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || found || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // a file that the engine has just removed
		}
		content, err := os.ReadFile(path)
		found = err == nil && bytes.Contains(content, []byte(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAnswersExpire(t *testing.T) {
	s := storetest.Open(t)
	a := open(t, s, archive.Options{Create: true})
	for id, closed := range map[string]time.Time{"old": now.AddDate(0, -24, -1), "young": now.AddDate(0, -24, 1)} {
		all := answersOf(id, 5, 1)
		all.Closes = closed
		version := save(t, a, all)
		if err := a.Publish(t.Context(), id, version, true); err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.Key(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	for id, closes := range map[string]time.Time{"gone": now.AddDate(0, -25, 0), "known": now.AddDate(0, -23, 0)} {
		if err := a.Delete(t.Context(), id, surveys.Turnout{}, closes); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, s, archive.Options{Keep: 24})
	for id, want := range map[string]bool{"gone": false, "known": true} {
		if _, ok, err := b.Deleted(t.Context(), id); ok != want || err != nil {
			t.Errorf("what was shown of %s before it was deleted is known: %v, %v", id, ok, err)
		}
	}
	if !slices.Equal(b.Expired, []string{"old"}) {
		t.Errorf("expired: %v", b.Expired)
	}
	if _, err := b.Load(t.Context(), "old"); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("the old answers are still there: %v", err)
	}
	if _, there, err := b.PeekKey(t.Context(), "old"); there || err != nil {
		t.Errorf("the key of the old answers is still there: %v", err)
	}
	if _, err := b.Load(t.Context(), "young"); err != nil {
		t.Error(err)
	}
	// The number of a version never comes back, because the publication of the old one is still shown.
	if version := save(t, b, answersOf("old", 5, 1)); version != 2 {
		t.Errorf("the next import has version %d, want 2", version)
	}
}

// No statement that a reader may give returns anything of the answers' database.
func TestReadersCannotReachAnswers(t *testing.T) {
	s := storetest.Open(t)
	a := open(t, s, archive.Options{Create: true})
	save(t, a, answersOf("2026-Q3", 8, 5))
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apart := info.Database + guard.ApartSuffix
	for _, sql := range []string{
		"SELECT * FROM %s.answers",
		"SELECT body FROM `%s`.`answers`",
		`SELECT body FROM "%s"."answers" AS grades`,
		"SELECT count() FROM (SELECT * FROM %s.answers)",
		"WITH a AS (SELECT body FROM %s.answers) SELECT * FROM a",
		"SELECT 1 WHERE 'x' IN (SELECT body FROM %s.answers)",
		"SELECT 1 WHERE 'x' IN %s.respondent_keys",
		"SELECT g.entity FROM grades AS g JOIN %s.answers AS a ON a.survey = g.entity",
		"SELECT 1 UNION ALL SELECT version FROM %s.answers",
		"SELECT * FROM merge('%s', '.*')",
		"SELECT * FROM merge(REGEXP('%s'), '.*')",
		"SELECT * FROM cluster('default', %s.answers)",
		"SELECT * FROM remote('localhost', %s.answers)",
		"SELECT * FROM view(SELECT body FROM %s.answers)",
		"SELECT * FROM mergeTreeIndex('%s', 'answers')",
		"SELECT joinGet('%s.answers', 'body', 'x')",
		"SHOW CREATE TABLE %s.answers",
		"DESCRIBE TABLE %s.answers",
		"CHECK TABLE %s.answers",
		"EXPLAIN SELECT body FROM %s.answers",
		"USE %s",
		"DROP TABLE %s.answers",
		"SELECT * FROM other_surveys.answers -- %s",
	} {
		rows, err := s.Rows(t.Context(), fmt.Sprintf(sql, apart), nil)
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
			_ = rows.Close()
			t.Errorf("%s was answered (%v)", sql, err)
		}
	}
	// What describes tables shows no answer and no number of them, only that there is a survey.
	for _, table := range []string{"parts", "parts_columns", "columns", "tables"} {
		rows, err := s.Rows(t.Context(), "SELECT * FROM system."+table+" WHERE database LIKE '%_surveys' FORMAT JSON", nil)
		if err != nil {
			continue
		}
		for rows.Next() {
			dest := make([]any, len(rows.ColumnTypes()))
			for i := range dest {
				dest[i] = new(any)
			}
			_ = rows.Scan(dest...)
			for _, d := range dest {
				if text := fmt.Sprint(*d.(*any)); strings.Contains(text, "canary") || strings.Contains(text, "hash1") {
					t.Errorf("system.%s shows %s", table, text)
				}
			}
		}
		_ = rows.Close()
	}
}

// importForever stores imports whose responses all have the mark of their version, and prints each version that is
// stored.
func importForever(ctx context.Context, dir string) error {
	s, err := store.Open(ctx, store.Config{DSN: "embedded:" + dir}, store.Options{Program: "dxctl test"})
	if err != nil {
		return err
	}
	a, err := archive.Open(ctx, s, archive.Options{Create: true})
	if err != nil {
		return err
	}
	for {
		all, err := a.List(ctx)
		if err != nil {
			return err
		}
		next := uint64(1)
		if len(all) > 0 {
			next = all[0].Version + 1
		}
		version, err := a.Save(ctx, answersOf("2026-Q3", 2000, surveys.Point(next%100)))
		if err != nil {
			return err
		}
		fmt.Println(version)
	}
}

// A process that is killed while it imports leaves the answers that were there, or the new ones, and never a mixture.
func TestKilledWhileImporting(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), endless+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		last := ""
		lines := bufio.NewScanner(out)
		for killing := false; lines.Scan(); {
			last = lines.Text()
			if !killing {
				killing = true
				time.AfterFunc(time.Duration(rand.IntN(300))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			}
		}
		if err := cmd.Wait(); err == nil || last == "" {
			t.Fatalf("the process ended by itself: %v, last printed %q", err, last)
		}
		check := exec.Command(os.Args[0], "-test.run=^TestAfterKill$", "-test.v")
		check.Env = append(os.Environ(), "DXCTL_ARCHIVE_TEST_CHECK="+dir, "DXCTL_ARCHIVE_TEST_LAST="+last)
		if text, err := check.CombinedOutput(); err != nil {
			t.Fatalf("after version %s: %v\n%s", last, err, text)
		}
	}
}

// TestAfterKill checks a directory for TestKilledWhileImporting, in a process of its own: the engine of this one has
// another directory open.
func TestAfterKill(t *testing.T) {
	dir := os.Getenv("DXCTL_ARCHIVE_TEST_CHECK")
	if dir == "" {
		t.Skip("run by TestKilledWhileImporting")
	}
	s, err := store.Open(t.Context(), store.Config{DSN: "embedded:" + dir}, store.Options{Program: "dxctl test"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a := open(t, s, archive.Options{})
	defer a.Close()
	got, err := a.Load(t.Context(), "2026-Q3")
	if err != nil {
		t.Fatal(err)
	}
	var last uint64
	if _, err := fmt.Sscan(os.Getenv("DXCTL_ARCHIVE_TEST_LAST"), &last); err != nil {
		t.Fatal(err)
	}
	if got.Version != last && got.Version != last+1 || len(got.Responses) != 2000 {
		t.Errorf("version %d with %d responses, after %d was acknowledged", got.Version, len(got.Responses), last)
	}
	for _, r := range got.Responses {
		if r.Ratings[0] != surveys.Point(got.Version%100) {
			t.Fatalf("version %d has an answer of another version: %v", got.Version, r.Ratings)
		}
	}
}
