package strictyaml

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

var yamlLine = regexp.MustCompile(`(?:yaml: )?line (\d+): `)

// goTypes replaces the library's Go types with words of YAML.
var goTypes = strings.NewReplacer(
	"cannot unmarshal",
	"cannot use",
	"!!seq",
	"a list",
	"!!map",
	"a mapping",
	"!!str ",
	"the text ",
	"!!int ",
	"the number ",
	"!!float ",
	"the number ",
	"!!bool ",
	"the boolean ",
	"into []string",
	"as a list of texts",
	"into string",
	"as a text",
	"into bool",
	"as true or false",
	"into uint32",
	"as a whole number",
	"into uint16",
	"as a whole number",
	"into int64",
	"as a whole number",
	"into int",
	"as a whole number",
	"into float64",
	"as a number",
	"into time.Duration",
	"as a duration such as 15m",
)

// goStruct matches the Go type in the library's message where a mapping is wanted.
var goStruct = regexp.MustCompile(`into (map\[|\*?[a-z_]+\.)\S+$`)

// located turns the YAML library's errors ("line 3: …") into "file:3: …", one error per message. Those of misfits name
// their key.
func located(file string, err error, misfits ...misfit) error {
	messages := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		messages = typed.Errors
	}
	var errs []error
	for _, m := range messages {
		line := yamlLine.FindStringSubmatch(m)
		key := ""
		if i := slices.IndexFunc(misfits, func(x misfit) bool { return x.message == m }); i >= 0 {
			if misfits[i].path != "" {
				key = misfits[i].path + ": "
			}
			misfits = slices.Delete(slices.Clone(misfits), i, i+1)
		}
		m = key + goStruct.ReplaceAllString(
			goTypes.Replace(strings.TrimPrefix(yamlLine.ReplaceAllString(m, ""), "yaml: ")),
			"as a mapping",
		)
		if line == nil {
			errs = append(errs, fmt.Errorf("%s: %s", file, m))
			continue
		}
		errs = append(errs, fmt.Errorf("%s:%s: %s", file, line[1], m))
	}
	return errors.Join(errs...)
}
