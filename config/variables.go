package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}`)

// expand replaces ${NAME} in scalar values with the environment variable, and ${NAME:-text} with text if the variable
// is not set. It runs after parsing, so that no value can change the structure of the file.
func expand(n *yaml.Node, fail func(line int, msg string)) {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") {
		n.Value = variable.ReplaceAllStringFunc(n.Value, func(m string) string {
			parts := variable.FindStringSubmatch(m)
			if v, ok := os.LookupEnv(parts[1]); ok {
				return v
			}
			if parts[2] != "" {
				return parts[3]
			}
			fail(
				n.Line,
				fmt.Sprintf(
					"the environment variable %s is not set; export it, or use ${%s:-} if it may be empty",
					parts[1],
					parts[1],
				),
			)
			return ""
		})
	}
	for _, c := range n.Content {
		expand(c, fail)
	}
}
