package edits

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dxctl/dxctl/actions/splice"
	"github.com/dxctl/dxctl/repository/workflow"
	"github.com/dxctl/dxctl/repository/yamlfile"
)

// The limits of jobs, in minutes.
const (
	defaultLimit = 120 // of a job of which no times are known: it ends what hangs, and nothing that works
	longLimit    = 360 // of one that may take hours: it says what GitHub does anyway
	leastLimit   = 10
	mostLimit    = 360 // GitHub's own
)

// enoughRuns is from how many runs on the longest one says how long a job takes.
const enoughRuns = 10

// addTimeouts gives each job a timeout, and a workflow of pull requests a concurrency group.
func addTimeouts(e *editor) {
	defaults, owned := 0, 0
	e.eachWorkflow(func(f *splice.File, w *workflow.Workflow) error {
		said, usual, own := len(e.result.Notes), defaults, owned
		defer func() {
			if f.Changed() && e.generated(w.Path) != "" { // which is not written, so that there is nothing to say about it
				e.result.Notes, defaults, owned = e.result.Notes[:said], usual, own
			}
		}()
		err := jobs(f, func(id string, job *yaml.Node) error {
			if yamlfile.Has(job, "timeout-minutes") || yamlfile.Has(job, "uses") || !yamlfile.Has(job, "steps") {
				return nil
			}
			limit := defaultLimit
			if took := e.took(w, id, job); took.Runs > 0 {
				limit = limitOf(took.Longest)
				e.result.Notes = append(e.result.Notes, fmt.Sprintf("the job %s of %s gets a limit of %d minutes: at least twice "+
					"the longest of its %d successful runs in 90 days, which took %s", OneLine(id, maxQuoted), path.Base(w.Path),
					limit, took.Runs, took.Longest.Round(time.Second)))
			} else if ownMachine(splice.Field(job, "runs-on")) {
				limit = longLimit
				owned++
			} else if reason := mayTakeHours(w, id, job); reason != "" {
				limit = longLimit
				e.result.Notes = append(e.result.Notes, fmt.Sprintf("the job %s of %s gets the limit of GitHub, %d minutes, "+
					"because %s", OneLine(id, maxQuoted), path.Base(w.Path), limit, reason))
			} else {
				defaults++
			}
			limit = max(limit, e.number("minutes", 0))
			for _, step := range items(splice.Field(job, "steps")) {
				// A step may take longer than usual: then the job may, too.
				if n, ok := yamlfile.Int(splice.Field(step, "timeout-minutes")); ok {
					limit = max(limit, n+15)
				}
			}
			after := ""
			if splice.Field(job, "runs-on") != nil {
				after = "runs-on"
			}
			return f.Insert(job, after, "timeout-minutes", min(limit, mostLimit))
		})
		if err != nil {
			return err
		}
		return e.concurrency(f, w)
	})
	if owned > 0 {
		e.result.Notes = append(e.result.Notes, fmt.Sprintf("%d jobs get the limit of GitHub, %d minutes, because the "+
			"labels of their machines are not GitHub's own", owned, longLimit))
	}
	if defaults > 0 {
		e.result.Notes = append(e.result.Notes, fmt.Sprintf("%d jobs get the default limit of %d minutes, because it is not "+
			"known here how long they take; lower it where you know", defaults, max(defaultLimit, e.number("minutes", 0))))
	}
}

// hours finds names of jobs, workflows and actions whose runs often take hours.
var hours = regexp.MustCompile(`(?i)fuzz|nightly|bench|perf(ormance)?\b|e2e|end-to-end|soak|stress|endurance|load-?test|mutation|` +
	`emulat|qemu|native|conformance|chaos|wheels|cibuildwheel|snapshot-tests|system-?tests?`)

// longOption finds options by which a test may take more than an hour.
var longOption = regexp.MustCompile(`-timeout[= ]"?(\d+h|\d{3,}m)|--timeout[= ]"?\d{5,}`)

// mayTakeHours returns why a job may take longer than the limit of other jobs; "" if nothing says so.
func mayTakeHours(w *workflow.Workflow, id string, job *yaml.Node) string {
	for _, name := range []string{id, yamlfile.Text(splice.Field(job, "name")), w.Name, path.Base(w.Path)} {
		if word := hours.FindString(name); word != "" {
			return "its name has " + OneLine(word, maxQuoted)
		}
	}
	if len(w.Triggers) > 0 && !slices.ContainsFunc(w.Triggers, func(t workflow.Trigger) bool {
		return t.Event != "schedule" && t.Event != "workflow_dispatch"
	}) && w.On("schedule") != nil {
		return "it runs by a schedule only"
	}
	for _, step := range items(splice.Field(job, "steps")) {
		uses := workflow.ParseUse(yamlfile.Text(splice.Field(step, "uses"))).Action
		if hours.MatchString(uses) {
			return "it uses " + OneLine(uses, maxQuoted)
		}
		if strings.ContainsAny(strings.TrimSpace(yamlfile.Text(splice.Field(step, "with", "platforms"))), ",\n$") {
			return "it builds images for several platforms"
		}
		run := yamlfile.Text(splice.Field(step, "run"))
		if option := longOption.FindString(run); option != "" {
			return "it has the option " + option
		}
		if strings.Contains(run, "--platform") && strings.Contains(run, "linux/arm") {
			return "it builds images for several platforms"
		}
	}
	return ""
}

// hosted finds the labels of GitHub's own machines, and those that only the run decides.
var hosted = regexp.MustCompile(`(?i)^(ubuntu|windows|macos)-|\$\{\{`)

// ownMachine reports whether the labels of a job ask for a machine that is not GitHub's: how fast it is, is not known.
// GitHub names no group of machines, so that the group of a job is one of the owner.
func ownMachine(runsOn *yaml.Node) bool {
	if runsOn == nil {
		return false
	}
	if runsOn.Kind == yaml.MappingNode || runsOn.Kind == yaml.AliasNode {
		return true
	}
	labels := yamlfile.Texts(runsOn)
	return len(labels) > 0 && !slices.ContainsFunc(labels, hosted.MatchString) ||
		slices.ContainsFunc(labels, func(label string) bool { return strings.EqualFold(label, "self-hosted") })
}

// limitOf returns twice a time, rounded up to five minutes.
func limitOf(longest time.Duration) int {
	const step = 5 * time.Minute
	return max(leastLimit, int((2*longest+step-1)/step)*5)
}

// took returns how long a job took, with all values of its matrix; no runs if too few are known.
func (e *editor) took(w *workflow.Workflow, id string, job *yaml.Node) JobTime {
	name := yamlfile.Text(splice.Field(job, "name"))
	if name == "" {
		name = id
	}
	var sum JobTime
	for _, one := range e.Jobs {
		if one.Workflow != w.Name && one.Workflow != w.Path || one.Job != name && !strings.HasPrefix(one.Job, name+" (") {
			continue
		}
		sum.Runs += one.Runs
		sum.Longest = max(sum.Longest, one.Longest)
	}
	if sum.Runs < enoughRuns {
		return JobTime{}
	}
	return sum
}
