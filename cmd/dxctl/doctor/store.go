package doctor

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/cmd/dxctl/app"
	"github.com/dxctl/dxctl/config"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/embedded"
)

// openExisting opens the store as it is: nothing is created or migrated.
func openExisting(ctx context.Context, cfg config.Config, opt app.Options) (*store.Store, error) {
	return store.Open(ctx, cfg.Store, store.Options{
		Logger:   opt.Logger,
		Now:      opt.Now,
		BaseDir:  cfg.Dir,
		StateDir: cfg.Path(cfg.Collect.Dir),
		Existing: true,
		Program:  "dxctl " + opt.Program,
	})
}

// AcceptLosses sets damaged parts of tables aside and stops the store from reporting the data that has been lost until
// now.
func AcceptLosses(ctx context.Context, cfg config.Config, opt app.Options) error {
	st, err := openExisting(ctx, cfg, opt)
	if err != nil {
		return err
	}
	return errors.Join(st.AcceptLosses(ctx), st.Close())
}

// examineStored checks the store, if there is one, and the catalog, which may come in part from the store. It returns
// the catalog; nil if it cannot be read.
func (f *Findings) examineStored(ctx context.Context, cfg config.Config, opt app.Options) *catalog.Catalog {
	st, err := openExisting(ctx, cfg, opt)
	var none *store.NoDataError
	if err != nil {
		if errors.As(err, &none) {
			f.examineLibrary(cfg)
			f.warn("data", "%s", none)
		} else {
			f.problem("engine", err)
		}
		return f.examineCatalog(catalog.Load(cfg.Catalog, cfg.People, cfg.Dir))
	}
	var cat *catalog.Catalog
	if !f.examineStore(ctx, st) {
		cat = f.examineCatalog(catalog.Load(cfg.Catalog, cfg.People, cfg.Dir))
	} else {
		cat = f.examineStoredCatalog(ctx, st, cfg)
		f.examineReminders(ctx, st, opt.Now())
		f.examineAnswers(st.AnswerReaders(ctx))
	}
	if err := st.Close(); err != nil {
		f.problem("engine", err)
	}
	return cat
}

// examineStoredCatalog checks the latest collects, and the catalog against the stored records.
func (f *Findings) examineStoredCatalog(ctx context.Context, st *store.Store, cfg config.Config) *catalog.Catalog {
	cat, warnings, failed := app.ReadCatalog(ctx, st, cfg)
	unmapped, err := unmappedScopes(ctx, st)
	if err != nil {
		f.problem("catalog", err)
	}
	f.examineCollected(ctx, st, cfg)
	shared, err := sharedNames(ctx, st)
	if err != nil {
		f.problem("catalog", err)
	}
	f.examineCatalog(cat, warnings, failed)
	if failed != nil {
		return nil
	}
	f.warnUnmapped(cat, unmapped)
	f.warnShared(cat, shared)
	return cat
}

// examineAnswers reports the users of a server who can read the answers of surveys, other than that of dxctl.
func (f *Findings) examineAnswers(users []string, database string, err error) {
	switch {
	case errors.Is(err, store.ErrGrantsHidden):
		f.warn("answers", "it is not known who can read the database %s of the answers of surveys: %s; look at SHOW GRANTS "+
			"of the users of Grafana and the like", database, err)
	case err != nil:
		f.problem("answers", err)
	case len(users) > 0:
		f.warn("answers", "%s can read the answers of surveys; run as an administrator: REVOKE ALL ON %s.* FROM %s",
			strings.Join(users, ", "), database, strings.Join(users, ", "))
	}
}

// examineLibrary checks that the engine library can be found. It is for a store without a data directory.
func (f *Findings) examineLibrary(cfg config.Config) {
	if !strings.HasPrefix(cfg.Store.DSN, "embedded:") {
		return
	}
	library, err := embedded.FindLibrary()
	if err != nil {
		f.problem("library", err)
		return
	}
	f.ok("library", "%s", library)
}

// examineStore checks the engine, the schema and the data. It reports whether the schema version can be read.
func (f *Findings) examineStore(ctx context.Context, st *store.Store) (readable bool) {
	info, err := st.Info(ctx)
	if info.Version != "" {
		f.ok("engine", "ClickHouse %s, %s, %s", info.Version, info.Engine, cmp.Or(info.Path, info.Address))
	}
	if info.Library != "" {
		f.ok("library", "%s", info.Library)
	}
	switch {
	case err != nil:
		f.problem("schema", err)
	case info.SchemaVersion < info.LatestSchema:
		f.warn(
			"schema",
			"version %d of %d; the next command (or `dxctl migrate`) upgrades it",
			info.SchemaVersion,
			info.LatestSchema,
		)
	default:
		f.ok("schema", "version %d", info.SchemaVersion)
	}
	f.examineData(ctx, st, err == nil)
	return err == nil
}

// examineData looks for damaged data and, if the schema version can be read, for lost data.
func (f *Findings) examineData(ctx context.Context, st *store.Store, readable bool) {
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
		f.problem("data", err)
	}
	if readable && len(troubles) == 0 {
		f.ok("data", "every part of every table is present and readable")
	}
}
