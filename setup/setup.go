// Package setup proposes a first configuration: it finds out which source and account to read, lists the repositories
// that look like services, and writes dx.yaml, a descriptor for each service that has none, and people.csv.
//
// It never overwrites a file and never writes a token: the configuration names the environment variable.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github"
	"github.com/dxctl/dxctl/collectors/gitlab"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/collectors/source"
)

// Options are what the user has decided already.
type Options struct {
	Dir                 string   // where the files are written
	WorkDir             string   // whose git remotes are read
	Kind                string   // github or gitlab; empty: found or asked
	URL                 string   // of the server; empty: found or asked
	Account             string   // organization, user or group; empty: found or asked
	TokenVariable       string   // environment variable with the token; empty: found
	Repositories        []string // paths, or patterns with *; empty: those that look like services
	AllowPrivateNetwork bool     // the name of the server may resolve to a private address
	Yes                 bool     // ask nothing
}

// Deps are what setup needs from outside.
type Deps struct {
	In       io.Reader // answers; nil: there is no terminal, and nothing can be asked
	Out      io.Writer // questions and messages
	Getenv   func(name string) string
	Now      func() time.Time
	Source   source.Options
	Progress func(text string) // what is being done; empty: nothing. It may be nil.
}

// Result is what was done.
type Result struct {
	Kind         string       `json:"kind"`
	Account      string       `json:"account"`
	Repositories int          `json:"repositories"` // listed
	Services     []string     `json:"services"`     // paths of the chosen repositories
	People       int          `json:"people"`       // rows of people.csv that are no bots
	Requests     int          `json:"requests"`
	Files        []FileResult `json:"files"`
	Notes        []string     `json:"notes"` // what could not be read, and why
}

// FileResult is what was done with a file.
type FileResult struct {
	File   string `json:"file"`   // relative to the directory
	Status string `json:"status"` // written, appended, kept
	Detail string `json:"detail"`
}

// session is one run.
type session struct {
	Options
	Deps
	*prompter
	requests counter
	result   Result
}

// Run finds, asks and writes. Where dx.yaml exists it does nothing; any other file that exists is kept.
func Run(ctx context.Context, opt Options, deps Deps) (Result, error) {
	s := &session{Options: opt, Deps: deps, prompter: newPrompter(deps.In, deps.Out, opt.Yes)}
	if s.Progress == nil {
		s.Progress = func(string) {}
	}
	if err := checkNew(opt.Dir); err != nil {
		return s.result, err
	}
	if deps.In == nil && !opt.Yes {
		return s.result, errors.New("dxctl init asks questions, and there is no terminal to answer them: add --yes, and " +
			"--kind and --organization where the git remotes of this directory do not name them")
	}
	place, err := s.place(ctx)
	if err != nil {
		return s.result, err
	}
	inventory, listing, err := s.list(ctx, &place)
	if err != nil {
		return s.result, err
	}
	chosen, err := s.choose(ctx, place, listing)
	if err != nil {
		return s.result, err
	}
	proposal, err := s.complete(ctx, place, inventory, chosen)
	if err != nil {
		return s.result, err
	}
	if err := write(opt.Dir, proposal, &s.result); err != nil {
		return s.result, err
	}
	s.result.Requests = int(s.requests.n.Load())
	return s.result, nil
}

// place is the account of a source that is configured.
type place struct {
	kind, url, account, tokenVariable string
	allowPrivateNetwork               bool
	named                             []string // paths of single repositories; empty: all of the account
}

func (p place) product() string {
	return map[string]string{github.Provider: "GitHub", gitlab.Provider: "GitLab"}[p.kind]
}

// inventory returns the inventory of the place.
func (s *session) inventory(p place) (inventory source.Inventory, err error) {
	token := s.Getenv(p.tokenVariable)
	switch p.kind {
	case github.Provider:
		inventory, err = github.NewInventory(github.Config{Source: p.kind, URL: p.url, Token: token, Organization: p.account,
			Repositories: p.named, AllowPrivateNetwork: p.allowPrivateNetwork}, s.Source)
	default:
		cfg := gitlab.Config{Source: p.kind, URL: p.url, Token: token, Projects: p.named,
			AllowPrivateNetwork: p.allowPrivateNetwork}
		if p.account != "" {
			cfg.Groups = []string{p.account}
		}
		inventory, err = gitlab.NewInventory(cfg, s.Source)
	}
	if err != nil {
		return nil, err
	}
	inventory.Observe(rest.Observer{
		Request: func(rest.Request) { s.requests.n.Add(1) },
		Waiting: func(w rest.Waiting) {
			s.say("%s: waiting until %s (%s)\n", p.product(), w.Until.Local().Format(time.TimeOnly), w.Reason)
		},
	})
	return inventory, nil
}

// list lists the repositories of the place. It asks for the permission to connect to a private address.
func (s *session) list(ctx context.Context, p *place) (source.Inventory, source.Listing, error) {
	inventory, err := s.inventory(*p)
	if err != nil {
		return nil, source.Listing{}, err
	}
	s.Progress("connecting to " + p.product())
	defer s.Progress("")
	var listing source.Listing
	if len(p.named) > 0 {
		listing, err = inventory.Named(ctx, p.named)
	} else {
		listing, err = inventory.Repositories(ctx, func(done, total int) {
			text := fmt.Sprintf("%d repositories listed", done)
			if total > 0 {
				text = fmt.Sprintf("%d of %d repositories listed", done, total)
			}
			s.Progress(text)
		})
	}
	var refused *rest.RefusedError
	switch {
	case err == nil:
		s.Progress("")
		s.note(listing.Notes...)
		return inventory, listing, nil
	case errors.As(err, &refused) && refused.Private && !p.allowPrivateNetwork:
		s.Progress("")
		yes, asked := s.confirm(ctx, fmt.Sprintf("%s is an address of a private network. Connect to it?", refused.Target))
		if asked == nil && yes {
			p.allowPrivateNetwork = true
			return s.list(ctx, p)
		}
		return nil, listing, fmt.Errorf("%s resolves to %s, an address of a private network; if it is your own server, add "+
			"--allow-private-network", p.url, refused.Target)
	case errors.Is(err, rest.ErrUnauthorized):
		return nil, listing, fmt.Errorf("%s rejects the token in %s: it is invalid or expired; %s: %w", p.product(),
			p.tokenVariable, newToken(p.kind, p.url), err)
	case rest.IsGone(err) || strings.Contains(err.Error(), "does not exist"):
		return nil, listing, fmt.Errorf("%s: %w; check the name, or name single repositories with --repository %s/NAME",
			p.product(), err, p.account)
	}
	return nil, listing, err
}

func paths(repositories []source.Repository) []string {
	all := make([]string, len(repositories))
	for i, r := range repositories {
		all[i] = r.Path
	}
	return all
}

// note adds what could not be read to the result, and says it.
func (s *session) note(notes ...string) {
	for _, n := range notes {
		s.say("Note: %s.\n", strings.TrimSuffix(oneLine(n), "."))
	}
	s.result.Notes = append(s.result.Notes, notes...)
}

// complete reads what the listing does not show, and returns what is written.
func (s *session) complete(
	ctx context.Context, p place, inventory source.Inventory, chosen []source.Repository,
) (proposal, error) {
	s.Progress(fmt.Sprintf("reading %s and the members", repositories(len(chosen))))
	defer s.Progress("")
	notes := inventory.Complete(ctx, chosen)
	if p.account == "" { // only repositories are named
		if p.account = commonAccount(paths(chosen)); p.account != "" {
			var err error
			if inventory, err = s.inventory(p); err != nil {
				return proposal{}, err
			}
		}
	}
	members, err := inventory.Members(ctx)
	if ctx.Err() != nil {
		return proposal{}, ctx.Err()
	}
	if err != nil {
		members.Notes = append(members.Notes, fmt.Sprintf("the members cannot be read: %v", err))
	}
	s.Progress("")
	s.note(append(notes, members.Notes...)...)
	s.result.Kind, s.result.Account = p.kind, p.account
	s.result.Services = paths(chosen)
	slices.Sort(s.result.Services)
	s.result.People = persons(members.People)
	return propose(p, chosen, members, dataDir(s.Dir), s.Now()), nil
}
