package people

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/files"
)

type tables map[string]any

func (r tables) Replace(_ context.Context, table string, rows any) error {
	r[table] = rows
	return nil
}

func TestSyncRows(t *testing.T) {
	records := newRecords(files.NewReader("."), noTeams)
	records.readCSV("people.csv", []byte("person,team,start_date,logins\nal,p,2026-01-02,github:Al\n"))
	got := tables{}
	if err := records.Resolve(nil).Sync(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	started := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	want := tables{
		"identities": []identityRow{{"github", "al", "al", false}},
		"people":     []personRow{{Person: "al", Team: "p", StartedOn: &started, Source: "people.csv:2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows differ (- want, + got):\n%s", diff)
	}
}

// refusing is a store that does not take the rows of one table.
type refusing string

func (r refusing) Replace(_ context.Context, table string, _ any) error {
	if table == string(r) {
		return errors.New("disk full")
	}
	return nil
}

func TestSyncNamesTheTable(t *testing.T) {
	for _, table := range []string{"identities", "people"} {
		err := new(Directory).Sync(t.Context(), refusing(table))
		if want := "storing the " + table + " of the catalog: disk full"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A person counts as started if any of their rows has a start date; a bot is no person.
func TestWithoutStart(t *testing.T) {
	records := newRecords(files.NewReader("."), noTeams)
	records.readCSV("people.csv", []byte("person,team,start_date,logins,bot\nada,,,github:ada,\nbo,p,,,\nbo,q,2026-01-02,,\n"+
		"cy,p,1900-01-01,,\nci-bot,,,github:ci-bot,yes\n"))
	if d := records.Resolve(nil); d.WithoutStart() != 2 || d.Size() != 3 {
		t.Errorf("%d of %d people without a start date, want 2 of 3", d.WithoutStart(), d.Size())
	}
}
