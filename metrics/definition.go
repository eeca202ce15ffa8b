package metrics

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/strictyaml"
)

//go:embed */metric.yaml */query.sql completeness.sql collected.sql history/*.sql services.sql
var files embed.FS

// The ids of the metrics. Each is a directory next to this file.
const (
	TimeToFirstDeployEngineersID = "time_to_first_deploy_engineers"
	TimeToFirstDeployServicesID  = "time_to_first_deploy_services"
	DeploymentFrequencyID        = "deployment_frequency"
	CIDurationID                 = "ci_duration"
	CISuccessRateID              = "ci_success_rate"
	CIDefaultBranchID            = "ci_default_branch"
	ChangeReviewShareID          = "change_review_share"
	GoldenPathAdoptionID         = "golden_path_adoption"
)

// Directions of a metric.
const (
	LowerIsBetter  = "lower_is_better"
	HigherIsBetter = "higher_is_better"
	NoDirection    = "none"
)

// Definition describes a metric: the question that it answers, its unit, its formula and the version of the formula.
// Version increases whenever the same rows would give another number.
type Definition struct {
	ID          string       `yaml:"id"          json:"id"`
	Title       string       `yaml:"title"       json:"title"`
	Question    string       `yaml:"question"    json:"question"`
	Unit        string       `yaml:"unit"        json:"unit"`
	Description string       `yaml:"description" json:"description"`
	Formula     string       `yaml:"formula"     json:"formula"`
	Reference   string       `yaml:"reference"   json:"reference"`
	Version     int          `yaml:"version"     json:"version"`
	Direction   string       `yaml:"direction"   json:"direction"` // lower_is_better, higher_is_better or none
	Inputs      []event.Kind `yaml:"inputs"      json:"inputs"`    // the kinds of events that the metric counts
	SQL         string       `yaml:"-"           json:"sql"`       // the query, over the public views
}

// DirectionText returns the direction in words: "lower is better".
func (d Definition) DirectionText() string { return strings.ReplaceAll(d.Direction, "_", " ") }

func (d Definition) validate() error {
	for _, f := range []struct{ name, value string }{
		{"title", d.Title},
		{"question", d.Question},
		{"unit", d.Unit},
		{"description", d.Description},
		{"formula", d.Formula},
	} {
		if strings.TrimSpace(f.value) == "" {
			return fmt.Errorf("no %s", f.name)
		}
	}
	switch d.Direction {
	case LowerIsBetter, HigherIsBetter, NoDirection:
	default:
		return fmt.Errorf("direction is %q, want lower_is_better, higher_is_better or none", d.Direction)
	}
	if d.Version < 1 || len(d.Inputs) == 0 {
		return fmt.Errorf("version is %d and inputs has %d kinds; both must be at least 1", d.Version, len(d.Inputs))
	}
	return nil
}

// embedded is read once: what is compiled in cannot change.
var embedded = sync.OnceValues(func() ([]Definition, error) { return loadDefinitions(files) })

// Definitions returns every metric, ordered by id.
func Definitions() []Definition {
	all, err := embedded()
	if err != nil {
		return nil // New reports it, and a test proves that it does not happen
	}
	return slices.Clone(all)
}

// Lookup returns the definition of one metric.
func Lookup(id string) (Definition, bool) {
	for _, d := range Definitions() {
		if d.ID == id {
			return d, true
		}
	}
	return Definition{}, false
}

// loadDefinitions reads every directory of fsys that holds a metric.yaml. Unknown keys are errors.
func loadDefinitions(fsys fs.FS) ([]Definition, error) {
	names, err := fs.Glob(fsys, "*/metric.yaml")
	if err != nil {
		return nil, err
	}
	var all []Definition
	for _, name := range names {
		d, err := loadDefinition(fsys, path.Dir(name))
		if err != nil {
			return nil, fmt.Errorf("metric definition %s: %w", name, err)
		}
		all = append(all, d)
	}
	return all, nil
}

func loadDefinition(fsys fs.FS, dir string) (Definition, error) {
	var d Definition
	doc, err := fs.ReadFile(fsys, path.Join(dir, "metric.yaml"))
	if err != nil {
		return d, err
	}
	docs, err := strictyaml.Read(path.Join(dir, "metric.yaml"), doc)
	if err != nil {
		return d, err
	}
	if len(docs) != 1 {
		return d, fmt.Errorf("a metric is one YAML document, not %d", len(docs))
	}
	if _, err := docs[0].Decode(&d); err != nil {
		return d, err
	}
	query, err := fs.ReadFile(fsys, path.Join(dir, "query.sql"))
	if err != nil {
		return d, err
	}
	d.SQL = string(query)
	if d.ID != dir {
		return d, fmt.Errorf("id is %q, but its directory is %q", d.ID, dir)
	}
	return d, d.validate()
}
