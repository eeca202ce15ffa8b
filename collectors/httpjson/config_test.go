package httpjson

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestConfig(t *testing.T) {
	const facts = "facts: [{name: x.y, type: number, value: body.n}]"
	for name, c := range map[string]struct{ text, want string }{
		"good":             {"url: 'https://a.example/{name}'\n" + facts, ""},
		"a good listing":   {"url: 'https://a.example/list'\nitems: body.list\nentity: item.name\nevery: 30m\nheaders: {Accept: text/plain}\n" + facts, ""},
		"no address":       {facts, "give an absolute http or https URL"},
		"a file":           {"url: file:///etc/passwd\n" + facts, "give an absolute http or https URL"},
		"a host in braces": {"url: 'https://{name}.example/'\n" + facts, "cannot have placeholders"},
		"a user":           {"url: 'https://u:p@a.example/{name}'\n" + facts, "remove the user"},
		"a placeholder":    {"url: 'https://a.example/{team}'\n" + facts, "unknown placeholder {team}"},
		"a brace":          {"url: 'https://a.example/{name'\n" + facts, "brace"},
		"no placeholder":   {"url: 'https://a.example/x'\n" + facts, "url has no placeholder"},
		"no facts":         {"url: 'https://a.example/{name}'", "facts is missing"},
		"no value":         {"url: 'https://a.example/{name}'\nfacts: [{name: x.y, type: number}]", "value is missing"},
		"no type":          {"url: 'https://a.example/{name}'\nfacts: [{name: x.y, value: body.n}]", `type "" is not one of bool`},
		"our fact":         {"url: 'https://a.example/{name}'\nfacts: [{name: ci.p95_minutes, type: number, value: body.n}]", "dxctl itself gives the facts ci.*"},
		"a prefix":         {"url: 'https://a.example/{name}'\nfacts: [{name: x.*, type: number, value: body.n}]", "is not the name of a fact"},
		"twice":            {"url: 'https://a.example/{name}'\nfacts: [{name: x.y, type: bool, value: body.n}, {name: x.y, type: bool, value: body.m}]", "listed twice"},
		"expires":          {"url: 'https://a.example/{name}'\nfacts: [{name: x.y, type: bool, value: body.n, expires: soon}]", "use the form 90d"},
		"syntax":           {"url: 'https://a.example/{name}'\nfacts:\n  - name: x.y\n    type: number\n    value: |\n      body.n +\n        )", "line 7: Syntax error"},
		"a variable":       {"url: 'https://a.example/{name}'\nfacts:\n  - {name: x.y, type: number, value: response.n}", "line 3: undeclared reference to 'response'"},
		"another type":     {"url: 'https://a.example/{name}'\nfacts:\n  - {name: x.y, type: number, value: 'entity.name'}", "the expression is a string; it must be a double"},
		"item":             {"url: 'https://a.example/{name}'\nfacts: [{name: x.y, type: number, value: item.n}]", "undeclared reference to 'item'"},
		"no entity":        {"url: 'https://a.example/list'\nitems: body.list\n" + facts, "entity is missing"},
		"no items":         {"url: 'https://a.example/{name}'\nentity: item.name\n" + facts, "add items"},
		"both":             {"url: 'https://a.example/{name}'\nitems: body.list\nentity: item.name\n" + facts, "remove its placeholders"},
		"entities":         {"url: 'https://a.example/{name}'\nentities: entity.name\n" + facts, "the expression is a string; it must be a bool"},
		"a header":         {"url: 'https://a.example/{name}'\nheaders: {'a b': c}\n" + facts, "not the name of a header"},
		"a line break":     {"url: 'https://a.example/{name}'\nheaders: {A: \"b\\nc\"}\n" + facts, "line break"},
		"the host":         {"url: 'https://a.example/{name}'\nheaders: {host: b}\n" + facts, "is set by dxctl"},
		"often":            {"url: 'https://a.example/{name}'\nevery: 1s\n" + facts, "at least 1m"},
	} {
		var cfg Config
		if err := yaml.Unmarshal([]byte(c.text), &cfg); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		err := cfg.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// FuzzAddress: an address that is accepted stays at its host, whatever the names of services are.
func FuzzAddress(f *testing.F) {
	f.Add("https://a.example/x/{name}?y={annotations.k}", "n/../m")
	f.Add("http://a.example:8080/{+name}", "../../etc")
	f.Fuzz(func(t *testing.T, text, name string) {
		a, err := parseAddress(text)
		if err != nil {
			return
		}
		e := services(name)()[0]
		e.Annotations = map[string]string{"k": name}
		address, err := a.of(e)
		if err == nil && !strings.HasPrefix(address, a.base.Scheme+"://"+a.base.Host) {
			t.Errorf("%q with %q becomes %q", text, name, address)
		}
	})
}
