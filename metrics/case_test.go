package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/store"
	"github.com/dxctl/dxctl/store/storetest"
	"go.yaml.in/yaml/v3"
)

// testCase is a file <id>/testdata/<case>.yaml: rows in, a question, numbers out. Want names values of the answer by
// their path in its JSON ("cohorts.0.median_hours"); null means that the value is null, and "#" counts a list.
type testCase struct {
	Why          string            `yaml:"why"`
	Now          time.Time         `yaml:"now"`
	Deployments  []map[string]any  `yaml:"deployments"`
	Runs         []map[string]any  `yaml:"runs"`
	Jobs         []map[string]any  `yaml:"jobs"`
	Changes      []map[string]any  `yaml:"changes"`
	Incidents    []map[string]any  `yaml:"incidents"`
	Ledger       []map[string]any  `yaml:"ledger"`
	Facts        []map[string]any  `yaml:"facts"`
	Actions      []map[string]any  `yaml:"actions"`
	People       []personRow       `yaml:"people"`
	Identities   []identityRow     `yaml:"identities"`
	Entities     []entityRow       `yaml:"entities"`
	Bindings     []bindingRow      `yaml:"bindings"`
	Environments []environmentRow  `yaml:"environments"`
	Ask          map[string]string `yaml:"ask"`
	Want         map[string]any    `yaml:"want"`
}

type personRow struct {
	Person    string     `yaml:"person"     ch:"person"`
	Name      string     `yaml:"name"       ch:"name"`
	Team      string     `yaml:"team"       ch:"team"`
	StartedOn *time.Time `yaml:"started_on" ch:"started_on"`
	LeftOn    *time.Time `yaml:"left_on"    ch:"left_on"`
	Source    string     `yaml:"source"     ch:"source"`
	URL       string     `yaml:"url"        ch:"url"`
}

type identityRow struct {
	Provider string `yaml:"provider" ch:"provider"`
	Login    string `yaml:"login"    ch:"login"`
	Person   string `yaml:"person"   ch:"person"`
	Bot      bool   `yaml:"bot"      ch:"bot"`
}

type entityRow struct {
	Ref         string            `yaml:"ref"         ch:"ref"`
	Kind        string            `yaml:"kind"        ch:"kind"`
	Namespace   string            `yaml:"namespace"   ch:"namespace"`
	Name        string            `yaml:"name"        ch:"name"`
	Title       string            `yaml:"title"       ch:"title"`
	Description string            `yaml:"description" ch:"description"`
	Type        string            `yaml:"type"        ch:"type"`
	Lifecycle   string            `yaml:"lifecycle"   ch:"lifecycle"`
	Owner       string            `yaml:"owner"       ch:"owner"`
	System      string            `yaml:"system"      ch:"system"`
	DependsOn   []string          `yaml:"depends_on"  ch:"depends_on"`
	Tags        []string          `yaml:"tags"        ch:"tags"`
	Annotations map[string]string `yaml:"annotations" ch:"annotations"`
	CreatedAt   *time.Time        `yaml:"created_at"  ch:"created_at"`
	Location    string            `yaml:"location"    ch:"location"`
	Definition  string            `yaml:"definition"  ch:"definition"`
}

type bindingRow struct {
	Provider string `yaml:"provider" ch:"provider"`
	Scope    string `yaml:"scope"    ch:"scope"`
	Source   string `yaml:"source"   ch:"source"`
	Service  string `yaml:"service"  ch:"service"`
}

type environmentRow struct {
	Raw         string `yaml:"raw"         ch:"raw"`
	Environment string `yaml:"environment" ch:"environment"`
}

func TestCases(t *testing.T) {
	files, err := filepath.Glob("*/testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	covered := map[string]int{}
	for _, file := range files {
		id := strings.Split(file, string(filepath.Separator))[0]
		covered[id]++
		t.Run(strings.TrimSuffix(strings.ReplaceAll(file, "/testdata/", "/"), ".yaml"), func(t *testing.T) {
			c := readCase(t, file)
			s := storetest.Open(t)
			c.load(t, s)
			engine, err := metrics.New(s, func() time.Time { return c.Now })
			if err != nil {
				t.Fatal(err)
			}
			if c.Ask["bots"] == "left out" {
				engine = engine.WithoutBots()
			}
			answer, err := c.answer(t.Context(), engine, id)
			if err != nil {
				t.Fatal(err)
			}
			c.compare(t, answer)
		})
	}
	for _, d := range metrics.Definitions() {
		if covered[d.ID] == 0 {
			t.Errorf("metric %s has no case in %s/testdata", d.ID, d.ID)
		}
	}
}

func readCase(t *testing.T, file string) testCase {
	t.Helper()
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c testCase
	decoder := yaml.NewDecoder(bytes.NewReader(doc))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		t.Fatal(err)
	}
	if len(c.Want) == 0 || c.Now.IsZero() {
		t.Fatalf("%s wants nothing or has no now", file)
	}
	return c
}

// load stores the rows. An event's keys are the names of its fields in Go; what a row leaves out of its origin is
// filled in.
func (c testCase) load(t *testing.T, s *store.Store) {
	t.Helper()
	var all []event.Event
	add := func(rows []map[string]any, read func(map[string]any) (event.Event, error)) {
		for i, row := range rows {
			e, err := read(row)
			if err != nil {
				t.Fatalf("row %d: %v", i, err)
			}
			all = append(all, e)
		}
	}
	add(c.Deployments, func(m map[string]any) (event.Event, error) {
		return decode(m, event.Deployment{Environment: "production", Status: event.Succeeded, Attempt: 1})
	})
	add(c.Runs, func(m map[string]any) (event.Event, error) {
		return decode(m, event.PipelineRun{Pipeline: "ci", Status: event.Succeeded, Attempt: 1})
	})
	add(c.Jobs, func(m map[string]any) (event.Event, error) {
		return decode(m, event.PipelineJob{RunID: "1", Status: event.Succeeded, Attempt: 1})
	})
	add(c.Incidents, func(m map[string]any) (event.Event, error) { return decode(m, event.Incident{}) })
	add(c.Changes, func(m map[string]any) (event.Event, error) { return decode(m, event.Change{}) })
	add(c.Ledger, func(m map[string]any) (event.Event, error) { return decode(m, event.LedgerEntry{}) })
	add(c.Actions, func(m map[string]any) (event.Event, error) {
		return decode(m, event.ActionRun{Source: "dxctl", Status: event.Succeeded, Plan: "sha256:0"})
	})
	add(c.Facts, func(m map[string]any) (event.Event, error) { return decode(m, event.Fact{ObservedAt: c.Now}) })
	if err := s.Append(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	for i := range c.Entities {
		e := &c.Entities[i]
		e.DependsOn, e.Tags, e.Annotations = append(
			[]string{},
			e.DependsOn...), append(
			[]string{},
			e.Tags...), map[string]string{}
		if e.Kind == "" {
			e.Kind = "Component"
		}
	}
	for table, rows := range map[string]any{
		"people": c.People, "identities": c.Identities, "entities": c.Entities,
		"bindings": c.Bindings, "environments": c.Environments,
	} {
		if reflect.ValueOf(rows).Len() == 0 {
			continue
		}
		if err := s.Replace(t.Context(), table, rows); err != nil {
			t.Fatal(err)
		}
	}
}

// decode lays a row over an event.
func decode[E event.Event](row map[string]any, e E) (event.Event, error) {
	v := reflect.ValueOf(&e).Elem()
	if origin := v.FieldByName("Origin"); origin.IsValid() {
		origin.Set(reflect.ValueOf(event.Origin{Source: "gh", Provider: "github", Scope: "org/a"}))
	}
	for key, value := range row {
		if s, ok := value.(string); ok && key == "Value" {
			value = json.RawMessage(s)
		}
		field := v.FieldByName(key)
		if !field.IsValid() {
			return nil, fmt.Errorf("%T has no field %q", e, key)
		}
		given := reflect.ValueOf(value)
		if id, ok := value.(int); ok && field.Kind() == reflect.String {
			given = reflect.ValueOf(strconv.Itoa(id))
		}
		if !given.Type().ConvertibleTo(field.Type()) {
			return nil, fmt.Errorf("%T.%s cannot be %T", e, key, value)
		}
		field.Set(given.Convert(field.Type()))
	}
	return e, e.Validate()
}

func (c testCase) window() (metrics.Window, error) {
	var w metrics.Window
	for name, at := range map[string]*time.Time{"from": &w.From, "to": &w.To} {
		if c.Ask[name] == "" {
			continue
		}
		parsed, err := time.Parse(time.DateOnly, c.Ask[name])
		if err != nil {
			return w, err
		}
		*at = parsed
	}
	return w, nil
}

func (c testCase) answer(ctx context.Context, e *metrics.Engine, id string) (any, error) {
	w, err := c.window()
	if err != nil {
		return nil, err
	}
	ttfd := metrics.TTFDOptions{Cohort: metrics.Grouping(c.Ask["cohort"]), Window: w}
	deploys := metrics.DeployQuery{
		Service:     c.Ask["service"],
		Environment: c.Ask["environment"],
		Window:      w,
		Bucket:      metrics.Grouping(c.Ask["bucket"]),
	}
	switch {
	case id == metrics.TimeToFirstDeployEngineersID:
		return e.TimeToFirstDeploy(ctx, metrics.Engineers, ttfd)
	case id == metrics.TimeToFirstDeployServicesID:
		return e.TimeToFirstDeploy(ctx, metrics.Services, ttfd)
	case id == metrics.DeploymentFrequencyID && c.Ask["by"] != "":
		return e.DeploymentsBy(ctx, deploys, metrics.Grouping(c.Ask["by"]))
	case id == metrics.DeploymentFrequencyID && c.Ask["of"] != "services":
		return e.DeploymentFrequency(ctx, deploys)
	case id == metrics.GoldenPathAdoptionID:
		return e.Adoption(ctx)
	case id == metrics.CIDefaultBranchID:
		return e.DefaultBranch(ctx, w, "")
	case c.Ask["of"] == "series":
		return e.CISeries(ctx, c.Ask["service"], w)
	case c.Ask["of"] == "services":
		return e.Services(ctx, w)
	}
	return nil, errors.New("the case does not say what it asks for")
}

func (c testCase) compare(t *testing.T, answer any) {
	t.Helper()
	raw, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	for path, want := range c.Want {
		got, err := lookup(doc, path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if !same(got, want) {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if t.Failed() {
		t.Logf("the answer was %s", raw)
	}
}

func lookup(doc any, path string) (any, error) {
	for part := range strings.SplitSeq(path, ".") {
		switch at := doc.(type) {
		case map[string]any:
			next, ok := at[part]
			if !ok {
				return nil, fmt.Errorf("there is no %q", part)
			}
			doc = next
		case []any:
			if part == "#" {
				return float64(len(at)), nil
			}
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(at) {
				return nil, fmt.Errorf("there is no element %q of %d", part, len(at))
			}
			doc = at[i]
		case nil:
			if part == "#" {
				return 0.0, nil
			}
			return nil, fmt.Errorf("it is null at %q", part)
		default:
			return nil, fmt.Errorf("%v has no %q", at, part)
		}
	}
	return doc, nil
}

func same(got, want any) bool {
	switch want := want.(type) {
	case int:
		return same(got, float64(want))
	case float64:
		number, ok := got.(float64)
		return ok && math.Abs(number-want) < 1e-6
	case time.Time:
		text, ok := got.(string)
		return ok && text == want.UTC().Format(time.RFC3339Nano)
	}
	return reflect.DeepEqual(got, want)
}
