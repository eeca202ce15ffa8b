package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dxctl/dxctl/files"
)

// Replacer replaces the whole content of a part of the stored catalog in one step: "entities", "bindings", "paths",
// "identities", "people". rows is a slice of structs with `ch:"column"` tags; the store has the columns.
type Replacer interface {
	Replace(ctx context.Context, part string, rows any) error
}

type entityRow struct {
	Ref         string            `ch:"ref"`
	Kind        string            `ch:"kind"`
	Namespace   string            `ch:"namespace"`
	Name        string            `ch:"name"`
	Title       string            `ch:"title"`
	Description string            `ch:"description"`
	Type        string            `ch:"type"`
	Lifecycle   string            `ch:"lifecycle"`
	Owner       string            `ch:"owner"`
	System      string            `ch:"system"`
	DependsOn   []string          `ch:"depends_on"`
	Tags        []string          `ch:"tags"`
	Annotations map[string]string `ch:"annotations"`
	CreatedAt   *time.Time        `ch:"created_at"`
	Location    string            `ch:"location"`   // file:line
	Definition  string            `ch:"definition"` // the entity as JSON
}

type bindingRow struct {
	Provider string `ch:"provider"`
	Scope    string `ch:"scope"`
	Source   string `ch:"source"`
	Service  string `ch:"service"`
}

type pathRow struct {
	Provider string `ch:"provider"`
	Scope    string `ch:"scope"`
	Path     string `ch:"path"`
	Service  string `ch:"service"`
}

// Sync stores the catalog: entities, bindings, paths, identities and people. Each is replaced in one step; a reader
// between two of them sees an old one together with a new one, never an empty one.
func (c *Catalog) Sync(ctx context.Context, store Replacer) error {
	entities, err := c.entityRows()
	if err != nil {
		return err
	}
	for _, t := range []struct {
		name string
		rows any
	}{
		{"entities", entities},
		{"bindings", c.bindingRows()},
		{"paths", c.pathRows()},
	} {
		if err := store.Replace(ctx, t.name, t.rows); err != nil {
			return fmt.Errorf("storing the %s of the catalog: %w", t.name, err)
		}
	}
	return c.people.Sync(ctx, store)
}

func (c *Catalog) entityRows() ([]entityRow, error) {
	rows := make([]entityRow, 0, len(c.entities))
	for _, e := range c.entities {
		definition, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("write %s as JSON: %w", e.Ref, err)
		}
		rows = append(rows, entityRow{
			Ref: e.Ref, Kind: e.Kind, Namespace: e.Namespace, Name: e.Name, Title: e.Title, Description: e.Description,
			Type: e.Type, Lifecycle: e.Lifecycle, Owner: e.Owner, System: e.System,
			DependsOn: notNil(e.DependsOn), Tags: notNil(e.Tags), Annotations: e.Annotations,
			CreatedAt: nullable(e.CreatedAt), Location: files.Position(e.File, e.Line), Definition: string(definition),
		})
		if e.Annotations == nil {
			rows[len(rows)-1].Annotations = map[string]string{}
		}
	}
	return rows, nil
}

func (c *Catalog) bindingRows() []bindingRow {
	rows := make([]bindingRow, 0, len(c.bindings))
	for _, b := range c.bindings {
		rows = append(rows, bindingRow(b))
	}
	return rows
}

func (c *Catalog) pathRows() []pathRow {
	rows := make([]pathRow, 0, len(c.paths))
	for _, p := range c.paths {
		rows = append(rows, pathRow(p))
	}
	return rows
}

func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func nullable(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
