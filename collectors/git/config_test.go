package git

import (
	"strings"
	"testing"

	"github.com/dxctl/dxctl/collectors/source"
	"go.yaml.in/yaml/v3"
)

func TestConfig(t *testing.T) {
	for _, tc := range []struct {
		name string
		yaml string
		want string   // "scope url", separated by commas
		errs []string // what the error says
	}{
		{name: "names", yaml: "{provider: github, repositories: [myorg/a, myorg/b.git]}", want: "myorg/a https://github.com/myorg/a.git, myorg/b https://github.com/myorg/b.git"},
		{name: "GitLab groups", yaml: "{provider: gitlab, repositories: [g/h/a]}", want: "g/h/a https://gitlab.com/g/h/a.git"},
		{name: "a server of one's own", yaml: "{provider: github, url: 'https://git.example.com/', repositories: [o/a]}", want: "o/a https://git.example.com/o/a.git"},
		{name: "an address says the provider", yaml: "{repositories: ['https://github.com/o/a.git', " +
			"'git@gitlab.com:g/b.git']}", want: "o/a https://github.com/o/a.git, g/b git@gitlab.com:g/b.git"},
		{name: "addresses from a browser", yaml: "{repositories: ['https://GitHub.com/o/a/tree/main/svc', " +
			"'https://gitlab.com/g/h/b/-/tree/main', 'git@GitHub.com:o/c.git', 'https://github.com/o/d/']}",
			want: "o/a https://GitHub.com/o/a.git, g/h/b https://gitlab.com/g/h/b.git, o/c git@GitHub.com:o/c.git, o/d " +
				"https://github.com/o/d/"},
		{name: "a mirror at a path of its own", yaml: "{provider: github, repositories: [{name: o/a, url: " +
			"'https://mirror.example.com/github/o/a.git'}]}",
			want: "o/a https://mirror.example.com/github/o/a.git"},
		{name: "ssh", yaml: "{provider: gitlab, repositories: ['ssh://git@git.example.com:2222/g/b.git']}", want: "g/b ssh://git@git.example.com:2222/g/b.git"},
		{name: "both", yaml: "{provider: github, repositories: [{name: o/a, url: 'file:///srv/git/x.git'}]}", want: "o/a file:///srv/git/x.git"},
		{name: "a directory", yaml: "{provider: github, repositories: ['file:///srv/git/o/a.git']}", want: "o/a file:///srv/git/o/a.git"},
		{name: "in any script", yaml: "{provider: gitlab, repositories: [група/сервис]}", want: "група/сервис https://gitlab.com/група/сервис.git"},
		{name: "nothing", yaml: "{provider: github}", errs: []string{"nothing to collect"}},
		{name: "no provider", yaml: "{repositories: [o/a, 'https://git.example.com/o/b']}", errs: []string{`"o/a": give provider`, `"https://git.example.com/o/b": give provider`}},
		{name: "twice", yaml: "{provider: github, repositories: [o/a, 'https://github.com/O/A']}", errs: []string{`"O/A" is listed twice`}},
		{name: "no owner", yaml: "{provider: github, repositories: [a]}", errs: []string{"write owner/name"}},
		{name: "an option", yaml: "{provider: github, repositories: ['--upload-pack=touch /tmp/x', '-x/y', {name: o/a, " +
			"url: '--upload-pack=x'}, {name: o/b, url: 'ssh://-oProxyCommand=x/o/b'}, {name: o/c, url: " +
			"'x@-oProxyCommand=x:o/c'}]}",
			errs: []string{"--upload-pack=touch", `"o/a"`, `"o/b"`, `"o/c"`}},
		{name: "other protocols", yaml: "{provider: github, repositories: [{name: o/a, url: 'ext::sh -c x'}, {name: o/b, " +
			"url: 'git://h/o/b'}]}", errs: []string{`"o/a"`, `"o/b"`}},
		{name: "up and out", yaml: "{provider: github, repositories: [../a/b, a/../../b]}", errs: []string{"../a/b", "a/../../b"}},
		{name: "credentials in the address", yaml: "{provider: github, repositories: ['https://u:hidden@github.com/o/a']}", errs: []string{"the token has its own key"}},
		{name: "a token over ssh", yaml: "{token: x, repositories: ['git@github.com:o/a.git']}", errs: []string{"a token is only given over https"}},
		{name: "a token with a line break", yaml: "{provider: github, token: \"x\\ny\", repositories: [o/a]}", errs: []string{"without line breaks"}},
		{name: "a provider that is none", yaml: "{provider: Git Hub, repositories: [o/a]}", errs: []string{`provider "Git Hub"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var cfg Config
			if err := yaml.Unmarshal([]byte(tc.yaml), &cfg); err != nil {
				t.Fatal(err)
			}
			err := cfg.Validate()
			for _, want := range tc.errs {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error %v does not say %q", err, want)
				}
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error tells a password: %v", err)
			}
			if len(tc.errs) > 0 {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c, err := New(cfg, Options{Options: source.Options{CloneDir: t.TempDir()}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, scope := range c.scopes {
				got = append(got, scope+" "+c.targets[scope].url)
			}
			if strings.Join(got, ", ") != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestRepositoryKeysAreStrict(t *testing.T) {
	dec := yaml.NewDecoder(strings.NewReader("repositories: [{name: o/a, addr: x}]"))
	dec.KnownFields(true)
	var cfg Config
	if err := dec.Decode(&cfg); err == nil || !strings.Contains(err.Error(), "addr") {
		t.Errorf("a key that does not exist: %v", err)
	}
}

func TestDirectoryNamesAreSafeAndTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, scope := range []string{"o/a", "o_a", "O/a", "група/сервис", "група/сервiс", "../..", strings.Repeat("x", 5000)} {
		name := address{provider: "github", scope: scope}.directoryName()
		if seen[name] || strings.ContainsAny(name, "/\\") || strings.HasPrefix(name, ".") || len(name) > 120 {
			t.Errorf("%.40q is kept in %q", scope, name)
		}
		seen[name] = true
	}
}
