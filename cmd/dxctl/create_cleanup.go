package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/charmbracelet/huh"

	"github.com/dxctl/dxctl/actions/create"
	"github.com/dxctl/dxctl/actions/github"
	"github.com/dxctl/dxctl/cmd/dxctl/exit"
	"github.com/dxctl/dxctl/cmd/dxctl/output"
	"github.com/dxctl/dxctl/event"
)

// cleanUp deletes what a creation has made, after a name was typed.
func (c *creation) cleanUp(ctx context.Context, name string) error {
	if name == "" {
		return errors.New("name the service: dxctl create service NAME --cleanup")
	}
	j, err := create.ReadJournal(c.action.Journals, name)
	if err != nil {
		return err
	}
	left, err := c.action.Leftover(ctx, j)
	if err != nil {
		return err
	}
	t := output.Table{Columns: []string{"change", "what"}}
	for _, one := range left.Deletes {
		t.Rows = append(t.Rows, []string{"delete", one})
	}
	for _, one := range left.Foreign {
		t.Rows = append(t.Rows, []string{"keep", one})
	}
	format := c.output
	if format == "human" || format == "diff" {
		format = "table"
	}
	if err := t.Print(c.out, format); err != nil {
		return err
	}
	if len(left.Foreign) > 0 {
		return exit.With(exit.Conflicts, fmt.Errorf("nothing was deleted: %s: %w; delete it yourself if that is what you "+
			"want", left.Confirm, github.ErrForeign))
	}
	if err := c.confirmed(ctx, left); err != nil {
		return err
	}
	if err := c.action.Clean(ctx, j); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "the creation of %s was undone\n", name)
	return c.recordCleanup(ctx, name, j)
}

// confirmed returns an error unless the name was given or typed.
func (c *creation) confirmed(ctx context.Context, left create.Leftover) error {
	typed := c.confirm
	if typed == "" {
		if terminal(c.in) == nil {
			return exit.With(exit.Approval, fmt.Errorf("nothing was deleted: there is no terminal to type the name on; add "+
				"--confirm %s", left.Confirm))
		}
		question := huh.NewInput().Title("Type " + left.Confirm + " to delete all of this").Value(&typed)
		if err := c.ask(ctx, question); err != nil {
			if exit.Has(err, exit.Cancelled) {
				return exit.With(exit.Cancelled, errors.New("nothing was deleted"))
			}
			return err
		}
	}
	if !left.Equal(typed) {
		return exit.With(exit.Cancelled, fmt.Errorf("nothing was deleted: %q is not %s", typed, left.Confirm))
	}
	return nil
}

// recordCleanup records that a creation was undone, in place of its run.
func (c *creation) recordCleanup(ctx context.Context, name string, j *create.Journal) error {
	if c.app == nil {
		return nil
	}
	return c.app.Removed(ctx, j, event.ActionRun{
		Source: "dxctl", ID: j.Run + "/cleanup", Action: "create-cleanup", Entity: "component:default/" + name,
		Actor: actor(ctx), Plan: j.Plan, Status: event.Succeeded, StartedAt: c.now(), FinishedAt: c.now(),
	})
}
