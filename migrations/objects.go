package migrations

import (
	_ "embed"
	"regexp"
)

//go:embed schema.sql
var latestSchema string

// Object is a table or view of the latest version.
type Object struct {
	Name string
	View bool
	SQL  string // the statement that creates it
}

var createPattern = regexp.MustCompile(`(?m)^CREATE (TABLE|VIEW) (\w+)`)

// Objects returns the objects of the latest schema, tables first, from schema.sql. A test keeps schema.sql equal to the
// result of the migrations.
func Objects() []Object {
	var out []Object
	for _, sql := range Statements(latestSchema) {
		if m := createPattern.FindStringSubmatch(sql); m != nil {
			out = append(out, Object{Name: m[2], View: m[1] == "VIEW", SQL: sql})
		}
	}
	return out
}
