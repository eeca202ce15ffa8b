package settings

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/dxctl/dxctl/collectors/github/client"
	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/collectors/github/stream"
	"github.com/dxctl/dxctl/collectors/rest"
	"github.com/dxctl/dxctl/repository/setting"
)

// Parts are what is read of the settings of a repository. A part takes a request; Branch takes two, one for each
// ruleset that applies, and one if it requires checks.
type Parts struct {
	Record       bool // of the repository: whether it is public, the scanning for secrets, branches after the merge
	Branch       bool // what protects the default branch
	Workflows    bool // what the workflow token may do
	Reporting    bool // private vulnerability reporting, of public repositories: Record, or an answer, must show that
	Environments bool
}

// Answer is what GitHub said of settings.
type Answer struct {
	setting.Settings
	// Record and Environments are the answers themselves, of the parts of these names; nil: there is none.
	Record, Environments json.RawMessage
}

// environmentsPath is the path of the environments below a repository.
const environmentsPath = "/environments?per_page=100"

// Read reads parts of the settings of a repository, owner/name, and keeps nothing. What is not asked for, or what
// GitHub fails to show, is unknown. production are as of [Collect]. record is an answer about the repository that was
// read before, which is not asked for again; nil: none.
func Read(ctx context.Context, api *client.Client, repository, branch string, production []string, parts Parts,
	record json.RawMessage) (Answer, error) {
	c := newCollector(&stream.Repository{
		Client: api, Mapper: mapping.Mapper{Source: "GitHub", Scope: repository}, DefaultBranch: branch,
	}, production)
	c.only, c.answers = &parts, map[string]json.RawMessage{}
	if record != nil {
		c.answers[""], parts.Record = record, true
	}
	var s state
	if err := c.ask(ctx, &s); err != nil {
		return Answer{}, err
	}
	return Answer{Settings: c.settings(s), Record: c.answers[""], Environments: c.answers[environmentsPath]}, nil
}

// answer requests a path below the repository. It is kept, and not requested again, if answers are kept.
func (c *collector) answer(ctx context.Context, path, etag string, into any) (client.Answer, error) {
	if c.answers == nil {
		return c.Get(ctx, "repos/"+c.Scope+path, etag, into)
	}
	var got client.Answer
	raw, kept := c.answers[path]
	if !kept {
		var err error
		if got, err = c.Get(ctx, "repos/"+c.Scope+path, etag, &raw); err != nil {
			return got, err
		}
		c.answers[path] = raw
	}
	if err := json.Unmarshal(raw, into); err != nil {
		err = fmt.Errorf("GET repos/%s%s: the answer is not what GitHub documents: %w", c.Scope, path, err)
		return got, &rest.AnswerError{Status: http.StatusOK, Err: err}
	}
	return got, nil
}
