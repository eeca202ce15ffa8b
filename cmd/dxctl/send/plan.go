package send

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/scorecards/plan"
	"github.com/dxctl/dxctl/web/planning"
)

// maxPlan bounds the answer to a request for a plan, in bytes.
const maxPlan = 128 << 20

// Plan sends edited scorecards to a server and returns what they would change. Mistakes in the files are an error of
// type [scorecards.Problems]. While the server makes another plan, it is asked again, up to o.Retries times, but not
// after a timeout. An error carries an exit code if the token is rejected or the server does not answer within the
// timeout.
func Plan(ctx context.Context, request planning.Request, o Options) (*plan.Plan, error) {
	address, err := addressOf(o.Server, planning.Path)
	if err != nil {
		return nil, err
	}
	var doc bytes.Buffer
	encoder := json.NewEncoder(&doc)
	encoder.SetEscapeHTML(false) // six bytes for each <
	if err := encoder.Encode(request); err != nil {
		return nil, fmt.Errorf("encoding the request for a plan: %w", err)
	}
	var made *plan.Plan
	err = o.again(ctx, func(client *http.Client) error {
		resp, err := o.exchange(ctx, client, address, "application/json", doc.Bytes(), maxPlan)
		if err == nil {
			made, err = planOf(resp)
		}
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() && ctx.Err() == nil {
			// Not again: the server makes one plan at a time, and each try would begin another one.
			return exit.With(exit.Timeout, fmt.Errorf("no answer within %s: the server may still be making the plan; raise "+
				"--timeout", o.Timeout))
		}
		return err
	})
	var problems scorecards.Problems
	if err != nil && !errors.As(err, &problems) {
		err = fmt.Errorf("sending the scorecards to %s: %w", address, err)
	}
	return made, err
}

// planOf reads an answer.
func planOf(resp answered) (*plan.Plan, error) {
	if resp.code == http.StatusOK {
		var made plan.Plan
		if err := json.Unmarshal(resp.body, &made); err != nil {
			return nil, fmt.Errorf("the answer is no plan: %w; check the address of the server", err)
		}
		if made.Version != plan.Version {
			return nil, fmt.Errorf("the answer is a plan of version %d, and this dxctl reads version %d; use the version of "+
				"the server", made.Version, plan.Version)
		}
		return &made, nil
	}
	var doc struct {
		Detail   string              `json:"detail"`
		Mistakes scorecards.Problems `json:"mistakes"`
	}
	_ = json.Unmarshal(resp.body, &doc) // a proxy answers with a page
	refused := fmt.Errorf("%s: %s", resp.status, cmp.Or(doc.Detail, "the response is not from dxctl: check the address "+
		"of the server"))
	switch {
	case len(doc.Mistakes) > 0:
		return nil, doc.Mistakes
	case resp.code == http.StatusUnauthorized || resp.code == http.StatusForbidden:
		return nil, exit.With(exit.Credentials, refused)
	case resp.code == http.StatusNotFound || resp.code == http.StatusMethodNotAllowed:
		return nil, fmt.Errorf("%w; check that server.tokens of the server's dx.yaml has a token with scopes: [plan]",
			refused)
	case resp.code == http.StatusBadGateway || resp.after > 0:
		return nil, retryable{err: refused, after: resp.after}
	}
	return nil, refused
}
