package demo

import (
	"time"

	"github.com/dxctl/dxctl/event"
)

// legacy is a repository that no component of the catalog claims: what it does stays visible as unmapped.
var legacy = service{
	name:          "legacy-batch",
	team:          "ledger",
	tool:          actions,
	created:       -1500,
	adopts:        -1,
	changesBefore: 1,
	ci:            9 * time.Minute,
	reviewed:      400,
}

// addStrangers adds the little that happens in the unmapped repository.
func (o *Organization) addStrangers() {
	d := newDelivery(o, legacy, 199)
	d.shipped = o.cal.begin.Add(20 * day)
	p := legacy.at(o.cal.begin, o.cal)
	for date := o.cal.begin.Add(3 * day); date.Before(o.Today); date = date.Add(9 * day) {
		at := d.d.at(nextWorkday(date))
		u := pull{
			by:       d.author(at),
			opened:   at.Add(-d.d.about(5 * time.Hour)),
			merged:   at,
			pushes:   1,
			reviewed: d.d.chance(400),
		}
		sha := d.pull(u, p)
		built := d.ci(
			build{
				tool:     actions,
				pipeline: "ci",
				branch:   "main",
				trigger:  "push",
				sha:      sha,
				actor:    u.login(actions),
				created:  at.Add(4 * time.Second),
			},
			p,
			event.Succeeded,
		)
		d.deployTo(
			deploy{
				tool:        actions,
				environment: production,
				began:       built.Add(time.Hour),
				duration:    4 * time.Minute,
				status:      event.Succeeded,
				sha:         sha,
			},
		)
	}
}
