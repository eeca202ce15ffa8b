package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/embedded"
)

// openExisting opens the store as it is: nothing is created or migrated.
func (s *cli) openExisting(ctx context.Context, cfg config.Config, log *slog.Logger) (*store.Store, error) {
	return store.Open(ctx, cfg.Store, store.Options{
		Logger:   log,
		Now:      s.now,
		BaseDir:  cfg.Dir,
		StateDir: cfg.Path(cfg.Collect.Dir),
		Existing: true,
		Program:  "dxctl doctor",
	})
}

// acceptLosses sets damaged parts aside and makes the store forget the lost ones.
func (s *cli) acceptLosses(ctx context.Context) error {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	log, err := s.logger()
	if err != nil {
		return err
	}
	st, err := s.openExisting(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(st.AcceptLosses(ctx), st.Close())
}

// examineEngine checks the store, if there is one, and the catalog, which may come in part from the store.
func (s *cli) examineEngine(
	ctx context.Context,
	cfg config.Config,
	log *slog.Logger,
	ok, warn func(string, string, ...any),
	problem func(string, error),
) {
	st, err := s.openExisting(ctx, cfg, log)
	var none *store.NoDataError
	if err != nil {
		if errors.As(err, &none) {
			examineLibrary(cfg, ok, problem)
			warn("data", "%s", none)
		} else {
			problem("engine", err)
		}
		cat, warnings, err := catalog.Load(cfg.Catalog, cfg.People, cfg.Dir)
		examineCatalog(cat, warnings, err, nil, ok, warn, problem)
		return
	}
	if !examineStore(ctx, st, ok, warn, problem) {
		cat, warnings, err := catalog.Load(cfg.Catalog, cfg.People, cfg.Dir)
		examineCatalog(cat, warnings, err, nil, ok, warn, problem)
	} else {
		cat, warnings, failed := readCatalog(ctx, st, cfg)
		unmapped, err := unmappedScopes(ctx, st)
		if err != nil {
			problem("catalog", err)
		}
		examineCollected(ctx, &app{cfg: cfg, store: st}, warn, problem)
		shared, err := sharedNames(ctx, st)
		if err != nil {
			problem("catalog", err)
		}
		examineCatalog(cat, warnings, failed, unmapped, ok, warn, problem)
		warnShared(cat, shared, warn)
	}
	if err := st.Close(); err != nil {
		problem("engine", err)
	}
}

// examineLibrary checks that the engine library can be found. It is for a store without a data directory.
func examineLibrary(cfg config.Config, ok func(string, string, ...any), problem func(string, error)) {
	if !strings.HasPrefix(cfg.Store.DSN, "embedded:") {
		return
	}
	library, err := embedded.FindLibrary()
	if err != nil {
		problem("library", err)
		return
	}
	ok("library", "%s", library)
}

// examineStore checks the engine, the schema and the data. It reports whether the schema version can be read.
func examineStore(
	ctx context.Context,
	st *store.Store,
	ok, warn func(string, string, ...any),
	problem func(string, error),
) (readable bool) {
	info, err := st.Info(ctx)
	if info.Version != "" {
		ok("engine", "ClickHouse %s, %s, %s", info.Version, info.Engine, cmp.Or(info.Path, info.Address))
	}
	if info.Library != "" {
		ok("library", "%s", info.Library)
	}
	switch {
	case err != nil:
		problem("schema", err)
	case info.SchemaVersion < info.LatestSchema:
		warn(
			"schema",
			"version %d of %d; the next command (or `dxctl migrate`) upgrades it",
			info.SchemaVersion,
			info.LatestSchema,
		)
	default:
		ok("schema", "version %d", info.SchemaVersion)
	}
	examineData(ctx, st, err == nil, ok, problem)
	return err == nil
}

// examineData looks for damaged data and, if the schema version can be read, for lost data.
func examineData(
	ctx context.Context,
	st *store.Store,
	readable bool,
	ok func(string, string, ...any),
	problem func(string, error),
) {
	var troubles []error
	if readable {
		losses, err := st.Losses(ctx)
		if err != nil {
			troubles = append(troubles, err)
		}
		for _, l := range losses {
			troubles = append(troubles, errors.New(l.String()))
		}
	}
	damaged, err := st.Damaged(ctx)
	if err != nil {
		troubles = append(troubles, err)
	}
	for _, d := range damaged {
		troubles = append(troubles, errors.New(d.String()))
	}
	for _, err := range troubles {
		problem("data", err)
	}
	if readable && len(troubles) == 0 {
		ok("data", "every part of every table is present and readable")
	}
}
