// Package source is the contract between a source and what collects it: the Collector that a source implements, the
// Writer that it writes to, and what all sources share: options, time and status parsing, ledger entries.
//
// A collector reads pages, makes events of them and appends those; only then does it save its state. Stopping it
// anywhere, also by pulling the plug, therefore loses nothing, and what is read twice is stored once, because events
// have an identity.
package source

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// Collector reads one configured source. It is safe for use from several goroutines.
type Collector interface {
	// Source is the source's name in the configuration.
	Source() string
	// Provider is the source's kind: "github".
	Provider() string
	// Observe sets who is told about requests and waits; the last call wins.
	Observe(o rest.Observer)
	// Check reports whether the source can be reached and its credentials suffice; the error says what to do.
	Check(ctx context.Context) error
	// Scopes lists what of the source is collected: repositories, jobs, projects. s is the state of the source as a whole,
	// for lists that are worth remembering between runs. With a *rest.SkippedError it returns the scopes that it could
	// list, and of the others those that it listed before: they are collected, and not retracted.
	Scopes(ctx context.Context, s StateStore) ([]string, error)
	// Collect updates one scope. It returns when nothing is left to read, or with every reason why something
	// could not be; what was stored until then stays, and the next call continues from there.
	Collect(ctx context.Context, scope string, w Writer) error
}

// Watcher is a Collector that is notified of changes as they happen.
type Watcher interface {
	// Watch stores what happens, each scope's through its own Writer, until ctx ends or it cannot go on.
	Watch(ctx context.Context, scoped func(scope string) Writer) error
}

// Wide is a Collector that reads its scopes in one pass, so that collecting one costs the source nothing.
type Wide interface {
	// Abreast is how many scopes are collected side by side, so that they share the statements of the store; 0: as many
	// as of any other source.
	Abreast() int
}

// Derived is a Collector that reads what other sources have stored, and is therefore collected after them.
type Derived interface{ Derived() bool }

// Retractor is a Collector that stores what is observed of a scope, which is no longer known when the scope has gone.
type Retractor interface {
	// Retract stores, through the Writer of a scope that the source no longer lists, that nothing is known of it now.
	Retract(ctx context.Context, scope string, w Writer) error
}

// Volatile is a Collector whose scopes come and go by themselves, as the workloads of a cluster do, so that nothing is
// retracted with them. Only an empty list of theirs is refused.
type Volatile interface{ Volatile() bool }

// Archiver is a Collector that has the files of its scopes, which are repositories.
type Archiver interface {
	// Archive returns the files of a scope's default branch as a tar archive compressed with gzip, with everything below
	// one directory. An archive of more than most bytes is an error.
	Archive(ctx context.Context, scope string, most int64) ([]byte, error)
}

// Hosted is an Archiver whose repositories belong to other providers, which bind them to services.
type Hosted interface {
	Archiver
	// HasRepository reports whether a scope of a provider is a repository of the source.
	HasRepository(provider, scope string) bool
}

// Revision is what a scope's default branch is at.
type Revision struct {
	Commit string // empty: the repository has none
	ETag   string // of the answer that said so; empty: the source has no conditional requests
}

// Reviser is an Archiver that tells cheaply whether the files of a scope have changed.
type Reviser interface {
	Archiver
	// Revision returns the commit of a scope's default branch. known is what an earlier call returned, or zero: while it
	// still holds, it is returned, and a source with conditional requests does not count the request.
	Revision(ctx context.Context, scope string, known Revision) (Revision, error)
}

// StateStore keeps small JSON documents between runs, one for each stream.
type StateStore interface {
	// Load decodes the state that was saved for the stream into into; false when there is none.
	Load(ctx context.Context, stream string, into any) (bool, error)
	// Save replaces the state of the stream, durably. Its error may end the time slice of the scope: Collect returns it.
	Save(ctx context.Context, stream string, state any) error
	// Removing has to be asked before something is retracted (a [event.Descriptor] without a document) or taken to have
	// ended because an answer of the source does not name it: gone of those that were there before. what names them in
	// the plural: "entities". With an error nothing may be retracted or ended, and Collect returns it.
	Removing(what string, gone, of int) error
}

// Writer is what a Collector writes one scope to, and asks about what it wrote before. It is safe for use from several
// goroutines.
type Writer interface {
	StateStore
	Stored
	RepositoryReader
	// Append stores events; when it returns without an error they are durable.
	Append(ctx context.Context, events ...event.Event) error
	// Update stores events of which an earlier observation was appended in this run and counted: now more is known.
	Update(ctx context.Context, events ...event.Event) error
	// Reread reports whether the run asks again for what was collected before: what is stored is replaced, also where
	// the source shows no change.
	Reread() bool
	// Since is how far back this run was asked to read; zero: as the source is configured.
	Since() time.Time
	// Progress reports how far a stream has come: done records were read in this run, of total; 0: the total is not known.
	Progress(stream string, done, total uint64)
}

// Stored answers what is stored of the scope.
type Stored interface {
	// Count returns how many records of the kind are stored for the scope, and how many of them are not final, created
	// at or after from and before to; a zero time is no bound. Attempts of one record count once.
	Count(ctx context.Context, kind event.Kind, from, to time.Time) (stored, open uint64, err error)
	// Runs returns the stored attempts of the pipeline runs with these ids, as they were appended.
	Runs(ctx context.Context, ids []string) ([]event.PipelineRun, error)
	// Open returns the records of the kind, created at or after since, that are not final: their ids and when they
	// were created. Kinds: deployment, pipeline run.
	Open(ctx context.Context, kind event.Kind, since time.Time) (map[string]time.Time, error)
	// Descriptors returns the documents of Backstage entities that are stored for the scope and not gone: each one's
	// revision by its location.
	Descriptors(ctx context.Context) (map[string]string, error)
}

// RepositoryReader answers what any source has stored about a repository.
type RepositoryReader interface {
	// RepositoryDeployments returns the successful deployments, by any source, of the services that a repository of a
	// provider, or a directory of it, belongs to: in order of time, with service and environment as the views name them.
	RepositoryDeployments(ctx context.Context, provider, repository string) ([]event.Deployment, error)
	// RepositoryServices returns the services of a repository; Path is empty where the whole repository is bound.
	RepositoryServices(ctx context.Context, provider, repository string) ([]catalog.PathBinding, error)
	// Compared returns what is stored of the scope's deployed commits: comparison and basis, without the commits.
	Compared(ctx context.Context) (map[event.DeploymentKey]event.DeployedCommits, error)
}

// NoState is a StateStore that keeps nothing.
type NoState struct{}

// Load finds nothing.
func (NoState) Load(context.Context, string, any) (bool, error) { return false, nil }

// Save does nothing.
func (NoState) Save(context.Context, string, any) error { return nil }

// Removing allows everything: nothing is known of what was there before.
func (NoState) Removing(string, int, int) error { return nil }
