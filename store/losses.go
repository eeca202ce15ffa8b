package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/migrations"
	"github.com/dxctl/dxctl/store/manifest"
)

// Loss is what a table has lost, as far as that can be told.
type Loss struct {
	Table  string
	Parts  int     // of the table that are gone; 0: the table is missing
	Rows   *uint64 // in them; nil: not known
	Detail string  // the parts, and where damaged ones were set aside
	Remedy string  // how it comes back
}

// String says what is lost, and how it comes back.
func (l Loss) String() string {
	what := "the table " + l.Table + " is missing"
	if l.Parts > 0 {
		rows := "an unknown number of rows"
		if l.Rows != nil {
			rows = fmt.Sprintf("%d rows", *l.Rows)
		}
		what = fmt.Sprintf("the table %s has lost %d of its parts with %s", l.Table, l.Parts, rows)
	}
	if l.Detail != "" {
		what += " (" + l.Detail + ")"
	}
	return what + ": " + l.Remedy
}

// acceptHint ends the remedy of what does not come back by itself.
const acceptHint = `; then run "dxctl doctor --accept-losses"`

// remedy says how what a table held comes back.
func remedy(table string) string {
	const backfill = `stop dxctl, read it again with "dxctl collect --backfill", and send again what scripts had sent` + acceptHint
	switch table {
	case "checkpoints":
		return "the next collect reads every source again from its beginning, and nothing else is lost" + acceptHint
	case "raw_ledger":
		return "the next collect of each source writes it again" + acceptHint
	case "current_facts", "current_grades":
		return "the next collect and grading write it again" + acceptHint
	case "fact_history", "grade_history", "fact_reads", "fact_sets", "rules_history":
		return "it cannot be read again: what holds now is kept, its history begins anew; restore a backup " +
			"if you need it" + acceptHint
	case "raw_action_runs", "raw_action_steps", "raw_action_batches", "raw_survey_results", "raw_published_surveys":
		return "it cannot be read again; restore a backup " +
			"if you need it" + acceptHint
	case "schema_migrations":
		return `the next command recognizes the version by the tables and records it again, and nothing else is lost` + acceptHint
	}
	if derived(table) {
		return "it is written again from dx.yaml, the descriptors and the people at the next start"
	}
	return backfill
}

// derived reports whether a table is replaced as a whole from what is kept elsewhere, so that its parts are no loss.
func derived(table string) bool { return strings.HasPrefix(table, catalogPrefix) }

// tracked reports whether the manifest names the parts of a table.
func tracked(table string) bool { return !derived(table) && !strings.Contains(table, stagingMark) }

// contents is what the database holds and lacks.
type contents struct {
	manifest.Contents
	aside   map[string][]string // the parts that ClickHouse set aside because they are damaged, by table
	missing []migrations.Object
}

// look reads what the database holds.
func (s *Store) look(ctx context.Context) (contents, error) {
	c := contents{aside: map[string][]string{}}
	c.Tables = map[string]manifest.Table{}
	var rows []struct {
		Table string `ch:"table"`
		UUID  string `ch:"uuid"`
		Part  string `ch:"part"`
		Rows  uint64 `ch:"n"`
		Aside bool   `ch:"aside"`
	}
	err := s.Select(
		ctx,
		&rows,
		`SELECT t.name AS table, toString(t.uuid) AS uuid, p.name AS part, p.rows AS n, false AS aside
FROM (SELECT name, uuid FROM system.tables WHERE database = currentDatabase() AND endsWith(engine, 'MergeTree')) AS t
LEFT JOIN (SELECT table, name, rows FROM system.parts WHERE database = currentDatabase() AND active) AS p ON p.table = t.name
UNION ALL
SELECT table, '' AS uuid, name AS part, 0 AS n, true AS aside FROM system.detached_parts
WHERE database = currentDatabase() AND reason LIKE 'broken%'
SETTINGS join_use_nulls = 0`,
		nil,
	)
	if err != nil {
		return c, fmt.Errorf("listing the parts of the tables: %w", err)
	}
	for _, r := range rows {
		if !tracked(r.Table) {
			continue
		}
		if r.Aside {
			c.aside[r.Table] = append(c.aside[r.Table], r.Part)
			continue
		}
		t, known := c.Tables[r.Table]
		if !known {
			t = manifest.Table{UUID: r.UUID, Parts: map[string]uint64{}}
			c.Tables[r.Table] = t
		}
		if r.Part != "" {
			t.Parts[r.Part] = r.Rows
		}
	}
	info, err := s.Info(ctx)
	if err != nil {
		return c, err
	}
	c.Schema = info.SchemaVersion
	c.Pending = info.SchemaVersion < info.LatestSchema
	if c.missing, _, err = s.missing(ctx); err != nil {
		return c, err
	}
	return c, nil
}

// Losses returns what is missing from the store: parts of tables that were there once and are neither there nor merged
// into others, parts that ClickHouse set aside because they are damaged, and whole tables. A part that is stored after
// one call and lost before the next goes unnoticed. It is cheap, and meant to be called at the start of a command and
// once a minute.
//
// While migrations wait to be applied, tables may be missing or replaced for that reason: only damage is returned then.
func (s *Store) Losses(ctx context.Context) ([]Loss, error) {
	var losses []Loss
	err := s.manifest.Locked(ctx, func() error {
		c, err := s.look(ctx)
		if err != nil {
			return err
		}
		m := manifest.Manifest{}
		if s.manifest.Path() != "" {
			if m, err = s.manifest.Read(); err != nil {
				return err
			}
			m.Update(c.Contents, s.now().UTC())
			if !c.Pending {
				err = s.manifest.Write(m)
			}
		}
		losses = c.losses(m)
		return err
	})
	if err != nil {
		return losses, fmt.Errorf("looking for losses in the store at %s: %w", s.address, err)
	}
	note := func() { s.noteAtClose(ctx) }
	s.atClose.Store(&note)
	return losses, nil
}

// notePatience is how long Close takes at most to note what is stored.
const notePatience = 5 * time.Second

// noteAtClose takes what was stored since the last look into the manifest, also after ctx has ended.
func (s *Store) noteAtClose(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notePatience)
	defer cancel()
	if _, err := s.Losses(ctx); err != nil {
		s.logger.Debug("what was stored since the last check is not noted", "error", err)
	}
}

// AcceptLosses sets aside the parts that are damaged and stops reporting what is lost now. What is set aside stays on
// disk.
func (s *Store) AcceptLosses(ctx context.Context) error {
	err := s.manifest.Locked(ctx, func() error {
		if s.manifest.Path() == "" {
			return errors.New("losses of a ClickHouse server are accepted there: remove its detached parts (ALTER TABLE … " +
				"DROP DETACHED PART)")
		}
		if err := s.setAside(ctx); err != nil {
			return err
		}
		c, err := s.look(ctx)
		if err != nil {
			return err
		}
		m, err := s.manifest.Read()
		if err != nil {
			return err
		}
		m.Update(c.Contents, s.now().UTC())
		m.Lost, m.Accepted = nil, nil
		for table, names := range c.aside {
			for _, name := range names {
				m.Accepted = append(m.Accepted, table+"/"+name)
			}
		}
		slices.Sort(m.Accepted)
		return s.manifest.Write(m)
	})
	if err != nil {
		return fmt.Errorf("accepting the losses of the store at %s: %w", s.address, err)
	}
	return nil
}

// losses groups by table what is lost.
func (c contents) losses(m manifest.Manifest) []Loss {
	byTable := map[string]*Loss{}
	details := map[string][]string{}
	add := func(table, part string, rows *uint64) {
		l := byTable[table]
		if l == nil {
			l = &Loss{Table: table, Remedy: remedy(table), Rows: new(uint64)}
			byTable[table] = l
		}
		l.Parts++
		if rows == nil || l.Rows == nil {
			l.Rows = nil
		} else {
			*l.Rows += *rows
		}
		details[table] = append(details[table], part)
	}
	aside := map[string]bool{} // table/part, of those that the manifest has
	for _, l := range m.Lost {
		if l.Part == "" {
			add(l.Table, "the whole table was missing, and was made again", nil)
			continue
		}
		text := l.Part
		for _, name := range c.aside[l.Table] {
			if strings.HasSuffix(name, "_"+l.Part) {
				aside[l.Table+"/"+name] = true
				text += " was damaged and is set aside as detached/" + name
			}
		}
		add(l.Table, text, &l.Rows)
	}
	for table, names := range c.aside {
		for _, name := range names {
			if !aside[table+"/"+name] && !slices.Contains(m.Accepted, table+"/"+name) && !c.Tables[table].Restored(name) {
				add(table, "damaged, and set aside as detached/"+name, nil)
			}
		}
	}
	var out []Loss
	if !c.Upgrading(m) {
		for _, o := range c.missing {
			switch {
			case o.View:
				out = append(
					out,
					Loss{Table: o.Name, Detail: "a view", Remedy: `the next command makes it again (or run "dxctl migrate")`},
				)
			case byTable[o.Name] == nil:
				out = append(out, Loss{Table: o.Name, Remedy: `the next command makes it again, empty; ` + remedy(o.Name)})
			}
		}
	}
	for _, table := range slices.Sorted(maps.Keys(byTable)) {
		l := byTable[table]
		l.Detail = shorten(details[table])
		out = append(out, *l)
	}
	return out
}

// detailsShown is how many parts a loss names.
const detailsShown = 3

func shorten(details []string) string {
	if more := len(details) - detailsShown; more > 0 {
		details = append(slices.Clone(details[:detailsShown]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(details, ", ")
}
