//go:build backstagebed

package backstage_test

import (
	"fmt"
	"slices"
	"strings"
)

// variant is a descriptor that differs from a plain one in one thing, which its name says.
type variant struct{ name, text string }

// field is a field of a plain descriptor, and its value in YAML. The value of a field that is absent is absent.
type field struct{ path, value string }

const absent = "(absent)"

// plain are the fields of a plain descriptor of each kind, which are those that Backstage requires.
var plain = map[string][]field{
	"Component": {{"spec.type", "service"}, {"spec.lifecycle", "production"}, {"spec.owner", "team"}},
	"API": {{"spec.type", "grpc"}, {"spec.lifecycle", "production"}, {"spec.owner", "team"},
		{"spec.definition", "text"}},
	"Resource": {{"spec.type", "database"}, {"spec.owner", "team"}},
	"System":   {{"spec.owner", "team"}},
	"Domain":   {{"spec.owner", "team"}},
	"Group":    {{"spec.type", "team"}, {"spec.children", "[]"}},
	"User":     {{"spec.memberOf", "[]"}},
	"Location": {{"spec.targets", "[]"}},
}

// render writes a descriptor of a kind with some fields set.
func render(kind string, set ...field) string {
	fields := []field{{"apiVersion", "backstage.io/v1alpha1"}, {"kind", kind}, {"metadata.name", "a"}}
	fields = append(fields, plain[kind]...)
	for _, f := range set {
		if i := slices.IndexFunc(fields, func(have field) bool { return have.path == f.path }); i >= 0 {
			fields[i] = f
		} else {
			fields = append(fields, f)
		}
	}
	var root, metadata, spec strings.Builder
	for _, f := range fields {
		if f.value == absent {
			continue
		}
		into, key := &root, f.path
		if name, ok := strings.CutPrefix(f.path, "metadata."); ok {
			into, key = &metadata, "  "+name
		} else if name, ok := strings.CutPrefix(f.path, "spec."); ok {
			into, key = &spec, "  "+name
		}
		fmt.Fprintf(into, "%s: %s\n", key, f.value)
	}
	if metadata.Len() > 0 {
		root.WriteString("metadata:\n" + metadata.String())
	}
	if spec.Len() > 0 {
		root.WriteString("spec:\n" + spec.String())
	}
	return root.String()
}

// scalars are values where a text belongs.
var scalars = []string{
	`""`, `" "`, `" a"`, `null`, `Null`, `~`, ``, `"null"`,
	`0`, `123`, `-1`, `+1`, `1.5`, `1.`, `.5`, `0123`, `0x1F`, `0o17`, `0b1`, `1e3`, `1_000`, `12:30:00`, `.inf`, `-.INF`,
	`.nan`, `"123"`,
	`!!str 123`, `!!int "5"`, `!!float "1"`, `!!bool "true"`, `!!null ""`, `! 5`, `!foo 5`, `!foo a`,
	`true`, `False`, `yes`, `on`, `n`, `2026-01-02`, `2026-01-02T03:04:05Z`,
	`[a]`, `{a: b}`, `{}`, `a`, `A`, `Ab.C_d-E`, `a--b`, `a__b`, `a..b`, `a.-_b`, `-a`, `a-`, `.a`, `a_`, `a b`, `a/b`, `a/b/c`,
	`a:b`, `a:b/c`, `a:b:c`, `:a`, `"a:"`, `/a`, `a/`, `c++`, `c#`, `"#a"`, `ä`, `日本`, `"a\nb"`, `"a\n"`, `"\u00e9"`, `"e\u0301"`,
	`<<`, `=`, `'it''s'`, `https://example.com`, `mailto:a@b`, `//x`, `"http://"`, `x y`, `a@b`,
	strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 300),
	"|\n    a", ">-\n    a\n    b", "&x a", `{$text: ./none.txt}`,
}

// places are where the scalars are tried: a kind, a field, and its value around the scalar.
var places = []struct{ kind, path, around string }{
	{"Component", "apiVersion", "%s"},
	{"Component", "kind", "%s"},
	{"Component", "metadata.name", "%s"},
	{"Component", "metadata.namespace", "%s"},
	{"Component", "metadata.title", "%s"},
	{"Component", "metadata.description", "%s"},
	{"Component", "metadata.uid", "%s"},
	{"Component", "metadata.etag", "%s"},
	{"Component", "metadata.tags", "%s"},
	{"Component", "metadata.tags", "[%s]"},
	{"Component", "metadata.labels", "%s"},
	{"Component", "metadata.labels", "{l: %s}"},
	{"Component", "metadata.annotations", "%s"},
	{"Component", "metadata.annotations", "{l: %s}"},
	{"Component", "metadata.links", "%s"},
	{"Component", "metadata.links", "[%s]"},
	{"Component", "metadata.links", "[{url: %s}]"},
	{"Component", "metadata.links", "[{url: 'https://example.com', title: %s}]"},
	{"Component", "metadata.links", "[{url: 'https://example.com', icon: %s}]"},
	{"Component", "metadata.links", "[{url: 'https://example.com', type: %s}]"},
	{"Component", "spec", "%s"},
	{"Component", "spec.type", "%s"},
	{"Component", "spec.lifecycle", "%s"},
	{"Component", "spec.owner", "%s"},
	{"Component", "spec.system", "%s"},
	{"Component", "spec.subcomponentOf", "%s"},
	{"Component", "spec.providesApis", "%s"},
	{"Component", "spec.providesApis", "[%s]"},
	{"Component", "spec.consumesApis", "[%s]"},
	{"Component", "spec.dependsOn", "[%s]"},
	{"Component", "spec.dependencyOf", "[%s]"},
	{"API", "spec.definition", "%s"},
	{"Resource", "spec.dependsOn", "[%s]"},
	{"Resource", "spec.system", "%s"},
	{"System", "spec.domain", "%s"},
	{"System", "spec.type", "%s"},
	{"Domain", "spec.subdomainOf", "%s"},
	{"Domain", "spec.owner", "%s"},
	{"Group", "spec.parent", "%s"},
	{"Group", "spec.children", "%s"},
	{"Group", "spec.children", "[%s]"},
	{"Group", "spec.members", "[%s]"},
	{"Group", "spec.profile", "%s"},
	{"Group", "spec.profile", "{displayName: %s}"},
	{"User", "spec.memberOf", "%s"},
	{"User", "spec.memberOf", "[%s]"},
	{"User", "spec.profile", "{email: %s}"},
	{"User", "spec.profile", "{picture: %s}"},
	{"Location", "metadata.name", "%s"},
	{"Location", "metadata.labels", "{l: %s}"},
	{"Location", "spec.presence", "%s"},
	{"Location", "spec.targets", "%s"},
}

// keys are names of labels and annotations.
var keys = []string{
	`a`, `A`, `a.b`, `a_b`, `a--b`, `a..b`, `-a`, `a-`, `a/b`, `a.b/c`, `a--b.c/d__e`, `a---b/c`, `A.b/c`, `a_b/c`, `-a/b`,
	`a-/b`, `a..b/c`, `.a/b`, `a./b`, `a/b/c`, `/a`, `a/`, `1/2`, `1`, `1.5`, `null`, `~`, `true`, `""`, `" "`, `"a b"`, `ä`, `ä/b`,
	`"<<"`, `[a]`, `{a: b}`, `? a`, `a:b`, `0x1F`, `1.0`, `1e3`, `True`, `012`, `-0`, `0o17`, `.inf`, `-.INF`, `.NaN`, `1e21`, `1e-7`, `1.10`, `123456789012345678901234`, `"1"`, `2026-01-02`, strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 63) + "/b",
	strings.Repeat("a", 64) + "/b", strings.Repeat("a.", 126) + "a/b", strings.Repeat("a.", 127) + "a/b", `__proto__`,
}

// variants are all descriptors to compare.
func variants() []variant {
	var all []variant
	add := func(name, text string) { all = append(all, variant{name, text}) }
	for _, p := range places {
		for _, value := range scalars {
			if strings.Contains(value, "\n") && p.around != "%s" {
				continue // a block has no place in [ and {
			}
			if strings.Contains(p.around, "{") && value == "" && p.around != "{l: %s}" {
				continue
			}
			shown := value
			if len(shown) > 40 {
				shown = fmt.Sprintf("%.3s… (%d)", shown, len(shown))
			}
			name := fmt.Sprintf("%s %s: %s", p.kind, p.path, fmt.Sprintf(p.around, shown))
			add(name, render(p.kind, field{p.path, fmt.Sprintf(p.around, value)}))
		}
	}
	for _, of := range []string{"labels", "annotations"} {
		for _, key := range keys {
			shown := key
			if len(shown) > 40 {
				shown = fmt.Sprintf("%.3s… (%d)", shown, len(shown))
			}
			add("key of "+of+": "+shown, render("Component", field{"metadata." + of, "\n    " + key + ": x"}))
		}
	}
	all = append(all, missing()...)
	all = append(all, foreign()...)
	return append(all, documentsOf()...)
}

// missing leaves out each field of each kind, or gives it no value.
func missing() []variant {
	var all []variant
	for _, kind := range []string{"Component", "API", "Resource", "System", "Domain", "Group", "User", "Location"} {
		fields := append([]field{{"apiVersion", ""}, {"kind", ""}, {"metadata.name", ""}, {"metadata", ""}}, plain[kind]...)
		all = append(all, variant{kind + " as it should be", render(kind)})
		for _, f := range fields {
			for _, value := range []string{absent, "", "[]", "{}"} {
				name := fmt.Sprintf("%s without %s: %s", kind, f.path, value)
				if f.path != "metadata" {
					all = append(all, variant{name, render(kind, field{f.path, value})})
				} else if value != absent {
					all = append(all, variant{name, render(kind, field{"metadata.name", absent}, field{f.path, value})})
				}
			}
		}
		var none []field
		for _, f := range plain[kind] {
			none = append(none, field{f.path, absent})
		}
		all = append(all, variant{kind + " without spec", render(kind, none...)})
		for _, value := range []string{"", "null", "{}", "[]", "text", "1"} {
			all = append(all, variant{kind + " with spec: " + value, render(kind, append(none, field{"spec", value})...)})
		}
	}
	return all
}

// foreign has fields, kinds and versions that are not those of a descriptor.
func foreign() []variant {
	var all []variant
	add := func(name, text string) { all = append(all, variant{name, text}) }
	for _, f := range []field{
		{"extra", "1"}, {"relations", "[]"}, {"status", "{}"}, {"Metadata", "{}"}, {"metadata.extra", "1"},
		{"metadata.generation", "1"}, {"metadata.Name", "b"}, {"spec.extra", "{a: [1]}"}, {"spec.Owner", "b"}, {"\"\"", "1"},
		{"metadata.deletionTimestamp", "2026-01-02"}, {"1", "2"}, {"metadata.1", "2"}, {"spec.1", "2"}, {"spec.null", "2"},
		{"spec.target", "x"}, {"spec.definition", "x"}, {"spec.members", "[a]"}, {"spec.domain", "x"}, {"$schema", "x"},
	} {
		add("with "+f.path+": "+f.value, render("Component", f))
	}
	add("an API of an MCP server", render("API", field{"spec.type", "mcp-server"}, field{"spec.definition", absent},
		field{"spec.remotes", "[{type: sse, url: 'https://example.com'}]"}))
	for _, address := range []string{"http:a", "http:/a", "https://", "https://?a", "https://#a", "https:///a", "https://a b",
		"https://:80", "https://a:b", "https://a:99999", "https://u:p@a", "https://u@", "HTTPS://A", "https://ä.example.com",
		"https://a_b", "https://a:", "https://1.2.3.4:80", "https://a.1", "https://a.", "https://.", "https://[::1]", "https://[::1", "https://1.2.3.999", "https://%41", "https://a%", "https://a/%zz", "ftp://",
		"ftp:a", "file:", "file:///a", "ws://a", "a://", "a:", "1a:b", "a+b.c-d:e", "a_b:c", "javascript:x", "https:\\\\\\\\a",
		" https://a ", "https://a<b", "https://a^b", "https://a|b", "https://a{b", "ssh://git@a/b", "git@a:b", "./a", "#a", "?a",
		"${{ values.url }}"} {
		add("address "+address, render("Component", field{"metadata.links", "[{url: \"" + address + "\"}]"}))
	}
	for _, kind := range []string{"component", "COMPONENT", "Part", "Template", "AiResource", "Deployment", "api", "Api",
		"group", "user"} {
		base := map[string]string{"api": "API", "Api": "API", "group": "Group", "user": "User"}[kind]
		if base == "" {
			base = "Component"
		}
		add("kind "+kind, render(base, field{"kind", kind}))
	}
	for _, version := range []string{"backstage.io/v1beta1", "backstage.io/v1", "backstage.io/v1beta2", "backstage.io/V1alpha1",
		"Backstage.io/v1alpha1", "backstage.io", "v1", "backstage.io/", "example.com/v1", "scaffolder.backstage.io/v1beta3"} {
		for _, kind := range []string{"Component", "Group"} {
			add(kind+" of apiVersion "+version, render(kind, field{"apiVersion", version}))
		}
	}
	return all
}

// documentsOf has what is odd about the document as a whole: merge keys, keys given twice, aliases, other syntax.
func documentsOf() []variant {
	plain := render("Component")
	spec := "type: service, lifecycle: production, owner: team"
	head := "apiVersion: backstage.io/v1alpha1\nkind: Component\n"
	var all []variant
	for name, text := range map[string]string{
		"merge key in root":                   "<<: {kind: Component}\napiVersion: backstage.io/v1alpha1\nmetadata: {name: a}\nspec: {" + spec + "}\n",
		"merge key in root, nothing of it":    plain + "<<: {}\n",
		"merge key in metadata, the name":     head + "metadata: {<<: {name: a}}\nspec: {" + spec + "}\n",
		"merge key in metadata, a title":      head + "metadata: {name: a, <<: {title: t}}\nspec: {" + spec + "}\n",
		"merge key in spec, the owner":        head + "metadata: {name: a}\nspec: {type: a, lifecycle: b, <<: {owner: c}}\n",
		"merge key in spec, what is optional": head + "metadata: {name: a}\nspec: {" + spec + ", <<: {system: c}}\n",
		"merge key in labels":                 head + "metadata: {name: a, labels: {<<: {b: c}}}\nspec: {" + spec + "}\n",
		"merge key in annotations":            head + "metadata: {name: a, annotations: {<<: {b: c}}}\nspec: {" + spec + "}\n",
		"merge key in links":                  head + "metadata: {name: a, links: [{<<: {url: 'https://example.com'}}]}\nspec: {" + spec + "}\n",
		"merge key in links, an icon":         head + "metadata: {name: a, links: [{url: 'https://example.com', <<: {icon: x}}]}\nspec: {" + spec + "}\n",
		"merge key in profile":                "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: a}\nspec: {memberOf: [], profile: {<<: {email: a}}}\n",
		"merge key of an alias":               head + "metadata: {name: a, labels: &l {b: c}}\nspec: {" + spec + ", <<: *l}\n",
		"key twice in root":                   plain + "kind: Component\n",
		"key twice in metadata":               head + "metadata: {name: a, name: a}\nspec: {" + spec + "}\n",
		"key twice in spec":                   head + "metadata: {name: a}\nspec: {" + spec + ", owner: x}\n",
		"key twice in labels":                 head + "metadata: {name: a, labels: {a: b, a: b}}\nspec: {" + spec + "}\n",
		"key twice in links":                  head + "metadata: {name: a, links: [{url: 'https://a', url: 'https://b'}]}\nspec: {" + spec + "}\n",
		"key twice in a field of nobody":      head + "metadata: {name: a}\nspec: {" + spec + ", extra: {a: b, a: c}}\n",
		"key twice, as number and text":       head + "metadata: {name: a, labels: {1: b, '1': c}}\nspec: {" + spec + "}\n",
		"an alias":                            head + "metadata: {name: &n a, title: *n}\nspec: {" + spec + "}\n",
		"an alias to a mapping":               head + "metadata: {name: a, labels: &l {x: y}, annotations: *l}\nspec: {" + spec + "}\n",
		"an alias to nothing":                 head + "metadata: {name: a, title: *n}\nspec: {" + spec + "}\n",
		"an alias in two documents":           strings.Replace(plain, "name: a", "name: &n a", 1) + "---\n" + strings.Replace(plain, "name: a", "name: *n", 1),
		"an anchor of its own":                head + "metadata: {name: a}\nspec: &s {" + spec + ", extra: *s}\n",
		"JSON":                                `{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"a","title":"\ud83d\ude00\/"},"spec":{"type":"a","lifecycle":"b","owner":"c"}}`,
		"JSON with tabs":                      "{\n\t\"apiVersion\": \"backstage.io/v1alpha1\",\n\t\"kind\": \"Component\",\n\t\"metadata\": {\"name\": \"a\"},\n\t\"spec\": {\"type\": \"a\", \"lifecycle\": \"b\", \"owner\": \"c\"}\n}\n",
		"JSON with a key twice":               `{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"a","name":"b"},"spec":{"type":"a","lifecycle":"b","owner":"c"}}`,
		"JSON cut off":                        `{"apiVersion":"backstage.io/v1alpha1","kind":"Component"`,
		"carriage returns":                    strings.ReplaceAll(plain, "\n", "\r\n"),
		"a byte order mark":                   "\ufeff" + plain,
		"no end of line":                      strings.TrimSuffix(plain, "\n"),
		"a tab in the indentation":            strings.Replace(plain, "  name", "\tname", 1),
		"a tab behind the colon":              strings.Replace(plain, "name: a", "name:\ta", 1),
		"a trailing tab":                      strings.Replace(plain, "name: a", "name: a\t", 1),
		"a comment":                           "# comment\n" + plain + "# end\n",
		"a comment without a space":           strings.Replace(plain, "name: a", "name: a#b", 1),
		"a list":                              "- a\n",
		"a text":                              "text\n",
		"a number":                            "1\n",
		"nothing but a comment":               "# x\n",
		"nothing":                             "",
		"null":                                "null\n",
		"an empty mapping":                    "{}\n",
		"empty documents around":              "---\n---\n" + plain + "---\n# x\n---\n",
		"an end mark":                         plain + "...\n",
		"an end mark and more":                plain + "...\n" + strings.Replace(plain, "name: a", "name: b", 1),
		"a directive":                         "%YAML 1.2\n---\n" + plain,
		"a directive for YAML 1.1":            "%YAML 1.1\n---\n" + strings.Replace(plain, "name: a", "name: yes", 1),
		"a directive that is not known":       "%FOO bar\n---\n" + plain,
		"a tag directive":                     "%TAG !e! tag:example.com,2000:\n---\n" + plain,
		"a tag of its own":                    strings.Replace(plain, "name: a", "name: !foo a", 1),
		"two documents, one of them broken":   plain + "---\na: [\n",
		"two documents, one refused":          plain + "---\n" + render("Component", field{"metadata.name", "-b"}),
		"two documents":                       plain + "---\n" + render("Component", field{"metadata.name", "b"}),
		"a document mark with a comment":      "--- # x\n" + plain,
		"a document behind its mark":          "--- {apiVersion: backstage.io/v1alpha1, kind: Group, metadata: {name: a}, spec: {type: a, children: []}}\n",
		"indented":                            "  " + strings.ReplaceAll(strings.TrimSuffix(plain, "\n"), "\n", "\n  ") + "\n",
		"indented unevenly":                   strings.Replace(plain, "  name", "     name", 1),
		"a list without indentation":          strings.Replace(plain, "  name: a\n", "  name: a\n  tags:\n  - b\n", 1),
		"a colon in a text":                   strings.Replace(plain, "name: a", "name: a\n  title: a: b", 1),
		"a text of two lines":                 strings.Replace(plain, "name: a", "name: a\n  title: a\n    b", 1),
		"an open quote":                       strings.Replace(plain, "name: a", "name: \"a", 1),
		"an at sign":                          strings.Replace(plain, "name: a", "name: a\n  title: @b", 1),
		"a backquote":                         strings.Replace(plain, "name: a", "name: a\n  title: `b`", 1),
		"a percent sign":                      strings.Replace(plain, "name: a", "name: a\n  title: %b", 1),
		"a star":                              strings.Replace(plain, "name: a", "name: a\n  title: *", 1),
		"an unknown escape":                   strings.Replace(plain, "name: a", "name: a\n  title: \"\\d\"", 1),
		"a control character":                 strings.Replace(plain, "name: a", "name: a\n  title: \"\x01\"", 1),
		"no space behind the colon":           strings.Replace(plain, "name: a", "name:a", 1),
		"a placeholder of a template":         strings.Replace(plain, "name: a", "name: ${{ values.name }}", 1),
		"a placeholder in braces":             strings.Replace(plain, "name: a", "name: {{name}}", 1),
		"a placeholder in quotes":             strings.Replace(plain, "name: a", "name: \"{{name}}\"", 1),
	} {
		all = append(all, variant{name, text})
	}
	slices.SortFunc(all, func(a, b variant) int { return strings.Compare(a.name, b.name) })
	return all
}
