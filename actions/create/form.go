package create

import (
	"cmp"
	"context"
	"strings"

	"github.com/dxctl/dxctl/actions"
	"github.com/dxctl/dxctl/scorecards/paths"
)

// Choices returns the golden paths.
func (a *Action) Choices(ctx context.Context) ([]actions.Choice, error) {
	if a.Paths == nil {
		return nil, nil
	}
	all, err := a.Paths(ctx)
	if err != nil {
		return nil, err
	}
	return pathChoices(all), nil
}

// Questions returns those of the golden path, without what other inputs and the surroundings answer.
func (a *Action) Questions(ctx context.Context, in actions.Input) (string, []actions.Field, error) {
	if in.Text(PathField) == "" {
		return AnswersField, nil, nil
	}
	p, err := a.Path(ctx, in.Text(PathField))
	if err != nil {
		return AnswersField, nil, err
	}
	given := in.Texts(AnswersField)
	derived := map[string]Derived{}
	for _, d := range a.derive(p, in, map[string]string{OwnerField: in.Text(OwnerField)}) {
		derived[d.Question] = d
	}
	var fields []actions.Field
	for _, q := range p.Questions {
		switch q.Name {
		case p.NameQuestion, OwnerField, CreatedAt:
			continue
		case DescriptionField, RepositoryField:
			if in.Text(q.Name) != "" {
				continue
			}
		}
		f := actions.Field{
			Name: q.Name, Title: q.Title, Description: cmp.Or(q.Description, q.Wanted()), Type: actions.String,
			Enum: q.Choices, Default: q.Default, MaxLength: paths.MaxAnswer, Required: q.Default == "",
		}
		if d, ok := derived[q.Name]; ok && given[q.Name] == "" {
			f.Default, f.Required = d.Answer, false
			f.Description = strings.TrimRight(f.Description, ".") + "; from " + d.From
		}
		fields = append(fields, f)
	}
	return AnswersField, fields, nil
}

// pathChoices are golden paths as values of the input.
func pathChoices(all []*paths.Path) []actions.Choice {
	choices := []actions.Choice{}
	for _, p := range all {
		choices = append(choices, actions.Choice{
			Input: PathField, Value: p.Name, Title: p.Title, Version: p.Version, Description: p.Description,
		})
	}
	return choices
}
