package metrics

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/dxctl/dxctl/event"
	"go.yaml.in/yaml/v3"
)

//go:embed */metric.yaml */query.sql basis.sql collected.sql history.sql services.sql
var files embed.FS

// The ids of the metrics. Each is a folder beside this file.
const (
	TimeToFirstDeployEngineersID = "time_to_first_deploy_engineers"
	TimeToFirstDeployServicesID  = "time_to_first_deploy_services"
	DeploymentFrequencyID        = "deployment_frequency"
	CIDurationID                 = "ci_duration"
	CISuccessRateID              = "ci_success_rate"
	ChangeReviewShareID          = "change_review_share"
)

// Directions in which a metric is better.
const (
	Lower  = "lower"
	Higher = "higher"
	None   = "none"
)

// Definition says what a number means: which question it answers, in which unit, by which formula, and which version
// of that formula. Version grows whenever the same rows would give another number.
type Definition struct {
	ID          string       `yaml:"id" json:"id"`
	Title       string       `yaml:"title" json:"title"`
	Question    string       `yaml:"question" json:"question"`
	Unit        string       `yaml:"unit" json:"unit"`
	Description string       `yaml:"description" json:"description"`
	Formula     string       `yaml:"formula" json:"formula"`
	Reference   string       `yaml:"reference" json:"reference"`
	Version     int          `yaml:"version" json:"version"`
	Better      string       `yaml:"better" json:"better"`     // lower, higher or none
	RestsOn     []event.Kind `yaml:"rests_on" json:"rests_on"` // kinds of events whose completeness decides how far to trust it
	SQL         string       `yaml:"-" json:"sql"`             // the query, over the public views
}

func (d Definition) validate() error {
	for _, f := range []struct{ name, value string }{
		{"title", d.Title}, {"question", d.Question}, {"unit", d.Unit}, {"description", d.Description}, {"formula", d.Formula},
	} {
		if strings.TrimSpace(f.value) == "" {
			return fmt.Errorf("no %s", f.name)
		}
	}
	switch d.Better {
	case Lower, Higher, None:
	default:
		return fmt.Errorf("better is %q, want lower, higher or none", d.Better)
	}
	if d.Version < 1 || len(d.RestsOn) == 0 {
		return fmt.Errorf("version is %d and rests_on has %d kinds; both must be at least 1", d.Version, len(d.RestsOn))
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

// loadDefinitions reads every folder of fsys that holds a metric.yaml. Unknown keys are errors.
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
	decoder := yaml.NewDecoder(bytes.NewReader(doc))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil {
		return d, err
	}
	query, err := fs.ReadFile(fsys, path.Join(dir, "query.sql"))
	if err != nil {
		return d, err
	}
	d.SQL = string(query)
	if d.ID != dir {
		return d, fmt.Errorf("id is %q, but its folder is %q", d.ID, dir)
	}
	return d, d.validate()
}
