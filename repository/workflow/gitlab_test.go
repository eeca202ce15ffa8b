package workflow

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/fact"
	"github.com/dxctl/dxctl/repository/tree"
)

func readGitLab(t testing.TB, files map[string]string) fact.Value[*GitLab] {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tr, err := tree.List(context.Background(), fsys, tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return ReadGitLab(tr)
}

const pipeline = `include:
  - local: /ci/base.yml
  - template: Security/SAST.gitlab-ci.yml
default: {timeout: 1h, before_script: [echo start]}
stages: [test]
unit:
  extends: [.go]
  stage: test
  timeout: 10m
mr:
  script: [[make test]]
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
deploy:
  script: ./deploy.sh
  only: [main]
odd: {script: [x], rules: [{if: $X}]}
sbom: {script: [syft .], when: manual}
`

func TestGitLab(t *testing.T) {
	g := readGitLab(t, map[string]string{
		".gitlab-ci.yml": pipeline,
		"ci/base.yml":    "include: /.gitlab-ci.yml\n.go:\n  extends: .go\n  script:\n    - go test ./...\n",
	})
	if !g.Known {
		t.Fatal(g)
	}
	var got []string
	for _, j := range g.Value.Jobs {
		on := fmt.Sprint(j.OnMergeRequest.Value)
		if !j.OnMergeRequest.Known {
			on = "unknown"
		}
		got = append(got, fmt.Sprintf("%s %s %q %s %s", j.Name, j.At, j.Script, j.Timeout, on))
	}
	want := []string{
		`unit .gitlab-ci.yml:6 "echo start\ngo test ./...\n" 10m true`,
		`mr .gitlab-ci.yml:10 "echo start\nmake test\n" 1h true`,
		`deploy .gitlab-ci.yml:14 "echo start\n./deploy.sh\n" 1h false`,
		`odd .gitlab-ci.yml:17 "echo start\nx\n" 1h unknown`,
		`sbom .gitlab-ci.yml:18 "echo start\nsyft .\n" 1h false`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if fmt.Sprint(g.Value.Found(PurposeTest), g.Value.Found(PurposeSBOM)) != "[.gitlab-ci.yml:6 .gitlab-ci.yml:10] [.gitlab-ci.yml:18]" {
		t.Error(g.Value.Found(PurposeTest), g.Value.Found(PurposeSBOM))
	}
	if len(g.Value.NotRead) != 1 || g.Value.NotRead[0].At.Line != 3 {
		t.Errorf("%v", g.Value.NotRead)
	}
	if none := readGitLab(t, map[string]string{"x": ""}); !none.Known || none.Value != nil {
		t.Error(none)
	}
	for text, want := range map[string]string{
		"a: [": ".gitlab-ci.yml:", "\xff": ".gitlab-ci.yml is not UTF-8 text", laughs: "more than 500000 nodes",
	} {
		if g := readGitLab(t, map[string]string{".gitlab-ci.yml": text}); g.Known || !strings.Contains(g.Reason, want) {
			t.Errorf("%.20s: %v", text, g)
		}
	}
	// Each job extends the next one ten times.
	var fan strings.Builder
	for i := range 12 {
		fmt.Fprintf(&fan, "j%d: {extends: [%s]}\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("j%d, ", i+1), 10), ", "))
	}
	if g := readGitLab(t, map[string]string{".gitlab-ci.yml": fan.String()}); len(g.Value.Jobs) != 12 {
		t.Errorf("%v", g)
	}
	remote := readGitLab(t, map[string]string{".gitlab-ci.yml": "include: ['https://x/y.yml', {project: a, file: b}, ../../etc/passwd]\na: {script: x}\n"})
	if len(remote.Value.NotRead) != 3 || len(remote.Value.Jobs) != 1 {
		t.Errorf("%+v", remote.Value)
	}
}

func FuzzReadGitLab(f *testing.F) {
	f.Add(pipeline)
	f.Add("a: {extends: a}\n.b: {extends: [.b, .b, .b], script: x}\nc: {extends: [.b, .b, .b]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		if g := readGitLab(t, map[string]string{".gitlab-ci.yml": text, "ci/base.yml": text}); g.Value != nil {
			g.Value.Found(PurposeTest)
		}
	})
}
