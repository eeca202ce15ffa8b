package paths_test

import (
	"testing"

	"github.com/dxctl/dxctl/scorecards/paths"
)

// render renders one template with answers and returns the result.
func render(t *testing.T, template string, a paths.Answers, d paths.Defaults) (string, error) {
	t.Helper()
	p, err := load(t, map[string]string{
		"path.yaml": `infrastructure: {database: "{{ database }}", cache: redis}
service: {name: "{{ service_name }}", language: go}`,
		"questions.yaml":         "service_name: {default: pay}\ndatabase: {default: postgresql}\ntitle: {pattern: '.+', default: Pays}\n",
		"template/file.txt.tmpl": template,
	})
	if err != nil {
		return "", err
	}
	tree, err := p.Render(a, d)
	if err != nil || len(tree) == 0 {
		return "", err
	}
	return string(tree[0].Content), nil
}

func TestTemplates(t *testing.T) {
	for _, c := range []struct {
		template string
		answers  paths.Answers
		defaults paths.Defaults
		want     string
	}{
		{template: "{{ service_name }}", want: "pay"},
		{template: "{{service_name|upper}}-{{ cache }}", want: "PAY-redis"},
		{template: "${{ github.sha }} {{ service_name }}", want: "${{ github.sha }} pay"},
		{template: "a ${{ x }}${{ y }}\n${{", want: "a ${{ x }}${{ y }}\n${{"},
		{template: `{{ "$" }}{{ service_name }} {{ "}}" }} {{ "${{" }}`, want: "$pay }} ${{"},
		{template: "{{/* ${{ */}}a{{- /* }} */ -}} b", want: "ab"},
		{template: `{{ if eq database "postgresql" }}db{{ else }}none{{ end }}`, want: "db"},
		{template: `{{ if eq database "postgresql" }}db{{ end }}`, answers: paths.Answers{"database": "none"}, want: ""},
		{template: "{{ range environments }}[{{ . }}]{{ end }}", want: "[staging][production]"},
		{template: `{{ has environments "staging" }} {{ has environments "qa" }}`, want: "true false"},
		{template: `{{ default "registry" "ghcr.io/x" }}`, want: "ghcr.io/x"},
		{
			template: `{{ default "registry" }} {{ default "base_images.go" }} {{ default "runner" }}`,
			defaults: paths.Defaults{
				Registry: "r.example/a", BaseImages: map[string]string{"go": "golang:1.26"},
				Runner: paths.Labels{"self-hosted", "linux"},
			},
			want: "r.example/a golang:1.26 [self-hosted, linux]",
		},
		{
			template: `{{ default "runner" | yaml }}`, defaults: paths.Defaults{Runner: paths.Labels{"self-hosted", "linux"}},
			want: `["self-hosted","linux"]`,
		},
		{template: `{{ yaml title }} {{ json title }} {{ shell title }}`, answers: paths.Answers{"title": `it's: "x" #1`},
			want: `"it's: \"x\" #1" "it's: \"x\" #1" 'it'\''s: "x" #1'`},
		{template: `{{ yaml title }}`, answers: paths.Answers{"title": "null"}, want: `"null"`},
		{template: `{{ yaml title }}`, answers: paths.Answers{"title": "on"}, want: `"on"`},
		{template: `{{ yaml title }}`, answers: paths.Answers{"title": "pay"}, want: `pay`},
		{template: `{{ xml title }}`, answers: paths.Answers{"title": "a<b&c"}, want: "a&lt;b&amp;c"},
		{template: `{{ snake service_name }} {{ camel service_name }} {{ pascal service_name }} {{ kebab "APIGateway_x" }}`,
			answers: paths.Answers{"service_name": "payment-apiV2"}, want: "payment_api_v2 paymentApiV2 PaymentApiV2 apigateway-x"},
	} {
		t.Run(c.template, func(t *testing.T) {
			got, err := render(t, c.template, c.answers, c.defaults)
			if err != nil || got != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}
