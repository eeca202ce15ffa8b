package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/collectors/rest"
)

// github returns the host to which actions write. Its writes are counted for all processes of the user: see ledger.
func (s *cli) github(cfg github.Config) (*github.Host, error) {
	host, err := s.uncounted(cfg)
	if err != nil {
		return nil, err
	}
	if l := s.ledger(cfg); l != nil {
		host = host.Counted(l, s.warn)
	}
	return host, nil
}

func (s *cli) uncounted(cfg github.Config) (*github.Host, error) {
	return github.New(cfg, os.Getenv(github.TokenVariable), "dxctl/"+versionString(), rest.Options{Now: s.now})
}

// ledger returns the ledger of the writes of the credentials, in the user's cache directory; nil without one.
func (s *cli) ledger(cfg github.Config) *github.Ledger {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil
	}
	path := github.LedgerFile(filepath.Join(cache, "dxctl"), cfg, os.Getenv(github.TokenVariable))
	return github.NewLedger(path, github.ProcessID(), s.now)
}

// warn tells people what did not keep a command from its work.
func (s *cli) warn(err error) { fmt.Fprintf(s.err, "dxctl: %v\n", err) }
