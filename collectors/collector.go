// Package collectors brings what happened at a source into the store: the interface that a source implements, the
// configuration of sources, and the Runner that collects them side by side, keeps their checkpoints, and counts.
//
// A collector reads pages, makes events of them and appends those; only then does it save how far it has come. Stopping it
// anywhere, also by pulling the plug, therefore loses nothing, and what is read twice is stored once, because events have
// an identity.
package collectors

import (
	"context"
	"time"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/event"
)

// Collector reads one configured source.
type Collector interface {
	// Source is the source's name in the configuration.
	Source() string
	// Provider is the source's kind: "github".
	Provider() string
	// Scopes lists what of the source is collected: repositories, jobs, projects. With a *rest.SkippedError it lists those
	// that it could learn of, and of the others those that it knew before: they are collected, and not retracted.
	Scopes(ctx context.Context) ([]string, error)
	// Collect brings one scope up to date. It returns when nothing is left to read, or with every reason why something
	// could not be; what was stored until then stays, and the next call goes on from there.
	Collect(ctx context.Context, scope string, w Writer) error
	// Check says whether the source can be reached and its credentials suffice; the error says what to do.
	Check(ctx context.Context) error
}

// Discoverer is a Collector whose list of scopes is itself read from the source and worth remembering between runs.
type Discoverer interface {
	// Discover is Scopes with a memory; the Runner prefers it.
	Discover(ctx context.Context, m Memory) ([]string, error)
}

// Observed is a Collector that tells about its requests and waits.
type Observed interface {
	Observe(o rest.Observer)
}

// Watcher is a Collector that can be told of changes as they happen.
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

// Memory keeps small JSON documents between runs.
type Memory interface {
	// Load decodes what was saved for the stream; false when there is nothing.
	Load(ctx context.Context, stream string, into any) (bool, error)
	// Save replaces what is kept for the stream, durably.
	Save(ctx context.Context, stream string, state any) error
}

// Writer is what a Collector writes one scope to, and asks about what it wrote before. It is safe for use from several
// goroutines.
type Writer interface {
	Memory
	// Append stores events; when it returns without an error they are durable.
	Append(ctx context.Context, events ...event.Event) error
	// Amend stores events of which an earlier observation was appended in this run and counted: now more is known.
	Amend(ctx context.Context, events ...event.Event) error
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
	// Removing has to be asked before objects of the scope are retracted (a [event.Descriptor] without a document)
	// because an answer of the source does not name them: gone of those that are stored. what names them in the plural:
	// "entities". Its error is a *RemovalError; nothing may then be retracted, and Collect returns it.
	Removing(what string, gone, of int) error
	// Reread reports whether the run asks again for what was collected before: what is stored is replaced, also where
	// the source shows no change.
	Reread() bool
	// RepositoryDeployments returns the successful deployments, by any source, of the services that a repository of a
	// provider, or a folder of it, belongs to: in order of time, with service and environment as the views name them.
	RepositoryDeployments(ctx context.Context, provider, repository string) ([]event.Deployment, error)
	// RepositoryServices returns the services of a repository; Path is empty where the whole repository is bound.
	RepositoryServices(ctx context.Context, provider, repository string) ([]catalog.PathBinding, error)
	// Compared returns what is stored of the scope's deployed commits: comparison and basis, without the commits.
	Compared(ctx context.Context) (map[event.DeploymentKey]event.DeployedCommits, error)
	// Since is how far back this run was asked to read; zero: as the source is configured.
	Since() time.Time
	// Progress reports how far a stream has come.
	Progress(p Progress)
}

// Progress says what a run is doing. Which fields are set depends on what is reported.
type Progress struct {
	Source string
	Scope  string
	Stream string // runs, changes, deployments …; empty when the message is about the scope or the source
	Done   uint64 // records read in this run
	Total  uint64 // of how many, as far as is known; 0: not known

	Budget rest.Budget // Known: what the source still allows

	WaitUntil time.Time // set: the source is left alone until then
	Reason    string    // why it waits

	Finished bool // the scope is done
	Err      error
}
