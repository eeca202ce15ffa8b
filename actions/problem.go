package actions

// InputError is the error of one input. Its text names the input.
type InputError struct {
	Input string // name of the field; of one text among several FIELD.NAME, such as answers.contact
	Err   error
}

// Error returns what is wrong.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e *InputError) Unwrap() error { return e.Err }

// inputError returns nil for no error.
func inputError(name string, err error) error {
	if err == nil {
		return nil
	}
	return &InputError{name, err}
}

// InputProblem is what is wrong with one input, as JSON.
type InputProblem struct {
	Input   string `json:"input"` // as in [InputError]
	Message string `json:"message"`
}

// InputProblems returns what is wrong with each input, in the order of the errors, and the texts of the errors that are
// about no input.
func InputProblems(err error) (inputs []InputProblem, others []string) {
	switch e := err.(type) { //nolint:errorlint // each error of a tree has its own place
	case nil:
	case *InputError:
		inputs = append(inputs, InputProblem{e.Input, e.Error()})
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			more, rest := InputProblems(one)
			inputs, others = append(inputs, more...), append(others, rest...)
		}
	default:
		others = append(others, err.Error())
	}
	return inputs, others
}

// Choice is a possible value of an input, as JSON.
type Choice struct {
	Input       string `json:"input"` // name of the field
	Value       string `json:"value"`
	Title       string `json:"title"`       // for people; empty: Value
	Version     string `json:"version"`     // empty: it has none
	Description string `json:"description"` // may be empty
}

// ChoiceError is the error of an input that nothing decides: somebody has to choose one of the values.
type ChoiceError interface {
	error
	// Choices are the possible values, at least one unless there is nothing to choose from.
	Choices() []Choice
}
