package surveys

import (
	"fmt"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Config says where the definitions of surveys are, and how long answers are kept.
type Config struct {
	// Dir is the directory of the definitions, <id>.yaml, relative to that of the configuration.
	Dir string `yaml:"dir"`
	// KeepAnswers is how long after a survey's last day its answers are kept. Published results stay.
	KeepAnswers Months `yaml:"keep_answers"`
}

// DefaultConfig returns the directory surveys and 24 months.
func DefaultConfig() Config { return Config{Dir: "surveys", KeepAnswers: 24} }

// Validate reports an empty directory, and a time that is too short to compare two quarters.
func (c Config) Validate() error {
	if c.Dir == "" {
		return fmt.Errorf("surveys.dir is empty; write for example dir: surveys")
	}
	if c.KeepAnswers < 1 || c.KeepAnswers > 120 {
		return fmt.Errorf("surveys.keep_answers is %d months; use 1 to 120", c.KeepAnswers)
	}
	return nil
}

// Months is a number of months.
type Months int

var monthsPattern = regexp.MustCompile(`^(\d{1,4}) *(months?|years?)$`)

// UnmarshalYAML reads "24 months", "1 month" or "2 years".
func (m *Months) UnmarshalYAML(n *yaml.Node) error {
	found := monthsPattern.FindStringSubmatch(n.Value)
	if n.Kind != yaml.ScalarNode || found == nil {
		return fmt.Errorf("line %d: %q is not a number of months, such as 24 months", n.Line, n.Value)
	}
	count, _ := strconv.Atoi(found[1]) // the pattern has made sure
	if found[2][0] == 'y' {
		count *= 12
	}
	*m = Months(count)
	return nil
}
