package store

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/dxctl/dxctl/store/guard"
)

// Database is the name of the database that dxctl keeps its tables in, unless the DSN names another.
const Database = "dx"

// Config says where the data is.
type Config struct {
	// DSN is "embedded:<directory>" for ClickHouse inside the process, with its data in that directory, or
	// "clickhouse://user:password@host:9000/database" for a server, with clickhouse-go's options (secure=true,
	// dial_timeout=10s …). Both take a database other than "dx": embedded:./data?database=name.
	DSN string `yaml:"dsn"`
	// Limits bound the queries of readers.
	Limits guard.Limits `yaml:"limits"`
}

// limits returns the limits, the defaults where none are configured.
func (c Config) limits() guard.Limits {
	if c.Limits == (guard.Limits{}) {
		return guard.DefaultLimits()
	}
	return c.Limits
}

// DefaultConfig returns the embedded engine in ./data.
func DefaultConfig() Config { return Config{DSN: "embedded:./data", Limits: guard.DefaultLimits()} }

// Validate reports what is wrong with the configuration.
func (c Config) Validate() error {
	_, err := parseDSN(c.DSN)
	return errors.Join(err, c.limits().Validate())
}

// Exists reports whether there is a store to open: a server, or the directory of an embedded store, which opening it
// would make. baseDir is the directory that a relative one is relative to.
func (c Config) Exists(baseDir string) bool {
	t, err := parseDSN(c.DSN)
	if err != nil || t.server != nil {
		return err == nil
	}
	dir := t.directory
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(baseDir, dir)
	}
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}

// target is a DSN, understood.
type target struct {
	directory string              // of the embedded engine; empty: a server
	server    *clickhouse.Options // nil: embedded
	database  string
}

var databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parseDSN reads a DSN. Its errors never show the DSN's password.
func parseDSN(dsn string) (target, error) {
	scheme, rest, _ := strings.Cut(dsn, ":")
	var t target
	switch scheme {
	case "embedded":
		directory, query, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return t, fmt.Errorf("store.dsn: after the ?: %w", err)
		}
		for name := range values {
			if name != "database" {
				return t, fmt.Errorf("store.dsn: unknown option %q; an embedded store has only database=name", name)
			}
		}
		if directory == "" {
			return t, errors.New(`store.dsn: no directory after "embedded:"; write for example "embedded:./data"`)
		}
		t = target{directory: filepath.FromSlash(directory), database: values.Get("database")}
	case "clickhouse", "http", "https", "tcp":
		options, err := clickhouse.ParseDSN(dsn)
		if err != nil {
			return t, fmt.Errorf(`store.dsn: %w; write for example "clickhouse://user:password@host:9000/dx"`, withoutURL(err))
		}
		t = target{server: options, database: options.Auth.Database}
	case "":
		return t, errors.New(`store.dsn is empty; write "embedded:./data" or "clickhouse://user:password@host:9000/dx"`)
	default:
		return t, errors.New(
			`store.dsn begins neither with "embedded:" nor with "clickhouse://"; write for example "embedded:./data" or "clickhouse://user:password@host:9000/dx"`,
		)
	}
	if t.database == "" {
		t.database = Database
	}
	if !databaseName.MatchString(t.database) {
		return t, fmt.Errorf("store.dsn: %q is not a database name: letters, digits and underscores", t.database)
	}
	if strings.HasSuffix(strings.ToLower(t.database), guard.ApartSuffix) {
		return t, fmt.Errorf("store.dsn: the database cannot be %s: names that end with %s are kept for the answers of "+
			"surveys; use another name", t.database, guard.ApartSuffix)
	}
	return t, nil
}

// withoutURL removes the URL that net/url's errors repeat, because it holds the password.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
