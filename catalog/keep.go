package catalog

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/files"
	"github.com/dxctl/dxctl/people"
)

// Recalled is what the store last held of files that cannot be read now.
type Recalled struct {
	Entities []descriptor.Entity
	People   people.Recalled
}

// Recaller returns what was stored by [Catalog.Sync]; the store does.
type Recaller interface {
	people.Recaller
	// CatalogDefinitions returns, as JSON, the entities that were read from these files, below these directories, or
	// from what Locations in them name.
	CatalogDefinitions(ctx context.Context, files []string) ([]string, error)
}

// Recall returns what the store holds of these files, of files below these directories, and of what Locations in them
// lead to.
func Recall(ctx context.Context, store Recaller, files []string) (Recalled, error) {
	var recalled Recalled
	definitions, err := store.CatalogDefinitions(ctx, files)
	if err != nil {
		return recalled, fmt.Errorf("reading what the catalog last held of files that cannot be read: %w", err)
	}
	for _, d := range definitions {
		var e descriptor.Entity
		if err := json.Unmarshal([]byte(d), &e); err != nil {
			return recalled, fmt.Errorf("reading a stored entity: %w", err)
		}
		recalled.Entities = append(recalled.Entities, e)
	}
	recalled.People, err = people.Recall(ctx, store, files)
	return recalled, err
}

// keep adds what is known from earlier of files that cannot be read now, or not in full, and is described nowhere else.
func (l *loader) keep(records *people.Records, recall func(files []string) (Recalled, error)) error {
	lost := l.LostFiles()
	if recall == nil || len(lost) == 0 {
		return nil
	}
	recalled, err := recall(lost)
	if err != nil {
		return err
	}
	l.keepEntities(recalled.Entities)
	records.Keep(recalled.People)
	return nil
}

func (l *loader) keepEntities(entities []descriptor.Entity) {
	var names []string
	for _, e := range entities {
		if _, described := l.catalog.byRef[e.Ref]; described {
			continue
		}
		l.put(e, origin{})
		names = append(names, e.Ref)
	}
	if len(names) > 0 {
		l.Warn("", 0, "%s kept as last read, because the files that describe them cannot be read: %s",
			files.Count(len(names), "entity is", "entities are"), files.Listed(names))
	}
}
