package argocd

import "testing"

func TestPlace(t *testing.T) {
	cfg := Config{Projects: []string{"shop"}, Applications: []string{"*-prod"}, QualifiedNames: true,
		Environments: []EnvironmentRule{{Application: "*-prod", Environment: "production"}}}
	for _, c := range []struct {
		name, doc, scope, environment string
		taken                         bool
	}{
		{"taken", `{"metadata":{"name":"pay-prod","namespace":"argo"},"spec":{"project":"shop"}}`, "argo/pay-prod", "production", true},
		{"another project", `{"metadata":{"name":"pay-prod"},"spec":{"project":"lab"}}`, "", "", false},
		{"another name", `{"metadata":{"name":"pay-dev"},"spec":{"project":"shop"}}`, "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := parseApplication([]byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			scope, environment, taken := cfg.place(a)
			if scope != c.scope || environment != c.environment || taken != c.taken {
				t.Errorf("scope %q, environment %q, taken %v", scope, environment, taken)
			}
		})
	}
}
