package fix

import (
	"context"

	"github.com/dxctl/dxctl/actions/fix/edits"
)

// resolved is what the host answered about a version of an action.
type resolved struct {
	action edits.Action
	err    error
}

// digests returns how edits ask for the digest of an image; nil if nobody can be asked. Each image is asked for once in
// a plan.
func (p *planner) digests(ctx context.Context) func(image string) (string, error) {
	if p.Digest == nil {
		return nil
	}
	return func(image string) (string, error) {
		answer, ok := p.digested[image]
		if !ok {
			if p.digested == nil {
				p.digested = map[string]digested{}
			}
			answer.digest, answer.err = p.Digest(ctx, image)
			p.digested[image] = answer
		}
		return answer.digest, answer.err
	}
}

// digested is what a registry answered about an image.
type digested struct {
	digest string
	err    error
}

// resolver returns how edits ask for the commit of a version; nil if nobody can be asked. Each version is asked for
// once in a plan, so that all its uses get one commit.
func (p *planner) resolver(ctx context.Context) func(repository, tag string) (edits.Action, error) {
	if p.Resolve == nil {
		return nil
	}
	return func(repository, tag string) (edits.Action, error) {
		key := repository + "@" + tag
		answer, ok := p.asked[key]
		if !ok {
			if p.asked == nil {
				p.asked = map[string]resolved{}
			}
			answer.action, answer.err = p.Resolve(ctx, repository, tag)
			p.asked[key] = answer
		}
		return answer.action, answer.err
	}
}
