package jenkins

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// build is what is used of a build.
type build struct {
	Class     string   `json:"_class"`
	Number    int      `json:"number"`
	URL       string   `json:"url"`
	Timestamp int64    `json:"timestamp"` // milliseconds; when it left the queue and began
	Duration  millis   `json:"duration"`  // milliseconds; 0 while it runs, and for good when Jenkins was killed meanwhile
	Result    string   `json:"result"`
	Building  *bool    `json:"building"`
	Actions   []action `json:"actions"`
}

// action is one of the things that plugins attach to a build. Which fields are there depends on the plugin.
type action struct {
	Class  string `json:"_class"`
	Causes []struct {
		Class    string `json:"_class"`
		UserID   string `json:"userId"`
		UserName string `json:"userName"`
	} `json:"causes"`
	Parameters []struct {
		Name  string          `json:"name"`
		Value json.RawMessage `json:"value"`
	} `json:"parameters"`
	Queuing  millis `json:"queuingDurationMillis"` // of the Metrics plugin
	Revision *struct {
		SHA1   string `json:"SHA1"`
		Branch []struct {
			Name string `json:"name"`
		} `json:"branch"`
	} `json:"lastBuiltRevision"`
	Remotes []string `json:"remoteUrls"`
}

// buildPage is a part of a job's builds, newest first.
type buildPage struct {
	First *struct {
		Number int `json:"number"`
	} `json:"firstBuild"`
	Builds []build `json:"allBuilds"`
	shown  int     // builds on the page as it came, also those that could not be read
	lost   []int   // numbers of those that were set aside
}

// buildFields are what is asked of a build.
func (c *Collector) buildFields() string {
	parameters := ""
	if c.wantsParameters() {
		parameters = "parameters[name,value],"
	}
	return "_class,number,url,timestamp,duration,result,building,actions[_class,queuingDurationMillis," + parameters +
		"causes[_class,userId,userName],lastBuiltRevision[SHA1,branch[name]],remoteUrls]"
}

// started is when the build began; zero when that is not known.
func (b build) started() time.Time { return instant(b.Timestamp) }

// created is when the build entered the queue; zero without the Metrics plugin, which alone knows it.
func (b build) created() time.Time {
	for _, a := range b.Actions {
		if a.Queuing.known && a.Queuing.n < b.Timestamp {
			return instant(b.Timestamp - a.Queuing.n)
		}
	}
	return time.Time{}
}

// finished is when the build ended; zero when that is not known.
func (b build) finished() time.Time {
	if b.Duration.length() == 0 || b.started().IsZero() {
		return time.Time{}
	}
	return instant(b.Timestamp + b.Duration.n)
}

// asked reports whether the build has come to an input step, where it waits for a person. Jenkins leaves the mark when
// the build goes on, and its duration contains the time that it waited.
func (b build) asked() bool {
	return slices.ContainsFunc(b.Actions, func(a action) bool { return strings.HasSuffix(a.Class, ".InputAction") })
}

// millis is a duration. What is missing, null, negative or no whole number is not known, which is not the same as 0.
type millis struct {
	n     int64
	known bool
}

// UnmarshalJSON never fails: one odd duration must not cost the build.
func (m *millis) UnmarshalJSON(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if *m = (millis{}); err == nil && n >= 0 && n < 1<<53 {
		*m = millis{n, true}
	}
	return nil
}

// length is how long it was; 0 where that is not known.
func (m millis) length() time.Duration {
	if !m.known || m.n > 1<<43 { // 279 years
		return 0
	}
	return time.Duration(m.n) * time.Millisecond
}

// instant is the time of milliseconds since 1970, or zero where no event may carry it.
func instant(ms int64) time.Time {
	if ms <= 0 || ms > 1<<53 {
		return time.Time{}
	}
	return source.Known(time.UnixMilli(ms))
}

// cause returns what started the build and who.
func (b build) cause() (trig, actor string) {
	for _, a := range b.Actions {
		for _, c := range a.Causes {
			if trig == "" {
				trig = trigger(c.Class)
			}
			if actor == "" {
				actor = c.UserID
			}
		}
	}
	return trig, actor
}

// revision returns commit and branch. A pipeline that loads libraries has built several repositories: the one that
// bears a name of the job's path is its own, else the first is.
func (b build) revision(names []string) (sha, branch string) {
	found := false
	for _, a := range b.Actions {
		if a.Revision == nil || a.Revision.SHA1 == "" {
			continue
		}
		own := bears(a.Remotes, names)
		if found && !own {
			continue
		}
		found, sha, branch = true, a.Revision.SHA1, ""
		if len(a.Revision.Branch) > 0 {
			branch = plainBranch(a.Revision.Branch[0].Name)
		}
		if own {
			break
		}
	}
	return sha, branch
}

func bears(remotes, names []string) bool {
	for _, r := range remotes {
		r = strings.TrimSuffix(strings.TrimRight(r, "/"), ".git")
		r = r[strings.LastIndexAny(r, "/:")+1:]
		for _, n := range names {
			if strings.EqualFold(n, r) {
				return true
			}
		}
	}
	return false
}

// plainBranch is a branch as people call it: refs/remotes/origin/main and origin/main are main.
func plainBranch(ref string) string {
	if b, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		return b
	}
	if b, ok := strings.CutPrefix(ref, "refs/remotes/"); ok {
		_, branch, found := strings.Cut(b, "/")
		if found {
			return branch
		}
		return b
	}
	if ref == "detached" {
		return ""
	}
	return strings.TrimPrefix(ref, "origin/")
}

// parameter returns a parameter's value as text; empty when the build has none of that name.
func (b build) parameter(name string) string {
	if name == "" {
		return ""
	}
	for _, a := range b.Actions {
		for _, p := range a.Parameters {
			if p.Name != name {
				continue
			}
			var text string
			if json.Unmarshal(p.Value, &text) == nil {
				return strings.TrimSpace(text)
			}
			if v := string(p.Value); v != "" && v != "null" && v[0] != '{' && v[0] != '[' {
				return v // a number, or true
			}
		}
	}
	return ""
}

var pullRequest = regexp.MustCompile(`^(?:PR|MR)-\d+$`)

// runID is the build's id within its scope.
func (j job) runID(b build) string {
	if j.branch == "" {
		return strconv.Itoa(b.Number)
	}
	return j.branch + "#" + strconv.Itoa(b.Number)
}

func (c *Collector) buildURL(j job, b build) string {
	if strings.HasPrefix(b.URL, "https://") || strings.HasPrefix(b.URL, "http://") {
		return b.URL
	}
	return c.BaseURL() + jobPath(j.names) + strconv.Itoa(b.Number) + "/"
}

// runEvent makes the event of a build, which bears the given id.
func (r *reader) runEvent(j job, b build, id string) event.PipelineRun {
	mapped, raw := buildStatus(b, r.Unrecognized)
	trig, actor := b.cause()
	sha, branch := b.revision(j.names)
	if j.branch != "" {
		branch = j.branch
		if trig == "push" && pullRequest.MatchString(branch) {
			trig = "pull_request"
		}
	}
	e := event.PipelineRun{
		Origin:    r.origin(id, r.buildURL(j, b)),
		Attempt:   1,
		Pipeline:  r.scope,
		Status:    mapped,
		StatusRaw: raw,
		Branch:    branch,
		Trigger:   trig,
		SHA:       sha,
		Actor:     actor,
		Bot:       isBot(actor),
		CreatedAt: b.created(),
		StartedAt: b.started(),
	}
	if mapped.Final() && !b.asked() { // when the part that nobody started by hand ended, only its stages tell
		e.FinishedAt, e.Duration = b.finished(), b.Duration.length()
	}
	return e
}

// deploymentEvent makes the deployment that a build is by the rules; false when it is none. It bears the build's id.
func (r *reader) deploymentEvent(j job, b build, run event.PipelineRun) (event.Deployment, bool) {
	environment, version, ok := r.deployment(j.fullName(), b.parameter)
	if !ok {
		return event.Deployment{}, false
	}
	finished := time.Time{}
	if run.Status.Final() { // also of what a person started: that is when it was deployed
		finished = b.finished()
	}
	return event.Deployment{
		Origin: run.Origin, Attempt: 1, Environment: environment, Status: run.Status, StatusRaw: run.StatusRaw,
		CreatedAt: run.CreatedAt, StartedAt: run.StartedAt, FinishedAt: finished, SHA: run.SHA, Ref: run.Branch,
		Version: version, Actor: run.Actor, Bot: run.Bot, Trigger: run.Trigger,
	}, true
}
