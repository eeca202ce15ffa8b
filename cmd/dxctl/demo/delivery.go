package demo

import (
	"slices"
	"time"

	"github.com/dxctl/dxctl/event"
)

// delivery plays the days of one service: changes are pushed, built, reviewed and merged, staging follows, and
// production follows by release day or, on the golden path, at once.
type delivery struct {
	record
	c       calendar
	created time.Time
	shipped time.Time // zero: never
	firsts  []*person // whose first change goes through this service, in the order of its deployment
	days    int       // working days since the last release
	head    string    // last merged commit
	running string    // commit in production
	before  string    // commit that ran there before
}

func newDelivery(o *Organization, s service, stream uint64) *delivery {
	d := &delivery{
		record: record{o: o, s: s, d: newDice(stream), base: int(stream)}, c: o.cal,
		created: s.createdAt(o.cal), shipped: s.shippedAt(o.cal),
	}
	for _, p := range o.people {
		if p.hired && p.firstIn == s.name && !p.firstAt.IsZero() {
			d.firsts = append(d.firsts, p)
		}
	}
	slices.SortStableFunc(d.firsts, func(a, b *person) int { return a.firstAt.Compare(b.firstAt) })
	d.head, d.running, d.before = d.d.sha(), d.d.sha(), d.d.sha()
	return d
}

func (d *delivery) run() {
	begin := d.c.begin
	if d.created.After(begin) {
		begin = d.created.Truncate(day)
	}
	for date := begin; date.Before(d.c.today); date = date.Add(day) {
		d.day(date)
	}
}

// day plays one day. The first release of a service and the first changes of new hires have their appointed time.
func (d *delivery) day(date time.Time) {
	p := d.s.at(date, d.c)
	if !d.shipped.IsZero() && d.shipped.Truncate(day).Equal(date) && d.shipped.After(d.c.begin) {
		d.appointed(d.shipped, d.author(d.shipped), p)
	}
	for _, person := range d.firsts {
		if person.firstAt.Truncate(day).Equal(date) {
			d.appointed(person.firstAt, person, p)
		}
	}
	merges := d.merges(date, p)
	for _, at := range merges {
		d.change(at, d.author(at), p)
	}
	if p.golden {
		d.nightly(date, p)
		return
	}
	if len(merges) > 0 {
		d.stage(date.Add(17*time.Hour+time.Duration(d.d.between(0, 5400))*time.Second), d.head, p)
	}
	if workday(date) && date.Weekday() != time.Friday {
		d.days++
	}
	if d.days >= p.release && workday(date) && d.inProduction(date) {
		d.days = 0
		d.release(d.d.at(date), d.head, nil, p)
	}
}

func (d *delivery) inProduction(t time.Time) bool { return !d.shipped.IsZero() && t.After(d.shipped) }

// merges draws when changes are merged on the day.
func (d *delivery) merges(date time.Time, p pace) []time.Time {
	var at []time.Time
	for range d.d.count(p.perDay * int64(activity(date)) / 1000) {
		if t := d.d.at(date); t.After(d.created.Add(20*time.Minute)) && t.Before(d.c.today) {
			at = append(at, t)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	return at
}

// author draws who wrote a change: mostly somebody of the team.
func (d *delivery) author(t time.Time) *person {
	var own, others []*person
	for _, p := range d.o.people {
		switch {
		case !p.active(t):
		case p.teamAt(t) == d.s.team:
			own = append(own, p)
		default:
			others = append(others, p)
		}
	}
	if len(own) == 0 || d.d.chance(60) {
		own = others
	}
	if len(own) == 0 {
		return d.o.people[0]
	}
	// The first few of a team write most.
	return own[min(d.d.between(0, len(own)-1), d.d.between(0, len(own)-1))]
}

// appointed merges a change of the person and deploys it to production so that the deployment ends at the given time.
func (d *delivery) appointed(at time.Time, by *person, p pace) {
	long := 9 * time.Minute
	if p.golden {
		long = 3 * time.Minute
	}
	merged := at.Add(-long - p.ci - time.Duration(d.d.between(240, 1500))*time.Second)
	if merged.Before(d.created) {
		merged = d.created.Add(at.Sub(d.created) / 2)
	}
	opened := merged.Add(-time.Duration(d.d.between(50, 220)) * time.Minute)
	if opened.Before(by.started) && by.started.Before(merged) {
		opened = merged.Add(-20 * time.Minute)
	}
	if opened.Before(d.created) {
		opened = d.created.Add(merged.Sub(d.created) / 2)
	}
	sha := d.pull(pull{by: by, opened: opened, merged: merged, pushes: 1, reviewed: true}, p)
	d.ci(
		build{
			tool:     d.buildTool(p),
			pipeline: "ci",
			branch:   "main",
			trigger:  "push",
			sha:      sha,
			actor:    actor(by, d.buildTool(p)),
			created:  merged.Add(5 * time.Second),
		},
		p,
		event.Succeeded,
	)
	d.stage(at.Add(-long-4*time.Minute), sha, p)
	d.deployTo(
		deploy{
			tool:        p.tool,
			environment: production,
			began:       at.Add(-long),
			duration:    long,
			status:      event.Succeeded,
			sha:         sha,
			by:          d.releaser(by, p),
		},
	)
	d.before, d.running, d.head = d.running, sha, sha
}

// releaser is who starts a deployment: by hand one of the people of the team, on the golden path the author.
func (d *delivery) releaser(author *person, p pace) *person {
	if p.golden || p.tool == scripts {
		return author
	}
	return nil
}

// change plays one change from its first push to staging, and on the golden path to production.
func (d *delivery) change(merged time.Time, by *person, p pace) {
	machine := d.d.chance(90) && (p.golden || d.s.tool == actions)
	lead := d.d.about(p.lead)
	pushes := 1 + d.d.count(800)
	if machine {
		lead, pushes = d.d.about(40*time.Minute), 1
	}
	opened := d.awake(merged.Add(-lead))
	for _, earliest := range []time.Time{d.created, by.started} {
		if opened.Before(earliest) && earliest.Before(merged) {
			opened = earliest.Add(merged.Sub(earliest) / 3)
		}
	}
	u := pull{by: by, machine: machine, opened: opened, merged: merged, pushes: pushes, reviewed: d.d.chance(p.reviewed)}
	if d.d.chance(p.abandonment) {
		u.abandoned = true
		d.pull(u, p)
		return
	}
	sha := d.pull(u, p)
	d.head = sha
	t := d.buildTool(p)
	built := d.ci(
		build{
			tool:     t,
			pipeline: "ci",
			branch:   "main",
			trigger:  "push",
			sha:      sha,
			actor:    u.login(t),
			bot:      machine,
			created:  merged.Add(4 * time.Second),
		},
		p,
		"",
	)
	if !p.golden {
		return
	}
	d.stage(built.Add(time.Minute), sha, p)
	if d.inProduction(built) {
		d.release(built.Add(d.d.about(11*time.Minute)), sha, by, p)
	}
}

// awake moves the small hours to the evening before.
func (d *delivery) awake(t time.Time) time.Time {
	if t.Hour() >= 6 && t.Hour() < 21 {
		return t
	}
	return t.Add(-9 * time.Hour)
}

func (d *delivery) stage(at time.Time, sha string, p pace) {
	status, long := event.Succeeded, d.d.about(6*time.Minute)
	if p.golden {
		long = d.d.about(2 * time.Minute)
	}
	if d.d.chance(p.failing / 2) {
		status = event.Failed
	}
	d.deployTo(deploy{tool: p.tool, environment: staging, began: at, duration: long, status: status, sha: sha})
}

// release deploys a commit to production: it may fail and be tried again, and it may do harm and be rolled back.
func (d *delivery) release(at time.Time, sha string, by *person, p pace) {
	if sha == d.running {
		return
	}
	out := deploy{
		tool:        p.tool,
		environment: production,
		began:       at,
		duration:    d.d.about(11 * time.Minute),
		sha:         sha,
		status:      event.Succeeded,
	}
	if p.golden {
		out.duration = d.d.about(3 * time.Minute)
	}
	if by == nil && p.tool == scripts {
		by = d.author(at)
	}
	if p.golden && !d.d.chance(350) || p.tool == scripts {
		out.by = by
	}
	if d.d.chance(p.failing) {
		out.status = event.Failed
		id, ended := d.deployTo(out)
		out.began, out.status = ended.Add(d.d.about(25*time.Minute)), event.Succeeded
		if p.golden {
			out.id, out.attempt = id, 2 // the same deployment, tried again
		}
	}
	id, ended := d.deployTo(out)
	d.before, d.running = d.running, sha
	if id != "" && d.d.chance(p.harmful) {
		d.harm(id, ended, out, p)
	}
}

// harm opens an incident. Most are ended by rolling back, the others by the next deployment.
func (d *delivery) harm(id string, ended time.Time, out deploy, p pace) {
	opened := ended.Add(d.d.about(18 * time.Minute))
	found := opened.Add(d.d.about(35 * time.Minute))
	if p.golden {
		found = opened.Add(d.d.about(9 * time.Minute))
	}
	resolved := found.Add(d.d.about(40 * time.Minute))
	if d.d.chance(650) {
		back := out
		back.began = found
		back.sha = d.before
		back.id = ""
		back.attempt = 1
		back.rollbackOf = id
		back.status = event.Succeeded
		_, resolved = d.deployTo(back)
		d.running = d.before
	}
	d.incident(opened, resolved, pick(d.d, []string{"high", "low", "low", "critical"}), id)
}

func (d *delivery) deployTo(out deploy) (string, time.Time) { return d.deploy(out) }

// buildTool is where CI runs: a service that is deployed by scripts is built at GitHub, if anywhere.
func (d *delivery) buildTool(p pace) tool {
	if p.tool == scripts {
		return actions
	}
	return p.tool
}
