package actions

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sample is a descriptor with a field of every sort.
func sample() Descriptor {
	return Descriptor{
		Name: "sample", Command: "do sample", Title: "Do a sample", Description: "It is for tests.", Role: Engineer, Plan: []string{"Files."},
		Input: []Field{
			{Name: "name", Title: "Name", Description: "name of the sample", Type: String, Required: true, Argument: true,
				Pattern: `^[a-z]{1,10}$`, Example: "abc"},
			{Name: "size", Title: "Size", Description: "how large", Type: String, Enum: []string{"small", "large"},
				Default: "small"},
			{Name: "owner", Title: "Owner", Description: "who owns it", Type: String, Entity: "Group", MaxLength: 20},
			{Name: "rules", Title: "Rules", Description: "ids of rules", Type: List, One: "rule", Pattern: `^[a-z-]+$`,
				MaxLength: 8, Example: "a-rule"},
			{Name: "answers", Title: "Answers", Description: "values by name", Type: Texts, One: "answer",
				MaxLength: 8},
			{Name: "yes", Title: "Yes", Description: "ask nothing", Type: Boolean, Local: true},
		},
	}
}

func TestMistakesInDescriptors(t *testing.T) {
	if err := sample().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*Descriptor)
		want   string
	}{
		{"a name of two words", func(d *Descriptor) { d.Name = "two words" }, "not one word"},
		{"no title", func(d *Descriptor) { d.Title = "" }, "command, title, description and plan are required"},
		{"an unknown role", func(d *Descriptor) { d.Role = "king" }, `unknown role "king"`},
		{"a contradiction", func(d *Descriptor) { d.ReadOnly, d.Destructive = true, true }, "read-only and destructive"},
		{"a field twice", func(d *Descriptor) { d.Input = append(d.Input, d.Input[0]) }, "name is there twice"},
		{"a field without title", func(d *Descriptor) { d.Input[0].Title = "" }, "title and description are required"},
		{"a field with dashes", func(d *Descriptor) { d.Input[0].Name = "a-b" }, "not snake_case"},
		{"a pattern that is none", func(d *Descriptor) { d.Input[0].Pattern = "(" }, "missing closing )"},
		{"a default that does not fit", func(d *Descriptor) { d.Input[1].Default = "huge" }, "the default of size"},
		{"a list without a name of one", func(d *Descriptor) { d.Input[3].One = "" }, "and only they"},
		{"texts without a name of one", func(d *Descriptor) { d.Input[4].One = "" }, "and only they"},
		{"a text with a name of one", func(d *Descriptor) { d.Input[0].One = "x" }, "and only they"},
		{"no command", func(d *Descriptor) { d.Command = "" }, "command, title, description and plan are required"},
		{"an option that is an input", func(d *Descriptor) { d.Options = []Option{{Flag: "name", Description: "a"}} }, `the option "name"`},
		{"an option without description", func(d *Descriptor) { d.Options = []Option{{Flag: "a"}} }, `the option "a"`},
		{"an enum of booleans", func(d *Descriptor) { d.Input[5].Enum = []string{"true"} }, "only a string has"},
		{"a pattern of texts", func(d *Descriptor) { d.Input[4].Pattern = "a" }, "only a string and a list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := sample()
			c.change(&d)
			if err := d.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

// TestInputs compares what an input is checked by with the JSON schema that is published.
func TestInputs(t *testing.T) {
	long := strings.Repeat("x", 21)
	for _, c := range []struct {
		name, input string
		remote      bool
		want        string // in the error; "": none
	}{
		{"everything", `{"name": "abc", "size": "large", "owner": "group:default/a", "rules": ["a", "b-c"],
			"answers": {"a": "b"}, "yes": true}`, false, ""},
		{"a word for a list", `{"name": "abc", "rules": "a"}`, false, "rules: json: cannot unmarshal string"},
		{"null in a list", `{"name": "abc", "rules": [null]}`, false, "null is no value"},
		{"a number in a list", `{"name": "abc", "rules": [1]}`, false, "rules: json: cannot unmarshal number"},
		{"a word of a list that does not match", `{"name": "abc", "rules": ["a", "B"]}`, false, "for example a-rule"},
		{"a long word of a list", `{"name": "abc", "rules": ["aaaaaaaaa"]}`, false, "too long"},
		{"too many words", `{"name": "abc", "rules": ["a"` + strings.Repeat(`, "a"`, MaxTexts) + `]}`, false, "201 words"},
		{"only what is required", `{"name": "abc"}`, false, ""},
		{"nothing", `{}`, false, "name is missing: name of the sample"},
		{"a number for a text", `{"name": 7}`, false, "name: json: cannot unmarshal number"},
		{"null", `{"name": null}`, false, "null is no value"},
		{"null among texts", `{"name": "abc", "answers": {"a": null}}`, false, "null is no value"},
		{"a text that does not match", `{"name": "A b"}`, false, "for example abc"},
		{"a newline at the end", `{"name": "abc\n"}`, false, "does not match"},
		{"an unknown word", `{"name": "abc", "size": "huge"}`, false, "not one of small, large"},
		{"a misspelled name", `{"name": "abc", "sise": "large"}`, false, `did you mean "size"`},
		{"a long text", `{"name": "abc", "owner": "` + long + `"}`, false, "too long"},
		{"a long answer", `{"name": "abc", "answers": {"a": "123456789"}}`, false, "a has 9 bytes"},
		{"texts that are no texts", `{"name": "abc", "answers": {"a": 1}}`, false, "a: json: cannot unmarshal"},
		{"a word for a boolean", `{"name": "abc", "yes": "true"}`, false, "yes: json: cannot unmarshal"},
		{"over HTTP, all of it", `{"name": "abc", "owner": "group:default/a"}`, true, ""},
		{"over HTTP, without the entity", `{"name": "abc"}`, true, "owner is missing"},
		{"over HTTP, what is local", `{"name": "abc", "owner": "group:default/a", "yes": true}`, true,
			"yes: it cannot be given over HTTP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := sample()
			in, err := d.DecodeInput([]byte(c.input))
			if err == nil {
				in, err = d.Check(in, c.remote)
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
			if err == nil && in.Text("size") == "" {
				t.Error("size has no default")
			}
			if bySchema := validate(t, d.Schema(c.remote), c.input); (bySchema == nil) != (err == nil) {
				t.Errorf("the schema says %v, and Check says %v", bySchema, err)
			}
		})
	}
}

// validate validates a document by a schema.
func validate(t *testing.T, schema map[string]any, document string) error {
	t.Helper()
	raw, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(value)
}

// TestCommandLine writes inputs as a shell reads them.
func TestCommandLine(t *testing.T) {
	d := sample()
	for want, in := range map[string]Input{
		"dxctl do sample":                                  nil,
		"dxctl do sample abc --owner 'a b'":                {"name": "abc", "size": "small", "owner": "a b"},
		"dxctl do sample --size large --yes":               {"size": "large", "yes": true},
		"dxctl do sample --rule a --rule b-c":              {"rules": []string{"a", "b-c"}},
		`dxctl do sample --answer 'x=it'\''s $(id)'`:       {"answers": map[string]string{"x": "it's $(id)"}},
		"dxctl do sample '-x' --answer a= --answer 'b=#c'": {"name": "-x", "answers": map[string]string{"a": "", "b": "#c"}},
	} {
		if got := d.CommandLine(in); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestCarryOut names the flags with which a plan is carried out; without any, the command does it.
func TestCarryOut(t *testing.T) {
	d := sample()
	if got := d.CarryOut(nil); len(got) != 1 || got[0].Line != "dxctl do sample" {
		t.Errorf("%+v", got)
	}
	d.Options = []Option{{Flag: "dry", Description: "no"}, {Flag: "write", Description: "write it", Applies: true}}
	if got := d.CarryOut(Input{"name": "a"}); len(got) != 1 || got[0] != (Command{"dxctl do sample a --write", "write it"}) {
		t.Errorf("%+v", got)
	}
}

// TestInputProblems finds each input with its mistakes, and what is about none.
func TestInputProblems(t *testing.T) {
	_, err := sample().Check(Input{"name": "A b", "sise": "x"}, false)
	inputs, others := InputProblems(errors.Join(err, &InputError{"answers.x", errors.New("x is missing")}, errors.New("no")))
	if len(inputs) != 3 || inputs[0].Input != "name" || inputs[1].Input != "sise" ||
		inputs[2] != (InputProblem{"answers.x", "x is missing"}) || len(others) != 1 || others[0] != "no" {
		t.Errorf("%+v, %v", inputs, others)
	}
}

func TestInputsThatAreNoJSON(t *testing.T) {
	d := sample()
	for _, c := range []struct{ name, input, want string }{
		{"a list", `[]`, "not a JSON object"},
		{"a cut", `{"name": "a`, "not a JSON object"},
		{"too much", `{"name": "` + strings.Repeat("x", MaxInput) + `"}`, "at most 262144 are possible"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := d.DecodeInput([]byte(c.input)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
	if _, err := d.Check(Input{"name": "abc", "answers": map[string]string{"a": "x\x00"}}, false); err == nil {
		t.Error("a NUL byte is taken")
	}
}

// TestSecretInputs refuses secrets wherever a text is given, and does not repeat them.
func TestSecretInputs(t *testing.T) {
	d, secret := sample(), "ghp_"+strings.Repeat("aB3", 12)
	for name, in := range map[string]Input{
		"a text":         {"name": secret},
		"a part of one":  {"name": "abc", "owner": "see " + secret[:24]},
		"an answer":      {"name": "abc", "answers": map[string]string{"a": secret}},
		"name of answer": {"name": "abc", "answers": map[string]string{secret: "a"}},
	} {
		_, err := d.Check(in, false)
		if err == nil || !strings.Contains(err.Error(), "contains a secret (GitHub token)") || strings.Contains(err.Error(), secret[:24]) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestLookup(t *testing.T) {
	set, err := NewSet(&fake{})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := set.Lookup("sample"); err != nil || a == nil {
		t.Errorf("the action is %v, %v", a, err)
	}
	if _, err := set.Lookup("sampel"); err == nil || !strings.Contains(err.Error(), `did you mean "sample"`) {
		t.Errorf("the error is %v", err)
	}
	if _, err := NewSet(&fake{}, &fake{}); err == nil {
		t.Error("two actions of one name are taken")
	}
}
