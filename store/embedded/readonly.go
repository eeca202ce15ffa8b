package embedded

import (
	"fmt"
	"regexp"
	"strings"
)

// readsFile matches a line of EXPLAIN AST that calls the function file, as SELECT file('/etc/passwd') or APPLY(file).
// ClickHouse's readonly stops the table function of that name but not this one, which on a server sees only one
// directory, and in a library every file of the user. catboostEvaluate loads a library.
var readsFile = regexp.MustCompile(`(?im)^\s*(Function (file|catboostEvaluate)( |$)|.*ApplyTransformer.*)`)

// checkReadonly refuses what ClickHouse's own readonly setting lets pass in a library: statements that write a file
// (INTO OUTFILE is the client's work, and here the client is the library), that end queries, or that read files.
func (c *conn) checkReadonly(r *request, class uint32) error {
	switch class {
	case classReadOnly:
	case classUnknown:
		return nil // does not parse: let ClickHouse say where
	default:
		return refuse(164, "READONLY", "Cannot execute query in readonly mode: only SELECT, SHOW, DESCRIBE, EXPLAIN, "+
			"EXISTS and CHECK can run, and not INTO OUTFILE")
	}
	var tree []byte
	var err error
	c.do(func() { tree, err = c.run("EXPLAIN AST "+r.sql, "TSVRaw", newParams(r.params)) })
	if err != nil {
		return err
	}
	if found := readsFile.FindString(string(tree)); found != "" {
		return refuse(
			164,
			"READONLY",
			fmt.Sprintf("Cannot execute query in readonly mode: it reads files (%s)", strings.TrimSpace(found)),
		)
	}
	return nil
}
