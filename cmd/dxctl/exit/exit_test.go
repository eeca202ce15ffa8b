package exit

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestCode(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	failure := errors.New("failure")
	for _, c := range []struct {
		name string
		ctx  context.Context //nolint:containedctx // the case is about it
		err  error
		want int
	}{
		{"no error", t.Context(), nil, OK},
		{"no error with a code", t.Context(), With(Partial, nil), OK},
		{"an error without a code", t.Context(), failure, Error},
		{"a code below other text", t.Context(), fmt.Errorf("sending: %w", With(Credentials, failure)), Credentials},
		{"a deadline", t.Context(), context.DeadlineExceeded, Timeout},
		{"an interruption takes precedence", canceled, With(Partial, failure), Cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Code(c.ctx, c.err); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
	if err := With(Partial, failure); !errors.Is(err, failure) || err.Error() != failure.Error() {
		t.Errorf("with a code, the error is %q", err)
	}
}
