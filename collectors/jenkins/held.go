package jenkins

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/rest"
)

// stagesOf is what the key of a build's stages begins with, where only they cannot be read.
const stagesOf = "stages of "

// heldKey names a build that is set aside.
func (p *pass) heldKey(number int) string { return p.job.runID(build{Number: number}) }

// hold sets a build aside that failed with err, which is returned where it says nothing about the build alone.
func (p *pass) hold(b build, err error) error {
	key := p.job.runID(b)
	if p.tried[key] {
		return nil
	}
	p.tried[key] = true
	if err := p.state.Failed.Hold(key, p.Now(), err); err != nil {
		return fmt.Errorf("build %d: %w", b.Number, err)
	}
	return nil
}

// heldBuilds asks again for the builds of the job that were set aside and whose time has come.
func (p *pass) heldBuilds(ctx context.Context) (asked bool, err error) {
	for _, key := range p.state.Failed.Due(p.Now()) {
		of, stages := strings.CutPrefix(key, stagesOf)
		number, err := strconv.Atoi(of[strings.LastIndexByte(of, '#')+1:])
		if err != nil || p.heldKey(number) != of || p.tried[key] {
			continue
		}
		asked = true
		if b, there, err := p.one(rest.WithMaxAttempts(ctx, 2), number); err != nil {
			if err := p.state.Failed.Hold(key, p.Now(), err); err != nil {
				return asked, err
			}
		} else if _, open := p.s.Open[number]; there {
			p.state.Failed.Done(key)
			counted := !stages && !open // it is shown for the first time
			if err := p.take(ctx, []build{b}, func(build) bool { return counted }, true); err != nil {
				return asked, err
			}
		} else {
			delete(p.s.Open, number)
			p.state.Failed.Done(key)
		}
	}
	return asked, nil
}
