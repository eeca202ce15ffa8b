// Package argocd collects from Argo CD: the syncs of Applications, as deployments. One request tells of all
// applications whether anything has happened; only those where something has are read.
//
// # Identity of a deployment
//
// The same sync is seen in three places: in the application's history (status.history, once it has succeeded), as its
// latest operation (status.operationState, while it runs and however it ended), and in a notification that Argo CD
// pushes. All three must make one record, whoever makes it:
//
//   - Provider is "argocd", Scope the application's name (metadata.name), which is what the annotation argocd/app-name
//     binds. Where the source is configured with qualified_names it is namespace/name.
//   - ID is when the operation started, in UTC to the second: 2026-11-25T03:15:54Z. That is operationState.startedAt,
//     and the same instant is deployStartedAt of the entry that the operation leaves in the history: Argo CD copies it.
//     An application has one operation at a time, and retries of an operation keep its start. The number that the
//     history gives its entries is not used: a running or failed operation has none, and it begins again at 0 when an
//     application is made anew. An entry without deployStartedAt (written before Argo CD 1.8) has the ID "history-" and
//     its number.
//   - Attempt is 1. Retries are part of the operation.
//   - Status is that of operationState.phase: Running and Terminating are running, Succeeded is succeeded, Failed and
//     Error are failed; Failed with a message that begins with "Operation terminated" is cancelled: somebody stopped
//     it. StatusRaw is the phase as it is written; of a history entry it is "Succeeded".
//   - CreatedAt and StartedAt are the start, FinishedAt is operationState.finishedAt or the entry's deployedAt.
//   - SHA is the revision where that is a commit (40 or 64 hexadecimal digits), of an application with several sources
//     the first that is, those that only lend values (ref) coming last. Version is the first revision that is none: the
//     version of a chart; or the tag of the image where the sources override exactly one (kustomize.images,
//     helm.parameters image.tag). Ref is the targetRevision of the source that SHA or Version is of.
//   - Actor is initiatedBy.username, Trigger "automated" where initiatedBy.automated, else "manual" where there is a
//     username.
//   - Environment is what the source's rules (environments) say; without one that matches the application's label
//     environment, env or app.kubernetes.io/environment, else spec.destination.name unless that is in-cluster, else
//     spec.destination.namespace. RollbackOf follows from the history.
//   - Not made: a dry run (operation.sync.dryRun), and a self-heal: an automated sync of selected resources
//     (operation.sync.resources), one that counts attempts (operation.sync.autoHealAttemptsCount), or one of the same
//     revisions and sources as the entry before it.
package argocd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dxctl/dxctl/collectors/source"

	"github.com/dxctl/dxctl/collectors/rest"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "argocd"

var profile = source.Profile{Provider: Provider, Product: "Argo CD", Epoch: time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)}

// Config is one Argo CD source.
type Config struct {
	Source string `yaml:"name"` // how events, metrics and the ledger call it
	URL    string `yaml:"url"`  // the address of Argo CD, as a person opens it
	// of an account or a project role that may get applications
	Token string `yaml:"token"`
	// only the applications of these projects; empty: of all
	Projects []string `yaml:"projects"`
	// only applications with these names, in which * is anything; empty: all
	Applications []string `yaml:"applications"`
	// which environment an application is; the first rule that matches decides
	Environments []EnvironmentRule `yaml:"environments"`
	// a scope is namespace/name: for applications in several namespaces
	QualifiedNames      bool `yaml:"qualified_names"`
	AllowPrivateNetwork bool `yaml:"allow_private_network"` // the URL's name may lead into a private network
	// what was synced before is left out; zero: everything
	Since time.Time `yaml:"-"`
}

// Validate reports every mistake, joined.
func (c Config) Validate() error {
	var errs []error
	if _, err := baseURL(c.URL); err != nil {
		errs = append(errs, err)
	}
	if strings.TrimSpace(c.Token) == "" {
		errs = append(errs, errors.New("token is missing: create one for an account with the capability apiKey (argocd "+
			"account generate-token) or for a project's role, and give it as ${ARGOCD_TOKEN}"))
	}
	for what, names := range map[string][]string{"projects": c.Projects, "applications": c.Applications} {
		for i, n := range names {
			if strings.TrimSpace(n) != n || n == "" {
				errs = append(errs, fmt.Errorf("%s[%d] %q: give a name without spaces around it", what, i, n))
			}
		}
	}
	for i, r := range c.Environments {
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("environments[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// Collector reads one Argo CD. It is safe for use from several goroutines.
type Collector struct {
	*source.Base
	*rest.API
	cfg     Config
	only    []glob
	rules   []compiledRule
	rulesOf string // digest of the rules, to notice that they have changed

	mu     sync.Mutex
	listed map[string]summary // by scope, of the latest listing
}

// New returns a collector; it fails when the configuration is not valid.
func New(cfg Config, opt source.Options) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	base, err := baseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	restCfg := rest.Config{
		BaseURL:             base,
		Token:               cfg.Token,
		UserAgent:           opt.UserAgent,
		AllowPrivateNetwork: cfg.AllowPrivateNetwork,
		MaxConcurrent:       4,
		PerSecond:           20,
		Burst:               40,
	} // a server of one's own, which answers from memory
	api, err := rest.NewAPI(restCfg, opt.REST(), rest.APIConfig{Product: profile.Product, Hint: hintFor})
	if err != nil {
		return nil, err
	}
	c := &Collector{Base: opt.Base(profile, cfg.Source), API: api, cfg: cfg}
	for _, a := range cfg.Applications {
		c.only = append(c.only, compile(a))
	}
	c.rules, c.rulesOf = compileRules(cfg.Environments)
	return c, nil
}

// baseURL is where Argo CD is, with a slash at the end.
func baseURL(configured string) (*url.URL, error) {
	u, err := rest.ParseBaseURL(configured, "https://argocd.example.com")
	if err != nil {
		return nil, err
	}
	path := strings.Trim(u.Path, "/")
	// an address copied from the browser or the API's documentation
	for _, end := range []string{"applications", "v1", "api"} {
		path = strings.TrimSuffix(strings.TrimSuffix(path, end), "/")
	}
	rest.SetPath(u, path)
	return u, nil
}

// Check says whether Argo CD answers and shows the token any application.
func (c *Collector) Check(ctx context.Context) error {
	all, _, err := c.list(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s answers, but shows no application: Argo CD leaves out what a token may not see; %s; and "+
			"look at projects and applications of the source", c.BaseURL(), rights)
	}
	return nil
}
