package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// record writes what a service's tools would tell: it knows their identifiers, words and addresses.
type record struct {
	o       *Organization
	s       service
	d       dice
	base    int // identifiers of a service begin here
	changes int
	builds  int
	deploys int
	bad     int
}

// origin names the source of an event. The scripts tell themselves which service they deploy.
func (r *record) origin(t tool, id string) event.Origin {
	host := "github." + domain
	o := event.Origin{Source: SourceGitHub, Scope: r.s.slug(), ID: id}
	switch t {
	case jenkins:
		o.Source, o.Scope, host = SourceJenkins, jobName(r.s), "jenkins."+domain
	case circleci:
		o.Source, o.Scope, host = SourceCircleCI, "gh/"+r.s.slug(), "circleci."+domain
	case scripts:
		o.Source, o.Scope, o.Service, host = SourceScripts, r.s.name, r.s.ref(), "deploys."+domain
	}
	o.Provider = providers[o.Source]
	o.URL = "https://" + host + "/" + o.Scope
	return o
}

// jobName is the job in Jenkins that builds and deploys a service.
func jobName(s service) string { return s.team + "/" + s.name }

// actor is the login of the person at the tool.
func actor(p *person, t tool) string {
	if t == jenkins || t == scripts {
		return p.account
	}
	return p.login
}

// words of the tools for how something ended.
var words = map[tool]map[event.Status]string{
	jenkins: {event.Succeeded: "SUCCESS", event.Failed: "FAILURE", event.Cancelled: "ABORTED", event.Running: "BUILDING"},
	actions: {
		event.Succeeded: "success",
		event.Failed:    "failure",
		event.Cancelled: "cancelled",
		event.Running:   "in_progress",
		event.Skipped:   "skipped",
	},
	circleci: {
		event.Succeeded: "success",
		event.Failed:    "failed",
		event.Cancelled: "canceled",
		event.Running:   "running",
		event.Skipped:   "not_run",
	},
	// as pushed events have them
	scripts: {event.Succeeded: "deployed", event.Failed: "failed", event.Running: "started"},
}

// seen cuts a span at today: what has not begun by then is not known (false), what has not ended is running.
func (r *record) seen(began time.Time, ended *time.Time, status *event.Status) bool {
	if !began.Before(r.o.Today) {
		return false
	}
	if !ended.Before(r.o.Today) {
		*ended, *status = time.Time{}, event.Running
	}
	return true
}

// build is one run of a pipeline.
type build struct {
	tool              tool
	pipeline, branch  string
	trigger, sha      string
	actor             string
	bot               bool
	created           time.Time
	queue, duration   time.Duration
	status            event.Status
	attempt           int
	id                string // of the first attempt, when this is a further one
	jobs              []string
	clockBack, noTime bool // the two ways in which real servers spoil their times
}

// run stores a build with its jobs. It returns its id and its end, or "" when it lies after today.
func (r *record) run(b build) (id string, ended time.Time) {
	b.created, b.duration = b.created.Truncate(time.Millisecond), b.duration.Truncate(time.Millisecond)
	started := b.created.Add(b.queue)
	ended = started.Add(b.duration)
	finished, status := ended, b.status
	if !r.seen(b.created, &finished, &status) {
		return "", ended
	}
	if b.id == "" {
		r.builds++
		b.id = fmt.Sprint(r.builds)
		if b.tool != jenkins {
			b.id = fmt.Sprint(int64(7_400_000_000) + int64(r.base*1_000_000+r.builds*13))
		}
	}
	e := event.PipelineRun{
		Origin:     r.origin(b.tool, b.id),
		Attempt:    uint16(max(1, b.attempt)),
		Pipeline:   b.pipeline,
		Status:     status,
		StatusRaw:  words[b.tool][status],
		Branch:     b.branch,
		Trigger:    b.trigger,
		SHA:        b.sha,
		Actor:      b.actor,
		Bot:        b.bot,
		CreatedAt:  b.created,
		StartedAt:  started,
		FinishedAt: finished,
	}
	switch b.tool {
	case jenkins:
		e.URL += "/" + b.id + "/"
	case actions:
		e.URL += "/actions/runs/" + b.id
	default:
		e.URL += "/workflows/" + b.id
	}
	r.addJobs(b, e)
	switch {
	case finished.IsZero():
	case b.clockBack:
		e.FinishedAt = started.Add(-time.Duration(r.d.between(5, 90)) * time.Second)
	case b.noTime:
		e.StartedAt = time.Time{}
	}
	r.o.runs = append(r.o.runs, e)
	return b.id, ended
}

// addJobs splits a run into its jobs: they run side by side after the first, and after a failure the last is skipped.
func (r *record) addJobs(b build, run event.PipelineRun) {
	for i, name := range b.jobs {
		j := event.PipelineJob{
			Origin: run.Origin, RunID: run.ID, Attempt: run.Attempt, Name: name, Runner: runners[b.tool],
			Status: run.Status, CreatedAt: run.CreatedAt, StartedAt: run.StartedAt, FinishedAt: run.FinishedAt,
		}
		j.ID = fmt.Sprintf("%s%d%02d", run.ID, run.Attempt, i)
		j.URL = run.URL + "/job/" + j.ID
		if !run.FinishedAt.IsZero() {
			j = r.split(j, run, i, len(b.jobs))
		}
		j.StatusRaw = words[b.tool][j.Status]
		r.o.jobs = append(r.o.jobs, j)
	}
}

func (r *record) split(j event.PipelineJob, run event.PipelineRun, i, of int) event.PipelineJob {
	long := run.FinishedAt.Sub(run.StartedAt)
	switch {
	case i == of-1 && of > 1 && run.Status == event.Failed:
		j.Status, j.StartedAt, j.FinishedAt = event.Skipped, time.Time{}, time.Time{}
	case i < of-1 || of == 1:
		if of > 1 {
			j.FinishedAt = run.StartedAt.Add(long * time.Duration(r.d.between(35, 70)) / 100).Truncate(time.Millisecond)
		}
		if run.Status == event.Failed && i > 0 && of > 1 {
			j.Status = event.Succeeded
		}
	default:
		j.CreatedAt = run.StartedAt.Add(long * 7 / 10).Truncate(time.Millisecond)
		j.StartedAt = j.CreatedAt.Add(time.Duration(r.d.between(2, 40)) * time.Second)
		if j.StartedAt.After(run.FinishedAt) {
			j.StartedAt = j.CreatedAt
		}
	}
	return j
}

var runners = map[tool]string{actions: "ubuntu-24.04", circleci: "docker-medium", jenkins: "agent-linux"}

// deploy is one deployment.
type deploy struct {
	tool        tool
	environment map[tool]string
	began       time.Time
	duration    time.Duration
	status      event.Status
	sha         string
	by          *person // nil: the tool's own account
	attempt     int
	id          string
	rollbackOf  string
}

// deploy stores a deployment. It returns its id and its end, or "" when it lies after today.
func (r *record) deploy(d deploy) (id string, ended time.Time) {
	d.began, d.duration = d.began.Truncate(time.Millisecond), d.duration.Truncate(time.Millisecond)
	ended = d.began.Add(d.duration)
	finished, status := ended, d.status
	created := d.began.Add(-time.Duration(r.d.between(4, 60)) * time.Second)
	if !r.seen(created, &finished, &status) {
		return "", ended
	}
	if d.id == "" {
		r.deploys++
		d.id = fmt.Sprint(310_000_000 + r.base*100_000 + r.deploys)
		if d.tool == jenkins {
			d.id = fmt.Sprintf("deploy-%d", r.deploys)
		}
	}
	e := event.Deployment{
		Origin:      r.origin(d.tool, d.id),
		Attempt:     uint16(max(1, d.attempt)),
		Environment: d.environment[d.tool],
		Status:      status,
		StatusRaw:   words[d.tool][status],
		CreatedAt:   created,
		StartedAt:   d.began,
		FinishedAt:  finished,
		SHA:         d.sha,
		Ref:         "main",
		Version:     d.sha[:10],
		Actor:       serviceAccounts[d.tool],
		Bot:         true,
		Trigger:     "push",
	}
	if d.by != nil {
		e.Actor, e.Bot, e.Trigger = actor(d.by, d.tool), false, "manual"
	}
	if d.tool == scripts {
		// a script copies whatever was built and does not say from which commit
		e.SHA, e.Ref, e.Version = "", "", "build-"+d.id
		e.EnvironmentKey = strings.ToLower(e.Environment)
	}
	if d.tool == actions || d.tool == scripts {
		e.RollbackOf = d.rollbackOf // the others do not know that they roll back
	}
	e.URL += "/deployments/" + d.id
	r.o.deployments = append(r.o.deployments, e)
	return d.id, ended
}

var serviceAccounts = map[tool]string{
	jenkins:  "jenkins-deploy",
	actions:  "deploy-bot[bot]",
	circleci: "circleci-deploy",
	scripts:  "root",
}

// incident stores an incident that a deployment caused.
func (r *record) incident(opened, resolved time.Time, severity, deployment string) {
	if !opened.Before(r.o.Today) {
		return
	}
	r.bad++
	e := event.Incident{
		Origin: event.Origin{
			Source:   SourcePager,
			Provider: providers[SourcePager],
			Scope:    pagerID(r.s),
			ID:       fmt.Sprintf("Q%02d%04d", r.base, r.bad),
			Service:  r.s.ref(),
		},
		Severity:       severity,
		OpenedAt:       opened.Truncate(time.Millisecond),
		AcknowledgedAt: opened.Truncate(time.Millisecond).Add(time.Duration(r.d.between(1, 14)) * time.Minute),
		ResolvedAt:     resolved.Truncate(time.Millisecond),
		Deployment:     deployment,
		How:            "said",
	}
	e.URL = "https://pager." + domain + "/incidents/" + e.ID
	if e.AcknowledgedAt.After(e.ResolvedAt) {
		e.AcknowledgedAt = time.Time{} // repaired before anybody said that they would
	}
	for _, at := range []*time.Time{&e.AcknowledgedAt, &e.ResolvedAt} {
		if !at.Before(r.o.Today) {
			*at = time.Time{}
		}
	}
	r.o.incidents = append(r.o.incidents, e)
}

// pagerID is the id of the service at the pager.
func pagerID(s service) string {
	return "PDEMO" + strings.ToUpper(strings.ReplaceAll(s.name, "-", ""))[:4]
}
