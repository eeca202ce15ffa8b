package pathlock

import (
	"fmt"
	"strings"
	"time"
)

// Declined is what the repository does not take until the end of a day: a rule, a file, or everything that dxctl would
// propose. It is written by hand.
type Declined struct {
	Rule   string // id of a rule; "" with File and All
	File   string // path, relative to the directory of the service; "" with Rule and All
	All    bool
	Reason string
	By     string
	Until  time.Time // last day, UTC
	Line   int       // in the file; 0 for one that was not read
}

// Holds reports whether the entry still counts at a time.
func (d *Declined) Holds(now time.Time) bool { return now.Before(d.Until.AddDate(0, 0, 1)) }

// String is for people: "declined until 2027-03-31: no agents here".
func (d *Declined) String() string {
	return fmt.Sprintf("declined until %s: %s", d.Until.Format(time.DateOnly), d.Reason)
}

// Declines returns the entry that declines a rule or a file at a time, or everything; nil if none does. Either text may
// be empty. Of several, the one that lasts longest counts.
func (l *Lock) Declines(rule, file string, now time.Time) *Declined {
	var longest *Declined
	for i := range l.Declined {
		d := &l.Declined[i]
		names := d.All || rule != "" && d.Rule == rule || file != "" && d.File == file
		if names && d.Holds(now) && (longest == nil || d.Until.After(longest.Until)) {
			longest = d
		}
	}
	return longest
}

type declined struct {
	Rule   string `yaml:"rule,omitempty"`
	File   string `yaml:"file,omitempty"`
	All    bool   `yaml:"all,omitempty"`
	Reason string `yaml:"reason"`
	By     string `yaml:"by"`
	Until  string `yaml:"until"`
}

func (d *Declined) written() declined {
	return declined{
		Rule: d.Rule, File: d.File, All: d.All, Reason: d.Reason, By: d.By, Until: d.Until.UTC().Format(time.DateOnly),
	}
}

func (p *parser) declined(at string, w *declined) Declined {
	d := Declined{
		Rule: w.Rule, File: w.File, All: w.All, Reason: strings.TrimSpace(w.Reason), By: strings.TrimSpace(w.By),
	}
	d.Line, _ = p.where.Place(at)
	given := 0
	for _, is := range []bool{w.Rule != "", w.File != "", w.All} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		p.fail(at, "write either the rule or the file that is declined, or all: true")
	case w.File != "":
		if err := CheckPath(w.File); err != nil {
			p.fail(at+".file", "path %.200q %v", w.File, err)
		}
	}
	if d.Reason == "" || len(d.Reason) > maxText {
		p.fail(at+".reason", "the reason is missing or longer than %d bytes; say in a sentence why it is declined", maxText)
	}
	if d.By == "" {
		p.fail(at+".by", "it is not said who declined it; write for example by: user:default/ana")
	}
	until, err := time.Parse(time.DateOnly, w.Until)
	if err != nil {
		p.fail(at+".until", "until %.40q is not a day; write the last day as 2027-03-31", w.Until)
	}
	d.Until = until
	return d
}
