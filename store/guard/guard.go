// Package guard bounds the queries of readers: what they may use, and how much they may take.
//
// A person's query may read the tables and nothing else: no files, no network, no other process, no secrets of the
// server. ClickHouse's readonly setting forbids writing and most table functions; what it leaves open is closed here by
// lists of what is allowed, so that what a newer engine adds is refused until somebody has looked at it:
// functions by their category, table functions, tables of the database system, engines of tables, kinds of statements.
//
// The parsed query (EXPLAIN AST) shows everything that is written as a function or a table. One thing it does not show:
// an identifier among the arguments of a function may be a column, or a function that is given by its name, as in
// arrayMap(file, paths). Only then is the analyzed query (EXPLAIN QUERY TREE) needed, which has resolved every name.
package guard

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// ApartSuffix ends the name of the database that keeps the answers of surveys, after the name of the store's database.
// A reader's query may name no database whose name ends so, whoever's it is.
const ApartSuffix = "_surveys"

// DB runs a query; the driver does.
type DB interface {
	Select(ctx context.Context, dest any, query string, args ...any) error
}

// Guard admits the queries of readers of one database. It is safe for concurrent use.
type Guard struct {
	db        DB
	database  string
	limits    Limits
	functions atomic.Pointer[functions] // of the engine; nil: not read yet
}

// New returns a guard of a database, which db is connected to.
func New(db DB, database string, limits Limits) *Guard {
	return &Guard{db: db, database: database, limits: limits}
}

// ForbiddenError reports what a reader's query uses and may not.
type ForbiddenError struct{ What string }

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("the query uses %s; a reader's query can read only the tables and views of the store, with "+
		"functions that compute", e.What)
}

// allowedCategories are ClickHouse's own groups of functions that compute from their arguments.
var allowedCategories = words(
	`Type Conversion,Dates and Times,Arrays,String,Geo,Hash,String Search,JSON,URL,Mathematical,Arithmetic,Geo Polygon,
Map,IP Address,Comparison,Tuple,Distance,Random Number,Bitmap,Time Series,NumericIndexedVector,Bit,UUID,Encoding,String Splitting,
String Replacement,Null,Rounding,Time Window,Conditional,Financial,Logical,QBit,Encryption`,
)

// allowedFunctions are those of other categories, and what the parser makes of operators and keywords.
var allowedFunctions = words(
	`bar,lowCardinalityKeys,lowCardinalityIndices,digits,currentDatabase,transform,blockNumber,blockSize,formatReadableSize,
formatReadableDecimalSize,formatReadableQuantity,formatReadableTimeDelta,parseTimeDelta,parseReadableSize,parseReadableSizeOrNull,
parseReadableSizeOrZero,minSampleSizeConversion,minSampleSizeContinuous,identity,version,revision,uptime,materialize,indexHint,isDecimalOverflow,
countDigits,ignore,finalizeAggregation,initializeAggregation,runningAccumulate,neighbor,runningDifference,
runningDifferenceStartingWithFirstValue,byteSize,toTypeName,toColumnTypeName,getSubcolumn,variantElement,variantType,visibleWidth,
rowNumberInBlock,rowNumberInAllBlocks,isConstant,defaultValueOfTypeName,defaultValueOfArgumentType,throwIf,getSizeOfEnumType,flipCoordinates,
formatQuery,formatQuerySingleLine,formatQueryOrNull,formatQuerySingleLineOrNull,normalizeQuery,normalizedQueryHash,MACNumToString,MACStringToNum,
_CAST,nested,caseWithExpression,lambda,untuple,grouping,exists,__toYearCalendarOnly`,
)

// refusedFunctions are of an allowed category and do more than compute.
var refusedFunctions = words("chdb,reverseDNSQuery")

var allowedTableFunctions = words(
	"numbers,numbers_mt,zeros,zeros_mt,generateseries,generate_series,values,sqlstandardvalues,null,view,viewexplain,generaterandom,primes",
)

// allowedSystem are the tables of the database system that describe tables, types and functions.
var allowedSystem = words(
	`one,numbers,numbers_mt,zeros,zeros_mt,tables,columns,databases,functions,table_functions,table_engines,formats,
data_type_families,aggregate_function_combinators,collations,time_zones,keywords,settings,build_options,contributors,licenses,
parts,parts_columns,detached_parts,detached_tables,merges,mutations,data_skipping_indices,projections,metrics,events,asynchronous_metrics,unicode,primes`,
)

// allowedEngines are engines of tables that keep their rows themselves; every *MergeTree is one too.
var allowedEngines = words("View,MaterializedView,Memory,Log,TinyLog,StripeLog,Join,Set,Buffer,Distributed,Null")

var allowedStatements = words(
	`SelectWithUnionQuery,SelectQuery,SelectIntersectExceptQuery,ShowTables,ShowColumns,ShowFunctions,ShowCreateTableQuery,
ShowCreateViewQuery,ShowCreateDatabaseQuery,DescribeQuery,ExistsTableQuery,ExistsViewQuery,ExistsDatabaseQuery,CheckQuery,Explain`,
)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Split(list, ",") {
		set[strings.TrimSpace(w)] = true
	}
	return set
}

// used is what a parsed query uses.
type used struct {
	functions []string // called
	named     []string // identifiers among the arguments of functions: columns, or functions given by name
	tables    []string // "name" or "database.name"; names of WITH are among them
	explains  bool     // the statement is an EXPLAIN
	settings  bool     // it has SETTINGS of its own
}

// inFunctions take a table's name as their second argument.
var inFunctions = regexp.MustCompile(`(?i)^(global)?(not)?(null)?in(ignoreset)?$`)

// parseTree reads the output of EXPLAIN AST: a node a line, indented by one more space than its parent. A name with a
// line break in it can make lines that look like nodes, which can only add to what is refused.
func parseTree(tree string) (used, error) {
	var u used
	var path []string     // nodes from the root to the one before
	before, named := 0, 0 // depth of the line before, of this line, if it is an identifier of a statement; 0: it is none
	for line := range strings.Lines(tree) {
		text := strings.TrimLeft(strings.TrimRight(line, "\n"), " ")
		depth := min(len(line)-len(strings.TrimLeft(line, " ")), len(path))
		before, named = named, 0
		path = append(path[:depth], text)
		kind, rest, _ := strings.Cut(text, " ")
		name := nodeName(rest)
		if depth == 0 && len(path) == 1 && !allowedStatements[kind] {
			return u, &ForbiddenError{"a statement of the kind " + kind}
		}
		parent := ""
		if depth > 0 {
			parent = path[depth-1]
		}
		switch kind {
		case "Explain":
			u.explains = true
		case "Set":
			u.settings = true
		case "Function":
			if strings.HasPrefix(parent, "TableExpression") {
				if !allowedTableFunctions[strings.ToLower(name)] {
					return u, &ForbiddenError{"the table function " + name}
				}
				continue
			}
			u.functions = append(u.functions, name)
		case "TableIdentifier":
			u.tables = append(u.tables, name)
		case "Identifier":
			if depth >= 2 && parent[:min(len(parent), 14)] == "ExpressionList" && strings.HasPrefix(path[depth-2], "Function ") {
				u.named = append(u.named, name)
				if caller := nodeName(strings.TrimPrefix(path[depth-2], "Function ")); inFunctions.MatchString(caller) {
					u.tables = append(u.tables, name)
				}
			} else if strings.HasSuffix(strings.Fields(parent + " x")[0], "Query") {
				// SHOW CREATE, EXISTS, CHECK: the node has no name of its own; a database stands before its table
				if n := len(u.tables); n > 0 && before == depth {
					u.tables[n-1] += "." + name
				} else {
					u.tables = append(u.tables, name)
				}
				named = depth
			}
		}
	}
	return u, nil
}

var nodeEnd = regexp.MustCompile(` \((alias .*|children \d+)\).*$`)

// nodeName cuts "(alias …)" and "(children 2)" off.
func nodeName(rest string) string { return nodeEnd.ReplaceAllString(rest, "") }

// functions are the functions of the engine by name; those whose case does not matter also by their lower-case name.
type functions struct {
	allowed     map[string]bool // false: known and not allowed
	insensitive map[string]bool
	aggregates  map[string]bool
	combinators []string
}

// loadFunctions reads the functions of the engine, once.
func (g *Guard) loadFunctions(ctx context.Context) (*functions, error) {
	if f := g.functions.Load(); f != nil {
		return f, nil
	}
	var rows []struct {
		Name        string `ch:"name"`
		Canonical   string `ch:"canonical"`
		Category    string `ch:"category"`
		Aggregate   bool   `ch:"is_aggregate"`
		Insensitive bool   `ch:"case_insensitive"`
		Combinator  bool   `ch:"combinator"`
		System      bool   `ch:"built_in"`
	}
	err := g.db.Select(
		ctx,
		&rows,
		`SELECT name, if(alias_to = '', name, alias_to) AS canonical, toString(categories) AS category,
    is_aggregate = 1 AS is_aggregate, case_insensitive = 1 AS case_insensitive, false AS combinator, origin = 'System' AS built_in
FROM system.functions
UNION ALL SELECT name, '' AS canonical, '' AS category, false AS is_aggregate, false AS case_insensitive, true AS combinator, true AS built_in
FROM system.aggregate_function_combinators`,
	)
	if err != nil {
		return nil, fmt.Errorf("reading the functions of the engine: %w", err)
	}
	categories := map[string]string{}
	for _, r := range rows {
		categories[r.Name] = r.Category
	}
	f := &functions{allowed: map[string]bool{}, insensitive: map[string]bool{}, aggregates: map[string]bool{}}
	for _, r := range rows {
		if r.Combinator {
			f.combinators = append(f.combinators, r.Name)
			continue
		}
		ok := r.System && !refusedFunctions[r.Canonical] && !refusedFunctions[r.Name] &&
			(r.Aggregate || allowedCategories[categories[r.Canonical]] || allowedFunctions[r.Canonical])
		names := []string{r.Name}
		if r.Insensitive {
			names = append(names, strings.ToLower(r.Name))
			f.insensitive[strings.ToLower(r.Name)] = true
		}
		for _, name := range names {
			f.allowed[name] = ok
			f.aggregates[name] = r.Aggregate
		}
	}
	g.functions.Store(f)
	return f, nil
}

// find returns whether the engine knows a function of that name, and whether it is allowed.
func (f *functions) find(name string) (known, allowed bool) {
	if ok, there := f.allowed[name]; there {
		return true, ok
	}
	if lower := strings.ToLower(name); f.insensitive[lower] {
		return true, f.allowed[lower]
	}
	if f.aggregate(name) {
		return true, true
	}
	return false, allowedFunctions[name] // what the parser makes
}

// aggregate reports whether the name is an aggregate function's, with any combinators: sumIfOrNull.
func (f *functions) aggregate(name string) bool {
	if f.aggregates[name] || f.insensitive[strings.ToLower(name)] && f.aggregates[strings.ToLower(name)] {
		return true
	}
	return slices.ContainsFunc(f.combinators, func(c string) bool {
		base, found := strings.CutSuffix(name, c)
		return found && base != "" && f.aggregate(base)
	})
}

// Admit returns a [ForbiddenError] when the query uses what a reader's query may not. args are the driver's.
func (g *Guard) Admit(ctx context.Context, sql string, args []any) error {
	f, err := g.loadFunctions(ctx)
	if err != nil {
		return err
	}
	u, err := g.parsed(ctx, sql, args)
	if err != nil {
		return err
	}
	if u.settings {
		return &ForbiddenError{"SETTINGS"}
	}
	suspects, err := f.check(u)
	if err != nil {
		return err
	}
	if len(suspects) > 0 {
		if err := g.resolve(ctx, f, u, suspects[0], sql, args); err != nil {
			return err
		}
	}
	return g.admitTables(ctx, f, u.tables, 0)
}

// check refuses functions that are not allowed, and returns the identifiers that may be such functions given by name.
func (f *functions) check(u used) (suspects []string, err error) {
	for _, name := range u.functions {
		if known, allowed := f.find(name); !known && !allowed {
			return nil, &ForbiddenError{"the unknown function " + name}
		} else if !allowed {
			return nil, &ForbiddenError{"the function " + name}
		}
	}
	for _, name := range u.named {
		if known, allowed := f.find(name); known && !allowed {
			suspects = append(suspects, name)
		}
	}
	return suspects, nil
}

// parsed returns what a statement uses, by the parser.
func (g *Guard) parsed(ctx context.Context, sql string, args []any) (used, error) {
	tree, err := g.explained(ctx, "EXPLAIN AST "+sql, args)
	if err != nil {
		return used{}, err
	}
	return parseTree(tree)
}

// explained runs an EXPLAIN within the limits.
func (g *Guard) explained(ctx context.Context, sql string, args []any) (string, error) {
	settings := g.limits.Settings()
	settings["readonly"] = 1
	settings["max_threads"] = 1
	var lines []struct {
		Line string `ch:"explain"`
	}
	err := g.db.Select(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), &lines, sql, args...)
	if err != nil {
		return "", err
	}
	text := make([]string, len(lines))
	for i, l := range lines {
		text[i] = l.Line
	}
	return strings.Join(text, "\n"), nil
}

var treeFunction = regexp.MustCompile(`(?m)^\s*FUNCTION id: \d+, function_name: ([^,\n]+)`)

// resolve asks the analyzed query whether suspect is a column or a function.
func (g *Guard) resolve(ctx context.Context, f *functions, u used, suspect, sql string, args []any) error {
	unclear := &ForbiddenError{fmt.Sprintf("the name %s where it can be a column or a function (if it is a column, "+
		"rename it or write it with its table: t.%s)", suspect, suspect)}
	if u.explains {
		return unclear
	}
	tree, err := g.explained(ctx, "EXPLAIN QUERY TREE "+sql, args)
	if err != nil {
		return err
	}
	for _, m := range treeFunction.FindAllStringSubmatch(tree, -1) {
		if m[1] == "__getScalar" { // the result of a subquery that is evaluated already: what it used is not shown
			return unclear
		}
		if _, allowed := f.find(m[1]); !allowed {
			return &ForbiddenError{"the function " + m[1] + ", given by its name"}
		}
	}
	return nil
}

// viewDepth is how many views may stand on each other.
const viewDepth = 10

// admitTables checks tables and, for views, what they are made of.
func (g *Guard) admitTables(ctx context.Context, f *functions, names []string, depth int) error {
	if len(names) == 0 {
		return nil
	}
	if depth > viewDepth {
		return &ForbiddenError{"views that stand on each other more than ten deep"}
	}
	var databases, tables []string
	for _, name := range names {
		database, table, qualified := strings.Cut(name, ".")
		if !qualified {
			database, table = g.database, name
		}
		if strings.HasSuffix(strings.ToLower(database), ApartSuffix) {
			return &ForbiddenError{"the database " + database + ", which keeps the answers of surveys"}
		}
		switch strings.ToLower(database) {
		case "system":
			if !allowedSystem[table] {
				return &ForbiddenError{"the table " + name}
			}
			continue
		case "information_schema":
			continue // views of tables of system that are allowed
		}
		databases, tables = append(databases, database), append(tables, table)
	}
	var rows []struct {
		Database string `ch:"database"`
		Name     string `ch:"name"`
		Engine   string `ch:"engine"`
		Select   string `ch:"as_select"`
	}
	err := g.db.Select(ctx, &rows, `SELECT database, name, engine, as_select FROM system.tables
WHERE database IN {databases:Array(String)} AND name IN {tables:Array(String)}`,
		clickhouse.Named("databases", databases), clickhouse.Named("tables", tables))
	if err != nil {
		return fmt.Errorf("looking up the tables of the query: %w", err)
	}
	found := map[string]bool{}
	for _, r := range rows {
		found[r.Database+"."+r.Name] = true
		if !allowedEngines[r.Engine] && !strings.HasSuffix(r.Engine, "MergeTree") {
			return &ForbiddenError{fmt.Sprintf("the table %s of the engine %s", r.Name, r.Engine)}
		}
		if r.Select == "" {
			continue
		}
		if err := g.admitView(ctx, f, r.Name, r.Select, depth); err != nil {
			return err
		}
	}
	for i := range tables {
		if databases[i] != g.database && !found[databases[i]+"."+tables[i]] {
			return &ForbiddenError{fmt.Sprintf("the table %s.%s, which is not in the store", databases[i], tables[i])}
		}
	}
	return nil
}

// admitView checks the query of a view.
func (g *Guard) admitView(ctx context.Context, f *functions, name, query string, depth int) error {
	u, err := g.parsed(ctx, query, nil)
	if err != nil {
		return fmt.Errorf("the view %s: %w", name, err)
	}
	suspects, err := f.check(u)
	if err == nil && len(suspects) > 0 {
		err = g.resolve(ctx, f, u, suspects[0], query, nil)
	}
	if err == nil {
		err = g.admitTables(ctx, f, u.tables, depth+1)
	}
	if err != nil {
		return fmt.Errorf("the view %s: %w", name, err)
	}
	return nil
}
