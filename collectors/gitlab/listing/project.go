// Package listing reads the listings of a GitLab project: pipelines, merge requests, deployments.
//
// A listing is read newest first. Its state remembers the newest page by its ETag, the latest update that was seen (the
// cursor), and the page of history that is next. A call first requests the newest page, conditionally; where it has not
// changed, there is nothing new. Otherwise it requests what was updated after the cursor, oldest update first, and then
// continues with the history. The order in which records are stored, and a stop between two pages, change nothing: a
// page is read again until the checkpoint after it has been saved.
package listing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Project is the project whose records are listed, with what reads and stores them.
type Project struct {
	*source.Base
	*Client
	Writer source.Writer
	Name   string    // its path, which is the scope of its records
	WebURL string    // of its page
	Since  time.Time // how far back this collect reads; zero: everything
}

// WriteLedger stores a ledger entry: how many records of a kind GitLab reports, and how many are stored. expected is
// nil where GitLab does not report it. floor is how far back the records were read; zero: all. note is added for
// readers of the ledger.
func (p *Project) WriteLedger(
	ctx context.Context,
	of event.Kind,
	floor time.Time,
	expected *uint64,
	note string,
) error {
	stored, open, err := p.Writer.Count(ctx, of, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	e := p.Ledger(p.Name, of, time.Time{})
	e.Expected, e.Stored, e.Open = stored, stored, open
	e.URL, e.Note = p.WebURL, note
	switch {
	case expected == nil:
		if e.Note == "" {
			e.Note = "GitLab gives no total here; every page of its listing was read"
		}
	case !floor.IsZero():
		e.Expected = min(stored, *expected)
		e.Note = strings.TrimPrefix(note+"; ", "; ") + fmt.Sprintf(
			"of %d, those created since %s",
			*expected,
			floor.Format(time.DateOnly),
		)
	default:
		e.Expected = *expected
	}
	return p.Writer.Append(ctx, e)
}
