package descriptor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/yamldoc"
)

// TestDescriptorsAsBackstageValidatesThem has variants of which make test-backstage asks a real Backstage: want is what
// is warned of what Backstage refuses; empty: Backstage accepts the descriptor.
func TestDescriptorsAsBackstageValidatesThem(t *testing.T) {
	component := func(metadata, spec string) string {
		return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a" + metadata + "}\n" +
			"spec: {type: service, lifecycle: production, owner: team" + spec + "}\n"
	}
	of := func(kind, spec string) string {
		return "apiVersion: backstage.io/v1alpha1\nkind: " + kind + "\nmetadata: {name: a}\nspec: {" + spec + "}\n"
	}
	api := func(definition string) string {
		return of("API", "type: grpc, lifecycle: production, owner: team, definition: "+definition)
	}
	link := func(link string) string { return component(", links: [{"+link+"}]", "") }
	for _, tt := range []struct{ text, want string }{
		{component("", ""), ""},
		// A text that is there has a value.
		{component(", title: ''", ""), "metadata.title is empty, and Backstage refuses that"},
		{component(", namespace: ''", ""), "metadata.namespace is empty"},
		{component(", uid: ''", ""), "metadata.uid is empty"},
		{component(", etag: 7", ""), "metadata.etag is a number and not a text"},
		{component(", description: ''", ""), ""},
		{component(", labels: {a: ''}, annotations: {a: ''}", ""), ""},
		{component(", tags: ['']", ""), "a text of metadata.tags is empty"},
		{component("", ", system: ''"), "spec.system is empty"},
		{component("", ", providesApis: ['']"), "a text of spec.providesApis is empty"},
		{of("System", "owner: a, domain: ''"), "spec.domain is empty"},
		{of("User", "memberOf: [], profile: {email: ''}"), "spec.profile.email is empty"},
		{of("Group", "type: '', children: []"), "spec.type is empty"},
		// What each kind requires.
		{of("User", "profile: {}"), "the User has no spec.memberOf, and Backstage refuses it without"},
		{of("User", "memberOf: []"), ""},
		{of("Group", "type: team, children: []"), ""},
		{of("Location", "targets: []"), ""},
		{of("Location", "target: x, presence: never"), `spec.presence "never" is read as required`},
		{strings.Replace(of("Location", "targets: []"), "{name: a}", "{}", 1), "the Location has no metadata.name"},
		{strings.Replace(of("Location", "targets: []"), "{name: a}", "{name: -a}", 1), `name "-a" would be refused`},
		{api("text"), ""},
		{api("{$text: openapi.yaml}"), ""},
		{api("''"), "spec.definition is empty"},
		{api("{openapi: 3.0.0}"), "spec.definition is a mapping and not a text"},
		{api("~"), "spec.definition is nothing and not a text"},
		// Links.
		{link("url: 'https://example.com', title: Home, icon: x, type: y"), ""},
		{link("title: Home"), "metadata.links[0] has no url"},
		{link("url: example.com"), `metadata.links[0].url: the address "example.com" would be refused`},
		{link("url: 'https://example.com', title: ' '"), "metadata.links[0].title is empty"},
		{link("url: 'https://example.com', <<: {icon: x}"), "metadata.links[0] has a merge key"},
		{link("$text: ./links.yaml"), "metadata.links[0] is filled in by Backstage ($text)"},
		{of("User", "memberOf: [], profile: {<<: {email: a}}"), "spec.profile has a merge key"},
		{of("User", "memberOf: [], profile: {$json: ./profile.json}"), "spec.profile is filled in by Backstage ($json)"},
		// Refs, kinds and fields.
		{component("", ", dependsOn: ['resource:db', 'component:x/y']"), ""},
		{component("", ", dependsOn: [db]"), `spec.dependsOn: "db" has no kind, and Backstage refuses that`},
		{component("", ", dependencyOf: [x/y]"), `spec.dependencyOf: "x/y" has no kind`},
		{component("", ", providesApis: [x/y]"), ""},
		{strings.Replace(component("", ""), "Component", "component", 1), "kind component is read as Component"},
		{component("", "") + "relations: []\n", "field relations is not known, and Backstage refuses it"},
		{component("", "") + "extra: 1\n", "field extra is not known, and Backstage refuses it"},
		// Keys and scalars.
		{component(", annotations: ", ""), ""},
		{component(", annotations: ~", ""), ""},
		{component(", labels: ~", ""), "metadata.labels is nothing and not a mapping"},
		{component(", labels: {~: x}", ""), `key "" of labels would be refused`},
		{component(", labels: {1.0: x}", ""), ""},
		{component(", labels: {a: !!int '5'}", ""), "metadata.labels.a is a number"},
	} {
		var got []string
		report := func(_ string, line int, format string, args ...any) {
			got = append(got, fmt.Sprintf("%d: "+format, append([]any{line}, args...)...))
		}
		for _, r := range (Reader{File: "x"}).Read(yamldoc.Documents([]byte(tt.text))) {
			r.Report(Reporter{Warn: report, Fail: report})
		}
		if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
			t.Errorf("%s\nwarnings %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestAddressesAsBackstageValidatesThem(t *testing.T) {
	for _, address := range []string{"https://example.com", "HTTPS://A", "http:a", "https:///a", "https:\\\\a", " https://a ",
		"https://u:p@a:80/x?y#z", "https://a:", "https://a_b", "https://ä.example.com", "https://[::1]:8080", "https://1.2.3.4:80",
		"https://%41", "https://a/%zz", "mailto:a@b", "a:", "a+b.c-d:e", "ssh://git@a/b", "file:", "https://a."} {
		if !validURL(address) {
			t.Errorf("%q is refused", address)
		}
	}
	for _, address := range []string{"", "a", "//a", "/a", "#a", "1a:b", "a_b:c", "http://", "https://?a", "https://#a", "https://a b",
		"https://:80", "https://a:b", "https://a:99999", "https://u@", "https://[::1", "https://1.2.3.999", "https://a.1",
		"https://a%", "https://a<b", "https://a^b", "https://a|b", "ftp://"} {
		if validURL(address) {
			t.Errorf("%q is accepted", address)
		}
	}
}
