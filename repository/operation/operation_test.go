package operation

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/dxctl/dxctl/repository/tree"
)

func read(t testing.TB, files map[string]string) Set {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tr, err := tree.List(context.Background(), fsys, tree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return Read(tr)
}

const rules = `groups:
- name: api
  rules:
  - record: x
    expr: 1
  - alert: Down
    expr: up == 0
    labels: {severity: page}
    annotations:
      runbook_url: https://runbooks.example.com/down
  - alert: Slow
    expr: x > 1
  - alert: Odd
    annotations: {runbook: 'https://x/{{ $labels.y }}'}
`

func TestRead(t *testing.T) {
	s := read(t, map[string]string{
		"alerts.yml":          rules,
		"testdata/alerts.yml": rules,
		"k8s.yaml":            "kind: PrometheusRule\napiVersion: monitoring.coreos.com/v1\nspec:\n  groups: [{rules: [{alert: A, expr: x}, {\n  alert: B}]}]\n",
		"flow.yaml":           "apiVersion: v1\nkind: ConfigMap\nalert: x\n",
		"broken.yaml":         "- alert: x\n  y: [\n",
		"openslo.yaml":        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {service: api}\n---\napiVersion: openslo/v1\nkind: Service\n",
		"sloth.yml":           "version: prometheus/v1\nservice: api\nslos:\n- name: b\n- name: c\n",
		"crd.yml":             "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nspec: {service: web, slos: [{name: d}]}\n",
		"pyrra.yml":           "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: e}\n",
	})
	var alerts, objectives []string
	for _, a := range s.Alerts {
		alerts = append(alerts, fmt.Sprint(a.Name, " ", a.At, " ", a.Severity, " ", a.Runbook))
	}
	for _, o := range s.Objectives {
		objectives = append(objectives, fmt.Sprint(o.Name, " ", o.Service, " ", o.Format, " ", o.At))
	}
	want := "[Down alerts.yml:6 page https://runbooks.example.com/down (alerts.yml:10) Slow alerts.yml:11   (alerts.yml:11) " +
		"Odd alerts.yml:13  unknown: the link \"https://x/{{ $labels.y }}\" is a template A k8s.yaml:4   (k8s.yaml:4) B k8s.yaml:4   (k8s.yaml:4)]"
	if got := fmt.Sprint(alerts); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = "[d web sloth crd.yml:3 a api openslo openslo.yaml:1 e  pyrra pyrra.yml:1 b api sloth sloth.yml:4 c api sloth sloth.yml:5]"
	if got := fmt.Sprint(objectives); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	chart := read(t, map[string]string{"chart/templates/x.yaml": "groups:\n- rules:\n  {{- if .x }}\n  - alert: A\n  {{- end }}\n"})
	if len(chart.Unreadable) != 1 || chart.Unreadable[0].Reason != "it is a template, which is not rendered" {
		t.Errorf("%v", chart.Unreadable)
	}
	if len(s.Unreadable) != 1 || s.Unreadable[0].At.Path != "broken.yaml" {
		t.Errorf("%v", s.Unreadable)
	}
}

func FuzzReadOperation(f *testing.F) {
	f.Add(rules)
	f.Add("version: prometheus/v1\nslos: [{name: a}]\n")
	f.Add("kind: List\nitems: [{kind: List}, {apiVersion: openslo/v1, kind: SLO}]\n")
	f.Fuzz(func(t *testing.T, text string) { read(t, map[string]string{"a.yml": text}) })
}
