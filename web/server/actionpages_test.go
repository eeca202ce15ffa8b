package server_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// answered are answers to the questions of the golden path go-service, as parameters.
func answered(more ...string) url.Values {
	values := url.Values{
		"name": {"pay"}, "golden_path": {"go-service"}, "owner": {"group:default/team-payments"},
		"answers.description": {"Takes payments from customers"}, "answers.repository": {"acme/pay"},
		"answers.code_owners": {"@acme/pay"}, "answers.system": {"money"}, "answers.contact": {"#pay"},
		"answers.security_contact": {"security@acme.example"}, "answers.organization": {"Acme Inc."},
	}
	for i := 0; i < len(more); i += 2 {
		if values.Set(more[i], more[i+1]); more[i+1] == "" {
			values.Del(more[i])
		}
	}
	return values
}

func TestActionPages(t *testing.T) {
	local, public := withActions(t), withActionsOn(t, beyond())
	const paid = "component:default/payment-service"
	waived := url.Values{"service": {paid}, "rule": {"agents-md"}, "until": {"30d"}, "reason": {"planned"},
		"note": {"PAY-12 <b>"}, "by": {"ana"}}
	for _, c := range []struct {
		name, path string
		values     url.Values
		f          *fixture
		want, not  []string
	}{
		{"the list", "/actions", nil, local, []string{`href="/actions/create"`, `href="/actions/fix"`, `href="/actions/waiver"`,
			"dxctl fix --settings", "Planned on the command line only"}, []string{`href="/actions/settings"`}},
		{"an empty form", "/actions/create", nil, local, []string{`<select id="golden_path" name="golden_path" required`,
			`<option value="go-service">`, `<option value="private" selected>`, `maxlength="63"`, "Show its questions",
			`value="group:default/team-payments"`, "dxctl create service"}, []string{`name="dir"`, "There is no plan yet",
			"answers.contact", "aria-invalid"}},
		{"the questions of a golden path", "/actions/create", url.Values{"golden_path": {"go-service"}, "name": {`x"><i>`}}, local,
			[]string{`name="answers.contact"`, `<option value="go-service" selected>`, `value="x&#34;&gt;&lt;i&gt;"`},
			[]string{`name="answers.created_at"`, `name="answers.owner"`, "<i>", "There is no plan yet"}},
		{"a plan", "/actions/create/plan", answered(), local, []string{"The plan", "catalog-info.yaml", "sha256:", "not looked at",
			"dxctl create service pay --golden-path go-service --owner group:default/team-payments --answer code_owners=@acme/pay",
			"--answer &#39;contact=#pay&#39;", "--answer &#39;description=Takes payments from customers&#39;", "&#43;apiVersion: backstage.io"},
			[]string{"There is no plan yet", "aria-invalid"}},
		{"a plan for other machines", "/actions/create/plan", answered(), public, []string{"catalog-info.yaml", "create, +18 −0"},
			[]string{"apiVersion: backstage.io"}},
		{"requests", "/actions/create/plan", answered("repository", "acme/pay", "answers.repository", ""), local,
			[]string{"/orgs/acme/repos", "&#34;private&#34;:true", "<strong>POST</strong>"}, nil},
		{"nothing", "/actions/create/plan", nil, local, []string{"3 fields need", "name is missing", "golden_path is missing",
			"owner is missing", `id="name-note" class="small muted breakable"><strong`, `aria-invalid="true"`}, []string{"The plan</h2>"}},
		{"a wrong value", "/actions/create/plan", answered("name", "A b"), local, []string{"1 field needs",
			"name: &#34;A b&#34; does not match", `value="A b"`}, nil},
		{"a wrong answer", "/actions/create/plan", answered("answers.contact", "a\nb"), local,
			[]string{"the answer to contact", "1 field needs"}, nil},
		{"a missing answer", "/actions/create/plan", answered("answers.contact", ""), local,
			[]string{"the answer to contact is missing", "1 field needs"}, nil},
		{"an answer that nobody asked for", "/actions/create/plan", answered("answers.color", "red"), local,
			[]string{"is not asked for", "There is no plan yet"}, nil},
		{"an unknown entity", "/actions/create/plan", answered("owner", "group:default/nobody"), local,
			[]string{"the catalog has no group", `<option value="group:default/nobody" selected>`}, nil},
		{"a secret", "/actions/create/plan", answered("answers.contact", "ghp_"+strings.Repeat("aB3", 12)), local,
			[]string{"contains a secret"}, nil},
		{"fixes", "/actions/fix/plan", url.Values{"service": {paid}, "rules": {"workflow-timeouts, agents-md"}}, local,
			[]string{"Grade before and after", "timeout-minutes", "Passes with the patch",
				"dxctl fix component:default/payment-service --rule workflow-timeouts --rule agents-md --pr</code>",
				"--rule agents-md --write</code>"}, nil},
		{"fixes for other machines", "/actions/fix/plan", url.Values{"service": {paid}, "rules": {"workflow-timeouts"}}, public,
			[]string{"Grade before and after", "ci.yml", "on this machine"}, []string{secret, "timeout-minutes:"}},
		{"a choice", "/actions/fix/plan", url.Values{"service": {"component:default/orphan-service"}}, local, []string{"Choose one",
			`href="/actions/fix/plan?golden_path=go-worker&amp;service=component%3Adefault%2Forphan-service"`}, nil},
		{"a reason that may cite files", "/actions/fix/plan", url.Values{"service": {paid}, "rules": {"nothing"}}, public,
			[]string{"may cite files"}, []string{"no scorecard"}},
		{"a waiver", "/actions/waiver/plan", waived, local, []string{"waivers/payment-service.yaml", "note: PAY-12",
			secret, "dxctl waiver request component:default/payment-service --rule agents-md --until 30d --reason planned " +
				"--note &#39;PAY-12 &lt;b&gt;&#39; --by ana", "Waive agents-md"}, []string{"<b>"}},
		{"a waiver for other machines", "/actions/waiver/plan", waived, public, []string{"change, +7 −0"}, []string{secret}},
		{"a waiver of no rule", "/actions/waiver/plan", url.Values{"service": {paid}, "rule": {"agentsmd"}, "until": {"30y"},
			"reason": {"planned"}, "note": {"n"}}, public, []string{"did you mean", "neither a day", "name the person"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := c.f.page(t, c.path+"?"+c.values.Encode())
			for _, want := range c.want {
				if !strings.Contains(page, want) {
					t.Errorf("%q is not on the page\n%s", want, main(page))
				}
			}
			for _, not := range c.not {
				if strings.Contains(page, not) {
					t.Errorf("%q is on the page\n%s", not, main(page))
				}
			}
		})
	}
}

var tag = regexp.MustCompile(`<[^>]*>\s*`)

// main returns the text of a page, for messages.
func main(page string) string {
	_, text, _ := strings.Cut(page, "<main")
	text = html.UnescapeString(tag.ReplaceAllString(text, " "))
	return text[:min(len(text), 3000)]
}

// TestActionPagesTakeAnything gives odd values to every parameter of every page of an action.
func TestActionPagesTakeAnything(t *testing.T) {
	f := withActions(t)
	turn := 0
	for _, action := range f.deps.Actions {
		d := action.Descriptor()
		if !d.Remote() {
			continue
		}
		for _, field := range d.Fields(true) {
			for _, name := range []string{field.Name, field.Name + ".x", field.Name + "."} {
				turn++
				path := "/actions/" + d.Name + "?" + name + "=" + pathEscape(odd[turn%len(odd)])
				if turn%3 == 0 {
					path = strings.Replace(path, "?", "/plan?", 1)
				}
				status, _, body := f.get(t, path)
				if !slices.Contains([]int{http.StatusOK, http.StatusBadRequest}, status) {
					t.Errorf("%.200s: status %d: %.300s", path, status, body)
				}
			}
		}
	}
	for path, want := range map[string]string{
		"/actions/create?answers.a=1&answers.a=2":                "given twice",
		"/actions/create?answers.a=" + strings.Repeat("x", 2001): "at most 2000",
		"/actions/fix?service.x=1":                               "unknown parameter",
		"/actions/create?" + strings.Repeat("answers.%00=1&", 2): "NUL",
		"/actions/waiver?file=/etc/passwd":                       "unknown parameter",
		"/actions/create/plan?dir=/etc":                          "unknown parameter",
	} {
		status, _, body := f.get(t, path)
		if status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%.100s: status %d, want 400 with %q: %s", path, status, want, main(body))
		}
	}
	for _, path := range []string{"/actions/settings", "/actions/settings/plan", "/actions/nothing"} {
		if status, _, _ := f.get(t, path); status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, status)
		}
	}
}
