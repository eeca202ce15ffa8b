package migrations

import (
	"context"
	"fmt"
	"strconv"
)

// An empty database gets the latest schema from schema.sql, which takes a tenth of the time that the statements of all
// migrations take. A marker, the table schema_creation, is created first and dropped last:
//
//	empty → marker → marker + some objects → marker + all objects + records → all objects + records
//
// A process that finds the marker continues the creation, because every step can be repeated. It also does so while
// another process creates the same database. The comment of the marker is the version of the schema: an older or newer
// program would mix two versions, so it refuses.
const markerTable = "schema_creation"

// create creates the schema if the database is empty or its creation was interrupted, and reports whether it did.
func create(ctx context.Context, db Execer, o Options) (created bool, err error) {
	begun, empty, err := findMarker(ctx, db)
	if err != nil || !begun && !empty {
		return false, err
	}
	if records, err := Check(ctx, db, o.Migrations); err != nil || len(records) > 0 && !begun {
		return false, err // the records are known and the tables are lost: the store creates them again
	}
	err = db.Exec(ctx, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (version UInt32) ENGINE = MergeTree ORDER BY version "+
		"COMMENT '%d'", markerTable, len(o.Migrations)))
	if err != nil {
		return false, fmt.Errorf("creating the table %s: %w", markerTable, err)
	}
	for _, object := range Objects() {
		sql := createPattern.ReplaceAllString(object.SQL, "CREATE $1 IF NOT EXISTS $2")
		if err := db.Exec(ctx, sql); err != nil {
			return false, fmt.Errorf("creating %s: %w; fix the cause and run `dxctl migrate`, which resumes here",
				object.Name, err)
		}
	}
	all := make([]progress, 0, len(o.Migrations))
	for _, m := range o.Migrations {
		all = append(all, progress{m, len(Statements(m.SQL)), len(Statements(m.SQL))})
	}
	if err := note(ctx, db, o, all...); err != nil {
		return false, err
	}
	if err := db.Exec(ctx, "DROP TABLE IF EXISTS "+markerTable+" SYNC"); err != nil {
		return false, fmt.Errorf("dropping the table %s: %w", markerTable, err)
	}
	return true, nil
}

// findMarker reports whether a creation has begun, and whether the database has no tables.
func findMarker(ctx context.Context, db Execer) (begun, empty bool, err error) {
	var tables []struct {
		Name    string `ch:"name"`
		Comment string `ch:"comment"`
	}
	err = db.Select(ctx, &tables, "SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND name != "+
		"'schema_migrations' ORDER BY name = '"+markerTable+"' DESC LIMIT 1")
	if err != nil {
		return false, false, fmt.Errorf("listing the tables: %w", err)
	}
	if len(tables) == 0 {
		return false, true, nil
	}
	if tables[0].Name != markerTable {
		return false, false, nil
	}
	if latest := strconv.Itoa(Latest()); tables[0].Comment != latest {
		return false, false, fmt.Errorf("checking the schema: creating version %s of it was interrupted, and this dxctl "+
			"creates version %s; the database has no data yet: drop it (or remove the data directory) and run the "+
			"command again", tables[0].Comment, latest)
	}
	return true, false, nil
}
