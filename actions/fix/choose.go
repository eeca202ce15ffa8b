package fix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/repository/pathlock"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// ChoiceError is the error of a repository whose golden path somebody has to choose: it has no lock file, and not
// exactly one golden path is for its language.
type ChoiceError struct {
	Language string        // of the repository; empty: none is recognized
	Paths    []*paths.Path // for the language; all that are known if none is
	Fitting  bool          // Paths are for the language
}

// Error names the golden paths.
func (e *ChoiceError) Error() string {
	if e.Fitting {
		return fmt.Sprintf("several golden paths are for %s; name one with --golden-path: %s", e.Language, names(e.Paths))
	}
	language := e.Language
	if language == "" {
		language = "none that is recognized"
	}
	return fmt.Sprintf("no golden path is for the language of the repository (%s); name one with --golden-path: %s",
		language, names(e.Paths))
}

// Choices are the golden paths as values of the input [PathField].
func (e *ChoiceError) Choices() []actions.Choice {
	list := []actions.Choice{}
	for _, p := range e.Paths {
		list = append(list, actions.Choice{
			Input: PathField, Value: p.Name, Title: p.Title, Version: p.Version, Description: p.Description,
		})
	}
	return list
}

func names(list []*paths.Path) string {
	var all []string
	for _, p := range list {
		all = append(all, p.Name)
	}
	return strings.Join(all, ", ")
}

// choose returns the golden path: that of the lock file, else the one that is named, else the only one of the language.
// The error is a [ChoiceError] if somebody has to name one.
func choose(options Options, lock *pathlock.Lock, language string) (*paths.Path, error) {
	byName := func(name string) *paths.Path {
		i := slices.IndexFunc(options.Paths, func(p *paths.Path) bool { return p.Name == name })
		if i < 0 {
			return nil
		}
		return options.Paths[i]
	}
	switch {
	case lock != nil && options.GoldenPath != "" && options.GoldenPath != lock.Path.Name:
		return nil, fmt.Errorf("the repository follows the golden path %s by %s, and --golden-path names %s; leave it out, "+
			"or remove the lock file", lock.Path.Name, pathlock.File, options.GoldenPath)
	case lock != nil:
		if p := byName(lock.Path.Name); p != nil {
			return p, nil
		}
		return nil, fmt.Errorf("the repository follows the golden path %s by %s, which is not known here; list its source "+
			"under paths in dx.yaml (known: %s)", lock.Path.Name, pathlock.File, names(options.Paths))
	case options.GoldenPath != "":
		if p := byName(options.GoldenPath); p != nil {
			return p, nil
		}
		return nil, fmt.Errorf("there is no golden path %q; use one of: %s", options.GoldenPath, names(options.Paths))
	}
	var fitting []*paths.Path
	for _, p := range options.Paths {
		if language != "" && slices.Contains(speaks(p.Spec.Service.Language), strings.ToLower(language)) {
			fitting = append(fitting, p)
		}
	}
	switch len(fitting) {
	case 1:
		return fitting[0], nil
	case 0:
		return nil, &ChoiceError{Language: language, Paths: options.Paths}
	}
	return nil, &ChoiceError{Language: language, Paths: fitting, Fitting: true}
}

// speaks returns the languages of the code of a golden path, in lower case.
func speaks(language string) []string {
	switch language = strings.ToLower(language); language {
	case "node", "nodejs", "typescript", "javascript":
		return []string{"typescript", "javascript"}
	case "java", "kotlin":
		return []string{"java", "kotlin"}
	}
	return []string{language}
}
