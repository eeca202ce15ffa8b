package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
)

// counter counts requests, which are sent concurrently.
type counter struct{ n atomic.Int64 }

// prompter asks questions, a line each. Without input every question is an error that names the flag instead.
type prompter struct {
	lines chan string // closed at the end of the input; nil: nothing can be asked
	out   io.Writer
}

func newPrompter(in io.Reader, out io.Writer, yes bool) *prompter {
	p := &prompter{out: out}
	if in != nil && !yes {
		p.lines = make(chan string)
		go func() { // an interruption must not wait for the end of a line
			defer close(p.lines)
			for scanner := bufio.NewScanner(in); scanner.Scan(); {
				p.lines <- scanner.Text()
			}
		}()
	}
	return p
}

// asks reports whether questions can be asked.
func (p *prompter) asks() bool { return p.lines != nil }

func (p *prompter) say(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

// ask asks a question and returns the answer, or suggestion for an empty line. flag is what to give where nothing can
// be asked.
func (p *prompter) ask(ctx context.Context, question, suggestion, flag string) (string, error) {
	if !p.asks() {
		return "", fmt.Errorf("add %s", flag)
	}
	for {
		p.say("%s", question)
		if suggestion != "" {
			p.say(" [%s]", suggestion)
		}
		p.say(": ")
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case line, open := <-p.lines:
			answer := strings.TrimSpace(line)
			switch {
			case !open:
				return "", errors.New("the input ended before the last question was answered; nothing was written")
			case answer != "":
				return answer, nil
			case suggestion != "":
				return suggestion, nil
			}
		}
	}
}

// confirm asks a question that an empty line answers with no.
func (p *prompter) confirm(ctx context.Context, question string) (bool, error) {
	answer, err := p.ask(ctx, question+" (y/n)", "n", "--yes")
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"), err
}
