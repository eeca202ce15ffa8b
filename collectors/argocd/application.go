package argocd

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
)

// metadata is what names an application.
type metadata struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	Created   source.Timestamp  `json:"creationTimestamp"`
}

// scope is how the application is called in events.
func (m metadata) scope(qualified bool) string {
	if qualified && m.Namespace != "" {
		return m.Namespace + "/" + m.Name
	}
	return m.Name
}

// summary is an application in a listing.
type summary struct {
	Metadata metadata `json:"metadata"`
	Status   struct {
		Sync struct {
			Status string `json:"status"`
		} `json:"sync"`
		Operation *struct {
			StartedAt  source.Timestamp `json:"startedAt"`
			FinishedAt source.Timestamp `json:"finishedAt"`
		} `json:"operationState"`
	} `json:"status"`
}

// mark changes whenever something has happened to the application.
func (s summary) mark() string {
	if o := s.Status.Operation; o != nil {
		return mark(s.Metadata, s.Status.Sync.Status, o.StartedAt, o.FinishedAt)
	}
	return mark(s.Metadata, s.Status.Sync.Status, source.Timestamp{}, source.Timestamp{})
}

func mark(m metadata, sync string, started, finished source.Timestamp) string {
	if started.IsZero() { // never synced: what counts is whether it needs to be
		return operationID(m.Created.Time) + " " + sync
	}
	text := operationID(m.Created.Time) + " " + operationID(started.Time)
	if !finished.IsZero() {
		text += " " + operationID(finished.Time)
	}
	return text
}

// parseList reads a listing. An application that cannot be read does not cost the others; odd says what is wrong with
// each of those, by its name or its place in the list.
func parseList(body []byte) (all []summary, odd map[string]error, err error) {
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, err
	}
	odd = map[string]error{}
	for i, raw := range list.Items {
		var s summary
		err := json.Unmarshal(raw, &s)
		if err == nil && s.Metadata.Name == "" {
			err = errors.New("it has no name")
		}
		if err == nil {
			all = append(all, s)
			continue
		}
		name := s.Metadata.Name
		if name == "" {
			name = "application " + strconv.Itoa(i+1) + " of the list"
		}
		odd[name] = err
	}
	return all, odd, nil
}

// application is what is used of an application.
type application struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Project     string          `json:"project"`
		Destination destination     `json:"destination"`
		Source      json.RawMessage `json:"source"`
		Sources     json.RawMessage `json:"sources"`
	} `json:"spec"`
	Status struct {
		Sync struct {
			Status    string   `json:"status"`
			Revision  string   `json:"revision"`
			Revisions []string `json:"revisions"`
		} `json:"sync"`
		History   []json.RawMessage `json:"history"`
		Operation json.RawMessage   `json:"operationState"`
	} `json:"status"`

	history   []entry    // oldest first
	operation *operation // nil: there was none, or it cannot be read
	bad       int        // records that cannot be read
}

type destination struct {
	Server    string `json:"server"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// what is what a sync deployed: revisions and where they are from.
type revision struct {
	Revision  string          `json:"revision"`
	Revisions []string        `json:"revisions"`
	Source    json.RawMessage `json:"source"`
	Sources   json.RawMessage `json:"sources"`
}

type initiator struct {
	Username  string `json:"username"`
	Automated bool   `json:"automated"`
}

// entry is a record of the history: a sync of the whole application that succeeded.
type entry struct {
	revision
	ID        int64            `json:"id"`
	StartedAt source.Timestamp `json:"deployStartedAt"`
	Deployed  source.Timestamp `json:"deployedAt"`
	By        initiator        `json:"initiatedBy"`
}

// operation is the latest sync, however it stands.
type operation struct {
	Phase      string           `json:"phase"`
	Message    string           `json:"message"`
	StartedAt  source.Timestamp `json:"startedAt"`
	FinishedAt source.Timestamp `json:"finishedAt"`
	Result     revision         `json:"syncResult"`
	Operation  struct {
		By   initiator `json:"initiatedBy"`
		Sync *struct {
			revision
			DryRun    bool              `json:"dryRun"`
			Resources []json.RawMessage `json:"resources"`
			SelfHeals int64             `json:"autoHealAttemptsCount"`
		} `json:"sync"`
	} `json:"operation"`
}

// parseApplication reads an application. A record of its history that cannot be read does not cost the others.
func parseApplication(body []byte) (application, error) {
	var a application
	if err := json.Unmarshal(body, &a); err != nil {
		return application{}, err
	}
	if a.Metadata.Name == "" {
		return application{}, errors.New("it names no application")
	}
	a.readRecords(func(raw []byte, _ string, into any) error { return json.Unmarshal(raw, into) })
	return a, nil
}

// readRecords reads the history and the operation with decode, which gets the place of each record.
func (a *application) readRecords(decode func(raw []byte, place string, into any) error) {
	for i, raw := range a.Status.History {
		var e entry
		if decode(raw, "status.history["+strconv.Itoa(i)+"]", &e) != nil || e.id() == "" {
			a.bad++
			continue
		}
		a.history = append(a.history, e)
	}
	slices.SortStableFunc(a.history, func(x, y entry) int { return cmp.Compare(x.ID, y.ID) })
	if raw := bytes.TrimSpace(a.Status.Operation); len(raw) > 0 && !bytes.Equal(raw, []byte("null")) {
		var o operation
		if decode(raw, "status.operationState", &o) != nil {
			a.bad++
		} else if !o.StartedAt.IsZero() {
			a.operation = &o
		}
	}
}

// mark is the mark that a listing shows of the application as it is here.
func (a application) mark() string {
	if a.operation == nil {
		return mark(a.Metadata, a.Status.Sync.Status, source.Timestamp{}, source.Timestamp{})
	}
	return mark(a.Metadata, a.Status.Sync.Status, a.operation.StartedAt, a.operation.FinishedAt)
}

// id is the identity of the entry's deployment; empty when it has none.
func (e entry) id() string {
	switch {
	case !e.StartedAt.IsZero():
		return operationID(e.StartedAt.Time)
	case !e.Deployed.IsZero():
		return "history-" + strconv.FormatInt(e.ID, 10)
	}
	return ""
}

// operationID names a sync by when it began.
func operationID(started time.Time) string { return started.UTC().Format(time.RFC3339) }

// revision returns what the operation syncs, as far as that is known by now.
func (o operation) revision(a application) revision {
	asked := revision{}
	if o.Operation.Sync != nil {
		asked = o.Operation.Sync.revision
	}
	w := o.Result
	if w.Revision == "" && len(w.Revisions) == 0 {
		w.Revision, w.Revisions = asked.Revision, asked.Revisions
	}
	if empty(w.Source) && empty(w.Sources) {
		w.Source, w.Sources = asked.Source, asked.Sources
	}
	if empty(w.Source) && empty(w.Sources) {
		w.Source, w.Sources = a.Spec.Source, a.Spec.Sources
	}
	return w
}

// selective reports whether only some resources are synced, which leaves no entry in the history.
func (o operation) selective() bool {
	return o.Operation.Sync != nil && len(o.Operation.Sync.Resources) > 0
}

func (o operation) dryRun() bool { return o.Operation.Sync != nil && o.Operation.Sync.DryRun }

func empty(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || bytes.Equal(raw, []byte("null")) || bytes.Equal(raw, []byte("{}")) ||
		bytes.Equal(raw, []byte("[]")) ||
		bytes.Equal(raw, []byte(`{"repoURL":""}`)) // how an application of several sources writes that it has no single one
}

// source is one manifestSource of an application.
type manifestSource struct {
	TargetRevision string `json:"targetRevision"`
	Chart          string `json:"chart"`
	Ref            string `json:"ref"` // its files are values for the other sources
	Helm           struct {
		Parameters []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"parameters"`
	} `json:"helm"`
	Kustomize struct {
		Images []string `json:"images"`
	} `json:"kustomize"`
}

// pairs returns the sources with the revision of each, those that only lend values last.
func (w revision) pairs() (sources []manifestSource, revisions []string) {
	var several []manifestSource
	if json.Unmarshal(w.Sources, &several) != nil || len(several) == 0 {
		var one manifestSource
		if json.Unmarshal(w.Source, &one) != nil {
			one = manifestSource{}
		}
		return []manifestSource{one}, []string{w.first()}
	}
	for _, lending := range []bool{false, true} {
		for i, s := range several {
			if (s.Ref != "" && s.Chart == "") == lending && i < len(w.Revisions) {
				sources, revisions = append(sources, s), append(revisions, w.Revisions[i])
			}
		}
	}
	return sources, revisions
}

func (w revision) first() string {
	if w.Revision == "" && len(w.Revisions) > 0 {
		return w.Revisions[0]
	}
	return w.Revision
}

var commit = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// version says what was deployed in the words of an event.
func (w revision) version() (sha, ref, version string) {
	sources, revisions := w.pairs()
	chartRef := ""
	for i, r := range revisions {
		switch {
		case r == "":
		case commit.MatchString(strings.ToLower(r)):
			if sha == "" {
				sha, ref = strings.ToLower(r), sources[i].TargetRevision
			}
		case version == "":
			version, chartRef = r, sources[i].TargetRevision
		}
	}
	if sha == "" {
		ref = chartRef
	}
	if image := imageVersion(sources); image != "" {
		version = image
	}
	return sha, ref, version
}

// imageVersion is the tag of the image where a source overrides exactly one, as Argo CD Image Updater and scripts do:
// it is the version of what runs, rather than that of its manifests.
func imageVersion(sources []manifestSource) string {
	var found []string
	for _, s := range sources {
		for _, p := range s.Helm.Parameters {
			if p.Name == "image.tag" && p.Value != "" {
				found = append(found, p.Value)
			}
		}
		for _, image := range s.Kustomize.Images {
			image, _, _ = strings.Cut(image, "@")
			if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') && i+1 < len(image) {
				found = append(found, image[i+1:])
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// key is the same for two syncs exactly when they deploy the same.
func (w revision) key() string {
	h := sha256.New()
	for _, raw := range []json.RawMessage{w.Source, w.Sources} {
		var b bytes.Buffer
		if !empty(raw) && json.Compact(&b, raw) == nil {
			_, _ = h.Write(b.Bytes())
		}
		_, _ = h.Write([]byte{0})
	}
	_, _ = fmt.Fprintf(h, "%q", w.Revisions)
	if len(w.Revisions) == 0 {
		_, _ = fmt.Fprintf(h, "%q", w.Revision)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
