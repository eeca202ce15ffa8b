package webhook

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/collectors/delivery"
	"github.com/dxctl/dxctl/event"
)

// argocd reads what Argo CD Notifications sends with the template that docs/sources/argocd.md gives: an Application as
// Argo CD's API has it, cut down to what is used. A deployment is the application's latest operation; its id is when the
// operation began, which is how collectors/argocd names the same sync, in the scope of the application's name.
//
// Argo CD's own types are not used: its module brings all of Kubernetes along.
type argocd struct {
	ArgoCDReceiver
	delivery.Source
}

// ArgoCDReceiver reads the notifications of Argo CD.
type ArgoCDReceiver struct {
	URL string // where people look at Argo CD, for links
	// Application says of an Argo CD application, a JSON document, what its collector calls its scope and its environment,
	// and whether it reads it at all; nil: the scope is the name, and a label or the destination says the environment.
	Application func(doc []byte) (scope, environment string, taken bool)
}

// Protocol returns how Argo CD sends notifications.
func (ArgoCDReceiver) Protocol() delivery.Protocol {
	return delivery.Protocol{Kind: "argocd", Sign: delivery.Bearer, Unauthorized: delivery.BearerMissing, Unsupported: delivery.JSON, Headers: []string{"content-type"}}
}

// Parse reads one delivery.
func (r ArgoCDReceiver) Parse(s delivery.Source, d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	return argocd{r, s}.parse(d)
}

// argoApplication is an Application.
type argoApplication struct {
	Metadata struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace"`
		Labels    map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Source      json.RawMessage `json:"source"`
		Sources     json.RawMessage `json:"sources"`
		Destination struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"destination"`
	} `json:"spec"`
	Status struct {
		History   []argoEntry    `json:"history"`
		Operation *argoOperation `json:"operationState"`
	} `json:"status"`
}

// argoEntry is a sync in the history: one that succeeded.
type argoEntry struct {
	argoBrought
	ID        int64          `json:"id"`
	StartedAt delivery.Stamp `json:"deployStartedAt"`
}

type argoInitiator struct {
	Username  string `json:"username"`
	Automated bool   `json:"automated"`
}

type argoOperation struct {
	Phase      string         `json:"phase"`
	Message    string         `json:"message"`
	StartedAt  delivery.Stamp `json:"startedAt"`
	FinishedAt delivery.Stamp `json:"finishedAt"`
	Result     argoBrought    `json:"syncResult"`
	Operation  struct {
		By   argoInitiator `json:"initiatedBy"`
		Sync *struct {
			argoBrought
			DryRun    bool              `json:"dryRun"`
			Resources []json.RawMessage `json:"resources"` // set: only these are synced, which leaves no entry in the history
			SelfHeals int64             `json:"autoHealAttemptsCount"`
		} `json:"sync"`
	} `json:"operation"`
}

func (a argocd) parse(d delivery.Delivery) ([]delivery.Update, delivery.Verdict) {
	var in argoApplication
	left, err := delivery.Decode(d.Body, &in)
	if err != nil {
		return delivery.Refuse("the notification cannot be read: %v; use the template that docs/sources/argocd.md gives", err)
	}
	updates, v := a.read(d, in)
	v.Misfits = left
	return updates, v
}

func (a argocd) read(d delivery.Delivery, in argoApplication) ([]delivery.Update, delivery.Verdict) {
	if in.Metadata.Name == "" {
		return delivery.Refuse("the notification has no metadata.name; use the template that docs/sources/argocd.md gives")
	}
	scope, environment, taken := a.place(d.Body, in)
	if !taken {
		return delivery.Ignore("the application %.140s is not among those of the source", in.Metadata.Name)
	}
	o := in.Status.Operation
	switch {
	case o == nil || o.StartedAt.IsZero():
		return delivery.Ignore("the application %.140s was not synced", in.Metadata.Name)
	case o.Operation.Sync != nil && o.Operation.Sync.DryRun:
		return delivery.Ignore("a dry run brings nothing anywhere")
	case in.heals():
		return delivery.Ignore("a self-heal brings nothing new: what runs is repaired")
	}
	e := in.deployment(scope, environment)
	e.Source, e.URL = a.Name, a.page(in)
	mapped, known := argoStatus(o.Phase, o.Message, !o.FinishedAt.IsZero())
	if !known {
		a.Unrecognized("phase of an operation", o.Phase)
	}
	e.Status, e.StatusRaw = mapped, o.Phase
	if mapped.Final() { // while a retry is awaited, the end is that of the attempt before
		e.FinishedAt = o.FinishedAt.Time
	}
	if !a.Polled {
		return delivery.Accept([]delivery.Update{{Event: e, At: delivery.FirstKnown(e.FinishedAt, e.StartedAt), CollectedEnvironment: true}})
	}
	if mapped == event.Failed || mapped == event.Cancelled { // Argo CD forgets it at the next sync, perhaps before the collector comes
		return delivery.Accept([]delivery.Update{{Event: e, At: delivery.FirstKnown(e.FinishedAt, e.StartedAt), CollectedEnvironment: true}}, delivery.Target{Source: a.Name, Scope: scope})
	}
	return a.CollectSoon(scope, "the application was synced, and the collector reads its history")
}

// place says where an application belongs: as the collector's configuration has it, else by its name, and by the label
// or the destination that says which environment it is.
func (a argocd) place(doc []byte, in argoApplication) (scope, environment string, taken bool) {
	if a.Application != nil {
		return a.Application(doc)
	}
	if scope, taken = a.Scope(in.Metadata.Name); !taken {
		return "", "", false
	}
	to := in.Spec.Destination
	environment = cmp.Or(in.Metadata.Labels["environment"], in.Metadata.Labels["env"], in.Metadata.Labels["app.kubernetes.io/environment"])
	if environment == "" && to.Name != "in-cluster" { // where Argo CD itself runs, which says nothing
		environment = to.Name
	}
	return scope, cmp.Or(environment, to.Namespace), true
}

// page is where people look at the application.
func (a argocd) page(in argoApplication) string {
	base := strings.TrimRight(a.URL, "/")
	if base == "" {
		return ""
	}
	path := "/applications/"
	if in.Metadata.Namespace != "" {
		path += url.PathEscape(in.Metadata.Namespace) + "/"
	}
	return delivery.Link(base + path + url.PathEscape(in.Metadata.Name))
}

// before returns the latest entry of the history that is not the operation's own.
func (in argoApplication) before() (argoEntry, bool) {
	for _, e := range slices.Backward(in.sorted()) {
		if !e.StartedAt.Equal(in.Status.Operation.StartedAt.Time) {
			return e, true
		}
	}
	return argoEntry{}, false
}

// sorted is the history, oldest first.
func (in argoApplication) sorted() []argoEntry {
	return slices.SortedStableFunc(slices.Values(in.Status.History), func(a, b argoEntry) int { return cmp.Compare(a.ID, b.ID) })
}

// heals reports whether the operation only repairs what had drifted: nobody asked for it, and it brings what was there.
func (in argoApplication) heals() bool {
	o := in.Status.Operation
	if !o.Operation.By.Automated {
		return false
	}
	if s := o.Operation.Sync; s != nil && (len(s.Resources) > 0 || s.SelfHeals > 0) {
		return true
	}
	last, known := in.before()
	return known && last.key() == in.brought().key()
}

// brought is what the operation syncs, as far as that is known by now.
func (in argoApplication) brought() argoBrought {
	o, asked := in.Status.Operation, argoBrought{}
	if o.Operation.Sync != nil {
		asked = o.Operation.Sync.argoBrought
	}
	b := o.Result
	if b.first() == "" {
		b.Revision, b.Revisions = asked.Revision, asked.Revisions
	}
	for _, from := range []argoBrought{asked, {Source: in.Spec.Source, Sources: in.Spec.Sources}} {
		if absent(b.Source) && absent(b.Sources) {
			b.Source, b.Sources = from.Source, from.Sources
		}
	}
	return b
}

// deployment is what is known of the operation's deployment whatever became of it.
func (in argoApplication) deployment(scope, environment string) event.Deployment {
	o := in.Status.Operation
	by := o.Operation.By
	d := event.Deployment{Origin: event.Origin{Provider: "argocd", Scope: scope, ID: o.StartedAt.UTC().Format("2006-01-02T15:04:05Z07:00")},
		Attempt: 1, Environment: environment, CreatedAt: o.StartedAt.Time, StartedAt: o.StartedAt.Time,
		Actor: by.Username, Bot: strings.HasPrefix(by.Username, "proj:") || strings.HasSuffix(by.Username, "[bot]")}
	d.SHA, d.Ref, d.Version = in.brought().version()
	switch {
	case by.Automated:
		d.Trigger = "automated"
	case by.Username != "":
		d.Trigger = "manual"
	}
	if o.Phase == "Succeeded" {
		d.RollbackOf = in.rollbackOf()
	}
	return d
}

// rollbackOf is the id of the sync that this one undoes: the one before, when this brings exactly what an earlier one had.
func (in argoApplication) rollbackOf() string {
	key := in.brought().key()
	history := slices.DeleteFunc(in.sorted(), func(e argoEntry) bool { return e.StartedAt.Equal(in.Status.Operation.StartedAt.Time) })
	n := len(history)
	if n < 2 || history[n-1].StartedAt.IsZero() || history[n-1].key() == key {
		return ""
	}
	for _, e := range history[:n-1] {
		if e.key() == key {
			return history[n-1].StartedAt.UTC().Format("2006-01-02T15:04:05Z07:00")
		}
	}
	return ""
}

// argoStatus maps a phase. A word that is not known is taken as under way until the operation is finished, and then as an
// end without a verdict.
func argoStatus(phase, message string, finished bool) (mapped event.Status, known bool) {
	switch phase {
	case "Running", "Terminating":
		return event.Running, true
	case "Succeeded":
		return event.Succeeded, true
	case "Failed":
		if strings.HasPrefix(message, "Operation terminated") { // by a person
			return event.Cancelled, true
		}
		return event.Failed, true
	case "Error":
		return event.Failed, true
	}
	if finished {
		return event.Skipped, false
	}
	return event.Running, false
}
