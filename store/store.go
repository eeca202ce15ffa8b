// Package store keeps events and reads them back. ClickHouse is the only store and clickhouse-go the only driver: over
// the engine inside this process, over that of another process on the same directory, or over a server. All three take
// the same SQL.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/dxctl/dxctl/migrations"
	"github.com/dxctl/dxctl/store/embedded"
	"github.com/dxctl/dxctl/store/guard"
	"github.com/dxctl/dxctl/store/manifest"
)

// Options say how to open a store.
type Options struct {
	Existing bool             // do not create the data directory or the database: a [NoDataError] when it is not there
	Logger   *slog.Logger     // nil: silent
	Now      func() time.Time // nil: time.Now
	BaseDir  string           // a relative directory of the DSN is below this; empty: the working directory
	// let other processes of this user use the embedded engine, over a unix socket in the data directory
	Share bool
	// do not work through another process that has the data directory open: an [embedded.InUseError]
	Alone   bool
	Program string // who we are: "dxctl serve"; shown to whoever finds the directory in use
	// where the list of a server's stored parts is kept; empty: nowhere, and lost parts go unnoticed
	StateDir string
	Engine   *embedded.Engine // an open engine to use, for an embedded DSN; Close leaves it open
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	db       driver.Conn
	options  clickhouse.Options // of db
	engine   engine             // nil: a server
	owned    bool               // Close closes engine
	kind     string             // of Info.Engine
	address  string
	database string
	http     bool // the driver speaks HTTP: an INSERT names its columns' types itself
	now      func() time.Time
	logger   *slog.Logger
	program  string

	limits   guard.Limits
	guard    *guard.Guard
	existing bool                   // Options.Existing
	manifest *manifest.File         // of the stored parts
	atClose  atomic.Pointer[func()] // notes what was stored since the last look for losses; nil: nobody has looked

	seq           sequence
	comparing     sync.Map // table of a history → mutex: what is new is compared with it, one append at a time
	columnTypesOf sync.Map // table name → map of column name → type
}

// engine is an embedded engine: of this process or of another.
type engine interface {
	http.RoundTripper
	Path() string
	Library() string
	Version() string
	Close() error
}

// Open opens the store and makes its database when it is not there. It does not migrate. When another process has the
// embedded data directory open and shares it, the store works through that process. Errors of the directory and the
// library are those of [embedded.Open].
func Open(ctx context.Context, cfg Config, o Options) (*Store, error) {
	t, err := parseDSN(cfg.DSN)
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Program == "" {
		o.Program = "dxctl"
	}
	s := &Store{
		database: t.database,
		now:      o.Now,
		logger:   o.Logger,
		program:  o.Program,
		existing: o.Existing,
		limits:   cfg.limits(),
	}
	if t.server != nil {
		err = s.openServer(ctx, t.server)
	} else {
		err = s.openEmbedded(ctx, t, o)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.openManifest(o.StateDir)
	return s, nil
}

// openManifest sets the manifest: in the data directory of an embedded engine, in stateDir for a server.
func (s *Store) openManifest(stateDir string) {
	path := ""
	switch {
	case s.engine != nil:
		path = filepath.Join(s.engine.Path(), "dxctl."+s.database+".manifest")
	case stateDir != "":
		path = filepath.Join(stateDir, "store."+s.database+".manifest")
	}
	s.manifest = manifest.New(manifest.Options{
		Path: path, Address: s.address, Database: s.database, Portable: s.engine != nil, Logger: s.logger,
	})
}

func (s *Store) openEmbedded(ctx context.Context, t target, o Options) error {
	var err error
	if o.Engine != nil {
		s.engine, s.kind = o.Engine, "embedded"
	} else {
		path := t.directory
		if !filepath.IsAbs(path) {
			path = filepath.Join(o.BaseDir, path)
		}
		if o.Existing && !embedded.HasData(path) {
			return &NoDataError{Place: path}
		}
		if s.engine, s.kind, err = openDirectory(ctx, path, o); err != nil {
			return err
		}
		s.owned = true
	}
	s.http, s.address = true, s.engine.Path()
	options := &clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{"embedded"},
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return s.engine, nil },
	}
	if err := s.connect(ctx, options); err != nil {
		return err
	}
	if s.owned && s.kind == "embedded" {
		return s.dropStale(ctx, 0)
	}
	return nil
}

// dropStale drops what processes left that were killed in Replace or Migrate, if it is older than age.
func (s *Store) dropStale(ctx context.Context, age time.Duration) error {
	return errors.Join(s.dropStaleStaging(ctx, age), s.dropStaleScratch(ctx, age))
}

// openDirectory opens the engine over a directory, in this process or through the one that holds it.
func openDirectory(ctx context.Context, path string, o Options) (engine, string, error) {
	local, err := embedded.Open(ctx, embedded.Options{Path: path, Program: o.Program, Share: o.Share, Logger: o.Logger})
	var inUse *embedded.InUseError
	if err == nil {
		return local, "embedded", nil
	} else if !errors.As(err, &inUse) || o.Alone {
		return nil, "", err
	}
	remote, err := embedded.Connect(ctx, path)
	if err != nil {
		return nil, "", err
	}
	if remote == nil { // the holder has just ended
		local, err := embedded.Open(ctx, embedded.Options{Path: path, Program: o.Program, Share: o.Share, Logger: o.Logger})
		if err != nil {
			return nil, "", err
		}
		return local, "embedded", nil
	}
	o.Logger.Debug(
		"another process has the data directory open; working through it",
		"path",
		path,
		"holder",
		remote.Holder(),
	)
	return remote, "shared", nil
}

func (s *Store) openServer(ctx context.Context, options *clickhouse.Options) error {
	s.kind, s.http = "server", options.Protocol == clickhouse.HTTP
	s.address = strings.Join(options.Addr, ",")
	if options.Compression == nil {
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	if options.Settings == nil {
		options.Settings = clickhouse.Settings{}
	}
	options.Settings["session_timezone"] = "UTC" // as in the embedded engine: a day is a day in UTC
	options.Settings["async_insert"] = 0         // an insert that has returned is stored
	if err := s.connect(ctx, options); err != nil {
		return err
	}
	if err := s.checkVersion(ctx); err != nil {
		return err
	}
	return s.dropStale(ctx, time.Hour)
}

// connect opens the driver over the database, which it makes first if it is not there.
func (s *Store) connect(ctx context.Context, options *clickhouse.Options) error {
	options.MaxOpenConns = max(16, 4*runtime.NumCPU())
	options.MaxIdleConns = 8
	if options.DialTimeout == 0 {
		options.DialTimeout = 30 * time.Second
	}
	options.Auth.Database = ""
	first, err := clickhouse.Open(options)
	if err != nil {
		return fmt.Errorf("opening the store at %s: %w", s.address, err)
	}
	var ex *clickhouse.Exception
	if !s.existing {
		err = first.Exec(
			ctx,
			"CREATE DATABASE IF NOT EXISTS `"+s.database+"`"+map[bool]string{true: " ENGINE = Atomic"}[s.engine != nil],
		)
	}
	if errors.As(err, &ex) && ex.Code == accessDenied {
		err = nil // the user may not make databases; if this one is missing, the ping below says so
	}
	if err = errors.Join(err, first.Close()); err != nil {
		return fmt.Errorf("opening the store at %s: making the database %s: %w", s.address, s.database, err)
	}
	s.options = *options
	if s.db, err = s.open(s.database); err != nil {
		return fmt.Errorf("opening the store at %s: %w", s.address, err)
	}
	s.guard = guard.New(s.db, s.database, s.limits)
	if err := s.db.Ping(ctx); err != nil {
		if errors.As(err, &ex) && ex.Code == unknownDatabase && s.existing {
			return &NoDataError{Place: s.address + ", database " + s.database}
		}
		return fmt.Errorf("opening the store at %s, database %s: %w", s.address, s.database, err)
	}
	return nil
}

// open opens the driver over a database of the same engine.
func (s *Store) open(database string) (driver.Conn, error) {
	options := s.options
	options.Auth.Database = database
	return clickhouse.Open(&options)
}

// Codes of ClickHouse.
const (
	accessDenied    = 497 // the user lacks a right
	unknownDatabase = 81
)

// NoDataError says that nothing was ever stored where the DSN points to.
type NoDataError struct{ Place string }

func (e *NoDataError) Error() string {
	return fmt.Sprintf("there is no data at %s yet; the first \"dxctl collect\", \"dxctl serve\" or \"dxctl migrate\" "+
		"creates it", e.Place)
}

// Close notes what is stored, closes the connections and, when this process opened it, the engine.
func (s *Store) Close() error {
	if note := s.atClose.Swap(nil); note != nil {
		(*note)()
	}
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	if s.owned && s.engine != nil {
		err = errors.Join(err, s.engine.Close())
	}
	return err
}

// Info describes an open store.
type Info struct {
	Engine        string // "embedded"; "shared": the embedded engine of another process; "server"
	Version       string // ClickHouse's: "26.7.2.1"
	Path          string // the data directory; empty for a server
	Address       string // host:port of a server; empty when embedded
	Database      string
	Library       string // the file of the embedded engine's library
	Holder        string // for "shared": the process that has the directory open, "dxctl serve (process 4711)"
	SchemaVersion int    // migrations applied as a whole; 0 when there are none
	LatestSchema  int    // migrations that this program knows
}

// Info describes the store. A schema that cannot be used with this program is returned as an error in addition to the
// rest: a [migrations.EditedError] or a [migrations.FutureError].
func (s *Store) Info(ctx context.Context) (Info, error) {
	info := Info{Engine: s.kind, Database: s.database, LatestSchema: migrations.Latest()}
	if s.engine != nil {
		info.Path, info.Library = s.engine.Path(), s.engine.Library()
	} else {
		info.Address = s.address
	}
	if remote, ok := s.engine.(*embedded.Remote); ok {
		info.Holder = remote.Holder()
	}
	var rows []struct {
		Version string `ch:"version"`
		Tables  uint64 `ch:"tables"`
	}
	err := s.Select(ctx, &rows, "SELECT version() AS version, (SELECT count() FROM system.tables WHERE database = "+
		"currentDatabase() AND name = 'schema_migrations') AS tables", nil)
	if err != nil {
		return info, fmt.Errorf("asking the store at %s for its version: %w", s.address, err)
	}
	info.Version = rows[0].Version
	if rows[0].Tables == 0 {
		return info, nil
	}
	records, err := migrations.Check(ctx, s.db, migrations.All())
	for _, r := range records {
		if r.Done == r.Statements {
			info.SchemaVersion++
		}
	}
	var future *migrations.FutureError
	if errors.As(err, &future) {
		info.SchemaVersion = future.Have
	}
	return info, explain(err)
}

// Drop removes the database with everything in it, and the answers of surveys next to it. The store cannot be used
// afterwards.
func (s *Store) Drop(ctx context.Context) error {
	err := s.manifest.Locked(ctx, func() error {
		for _, name := range []string{s.database + guard.ApartSuffix, s.database} {
			if err := s.dropDatabase(ctx, name); err != nil {
				return err
			}
		}
		s.atClose.Store(nil)
		if path := s.manifest.Path(); path != "" {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			_ = os.Remove(path + ".lock") // the database is gone: nobody waits for it
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("dropping the database %s: %w", s.database, err)
	}
	return nil
}
