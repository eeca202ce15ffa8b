package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/access"
	"github.com/dxctl/dxctl/scorecards"
	"github.com/dxctl/dxctl/web/planning"
)

// PlanCommand is the command of this program that plans a request of package planning. It reads two JSON documents from
// stdin: the files of the scorecards that the server grades by, a list of [scorecards.File], and the request.
var PlanCommand = []string{"rules", "plan-request"}

// PlanOutcome is what PlanCommand prints: exactly one of its fields.
type PlanOutcome struct {
	Plan     json.RawMessage     `json:"plan,omitempty"`
	Mistakes scorecards.Problems `json:"mistakes,omitempty"` // in the files
	Refused  string              `json:"refused,omitempty"`  // what is wrong with the request
}

// Bounds of the process of a plan, in bytes. The collector of garbage keeps below PlanMemory; at PlanMemoryHard the
// process ends.
const (
	PlanMemory     = 2 << 30
	PlanMemoryHard = 3 << 30
	maxPlanOutput  = 128 << 20
	maxPlanLog     = 64 << 10
)

// openPlanning returns what answers requests for plans; nil if no token is for them. Plans that are being made end when
// serving does.
func (a *App) openPlanning(serving context.Context) (http.Handler, error) {
	tokens := a.tokens()
	if !tokens.Any(access.Plan) {
		return nil, nil
	}
	return planning.New(planning.Deps{Tokens: tokens, Logger: a.log, Registerer: a.registry,
		Plan: func(ctx context.Context, request []byte) ([]byte, error) {
			ctx, cancel := context.WithTimeout(ctx, a.cfg.Server.PlanTimeout)
			defer cancel()
			defer context.AfterFunc(serving, cancel)()
			return a.planProcess(ctx, request)
		}})
}

// tokens returns the tokens of programs. Those of senders are known too, so that a sender that asks for a plan learns
// that its token is for something else.
func (a *App) tokens() *access.Tokens {
	all := slices.Clone(a.cfg.Server.Tokens)
	for _, s := range a.cfg.Sources.Receivers() {
		all = append(all, access.Token{Name: "of the source " + s.Name, Secret: s.Secret, Previous: s.Previous})
	}
	return access.New(all...)
}

// planProcess plans a request in a process of its own. Edited rules may be hostile: CEL bounds the cost of an
// evaluation, but counts the cost of a single step only after it, and cannot be interrupted there. A process can be
// stopped at any time, and what it takes of memory and cores is bounded apart from that of the server. It uses the
// store through this process, as every command does.
func (a *App) planProcess(ctx context.Context, request []byte) ([]byte, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("looking for the program that plans: %w", err)
	}
	// Its scorecards are those of this process, which the files on disk may be no longer.
	loaded, err := json.Marshal(a.set.Files)
	if err != nil {
		return nil, fmt.Errorf("encoding the scorecards that the server grades by: %w", err)
	}
	arguments := PlanCommand
	if a.cfg.File != "" {
		arguments = append(arguments[:len(arguments):len(arguments)], "--config", a.cfg.File)
	}
	//nolint:gosec // this program, with no argument of the request
	cmd := exec.CommandContext(ctx, program, arguments...)
	cmd.Args[0] = "dxctl"
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMEMLIMIT=%d", PlanMemory),
		fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.NumCPU()/2)))
	cmd.WaitDelay = 5 * time.Second // for its output, when it is stopped
	out, log := bounded{most: maxPlanOutput}, bounded{most: maxPlanLog, cut: true}
	cmd.Stdin = io.MultiReader(bytes.NewReader(loaded), bytes.NewReader(request))
	cmd.Stdout, cmd.Stderr = &out, &log
	err = cmd.Run()
	text := strings.TrimSpace(log.String())
	var outcome PlanOutcome
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &outcome)
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, stopped(fmt.Sprintf("after %s; %s", a.cfg.Server.PlanTimeout, cheaper))
	case ctx.Err() != nil:
		return nil, stopped("because the server is stopping")
	case err != nil && (strings.Contains(text, "out of memory") || strings.Contains(text, "cannot allocate memory")):
		return nil, stopped(fmt.Sprintf("because it took more than %d MiB of memory; %s", PlanMemoryHard>>20, cheaper))
	case err != nil:
		return nil, fmt.Errorf("planning in a process of its own: %w: %s", err, cmp.Or(text, "it printed no error"))
	case outcome.Refused != "":
		return nil, &planning.Refusal{Status: http.StatusUnprocessableEntity, Detail: outcome.Refused}
	case len(outcome.Mistakes) > 0:
		return nil, &planning.Refusal{Status: http.StatusUnprocessableEntity, Mistakes: outcome.Mistakes,
			Detail: fmt.Sprintf("the scorecards have mistakes: %d; correct them, then plan again", len(outcome.Mistakes))}
	}
	return outcome.Plan, nil
}

const cheaper = "plan fewer past days, or look for expensive expressions in the edited rules"

func stopped(why string) error {
	return &planning.Refusal{Status: http.StatusServiceUnavailable, Detail: "the plan was stopped " + why}
}

// bounded is a buffer that takes so many bytes at most: the rest is an error, or cut off.
type bounded struct {
	bytes.Buffer
	most int
	cut  bool
}

// Write appends to the buffer.
func (b *bounded) Write(p []byte) (int, error) {
	room := b.most - b.Len()
	if len(p) <= room {
		return b.Buffer.Write(p)
	}
	if !b.cut {
		return 0, fmt.Errorf("it printed more than %d bytes", b.most)
	}
	_, _ = b.Buffer.Write(p[:room]) // a buffer returns no error
	return len(p), nil
}
