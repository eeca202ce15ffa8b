package demo

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dxctl/dxctl/event"
)

// repositoryFiles are what a collector looks for in a repository.
var repositoryFiles = []string{
	"readme",
	"codeowners",
	"ci_workflow",
	"dockerfile",
	"catalog_info",
	"license",
	"dependency_updates",
	"tests",
	"security_policy",
	"agents",
	"pull_request_template",
	"contributing",
}

// none is a fact of places where nothing was found.
var none = []string{}

// template is what was found in the repository of a service that was made from the template, or moved to it.
var template = map[string]any{
	"codeowners.invalid_lines":                  none,
	"codeowners.uncovered":                      none,
	"codeowners.dead_patterns":                  none,
	"codeowners.unresolved_owners":              none,
	"descriptor.problems":                       none,
	"dependencies.ecosystems":                   []string{"docker", "github-actions", "gomod"},
	"dependencies.without_updates":              none,
	"dependencies.without_lock_file":            none,
	"workflows.count":                           3,
	"workflows.broad_permissions":               none,
	"workflows.undeclared_permissions":          none,
	"workflows.unpinned_actions":                none,
	"workflows.injections":                      none,
	"workflows.untrusted_checkouts":             none,
	"workflows.without_timeout":                 none,
	"workflows.without_concurrency":             none,
	"ci.systems":                                []string{"github-actions"},
	"ci.tests_on_pull_requests":                 true,
	"security_policy.private_contact":           true,
	"license":                                   "proprietary",
	"readme.missing":                            none,
	"containers.count":                          1,
	"containers.root_users":                     none,
	"containers.latest_bases":                   none,
	"containers.bases_without_digest":           none,
	"containers.ambiguous_users":                none,
	"workloads.count":                           1,
	"workloads.without_resources":               none,
	"workloads.without_probes":                  none,
	"workloads.equal_probes":                    none,
	"workloads.single_replica":                  none,
	"workloads.without_disruption_budget":       none,
	"workloads.weak_security_context":           none,
	"workloads.mutable_images":                  none,
	"workloads.unscraped":                       none,
	"workloads.without_traces":                  none,
	"workloads.trace_names":                     none,
	"alerts.count":                              4,
	"alerts.without_runbook":                    none,
	"slos.count":                                1,
	"logging.structured":                        true,
	"release.count":                             1,
	"release.without_sbom":                      none,
	"release.without_provenance":                none,
	"agents.missing":                            none,
	"agents.vendor_files_apart":                 none,
	"development.command":                       "make dev",
	"content.binaries":                          none,
	"content.secrets":                           none,
	"language":                                  "Go",
	"settings.public":                           false,
	"settings.pull_request_required":            true,
	"settings.force_push_blocked":               true,
	"settings.deletion_blocked":                 true,
	"settings.required_approvals":               1,
	"settings.stale_approvals_dismissed":        true,
	"settings.required_checks":                  []string{"build", "test"},
	"settings.required_checks_without_runs":     none,
	"settings.workflow_token_read_only":         true,
	"settings.secret_scanning":                  true,
	"settings.push_protection":                  true,
	"settings.private_vulnerability_reporting":  false,
	"settings.delete_branch_on_merge":           true,
	"settings.production_environments":          []string{"production"},
	"settings.production_protected":             true,
	"settings.production_reviewers":             1,
	"settings.production_self_review_prevented": true,
}

// grown is what differs in a repository that grew on its own and never moved: it is built by scripts and run on
// machines.
var grown = map[string]any{
	"descriptor.problems":              none,
	"workflows.count":                  0,
	"ci.systems":                       none,
	"ci.tests_on_pull_requests":        false,
	"release.count":                    0,
	"workloads.count":                  0,
	"containers.count":                 0,
	"alerts.count":                     0,
	"slos.count":                       0,
	"logging.structured":               false,
	"agents.missing":                   []string{"build", "style", "test"},
	"readme.missing":                   []string{"contact", "test"},
	"development.command":              "",
	"settings.required_approvals":      0,
	"settings.required_checks":         none,
	"settings.delete_branch_on_merge":  false,
	"settings.production_environments": none,
	"security_policy.private_contact":  false,
}

// grownLacks are files that no such repository has.
var grownLacks = []string{"agents", "pull_request_template", "security_policy"}

// differs is what was found in the repository of a service in place of what the template has.
var differs = map[string]map[string]any{
	"payment-service": {
		"workloads.equal_probes": []string{
			"deploy/base/deployment.yaml:34: the readiness and liveness probes of container app of Deployment payment-service " +
				"ask the same",
		},
		"settings.production_reviewers":             0,
		"settings.production_self_review_prevented": false,
	},
	"user-service": {
		"containers.bases_without_digest": []string{
			"Dockerfile:1: the base image golang:1.25-alpine has no digest",
		},
		"settings.production_self_review_prevented": false,
	},
	"web-checkout": {
		"language":                "TypeScript",
		"dependencies.ecosystems": []string{"docker", "github-actions", "npm"},
		"development.command":     "npm run dev",
		"workloads.without_disruption_budget": []string{
			"deploy/base/deployment.yaml:1: no PodDisruptionBudget selects the pods of Deployment web-checkout",
		},
		"workflows.without_timeout": []string{
			".github/workflows/preview.yaml:11: the job preview has no timeout-minutes",
		},
		"agents.vendor_files_apart": []string{
			"CLAUDE.md: its instructions are not in AGENTS.md, where other agents look",
		},
		"release.without_provenance": []string{
			".github/workflows/release.yaml: it releases without an attestation of its build",
		},
	},
	"notification-service": {
		"dependencies.without_updates": []string{
			"Dockerfile: neither Dependabot nor Renovate is configured for docker here",
			"go.mod: neither Dependabot nor Renovate is configured for gomod here",
		},
		"workflows.unpinned_actions": []string{
			".github/workflows/ci.yaml:14: actions/checkout@v7 is not pinned to a commit",
			".github/workflows/ci.yaml:15: actions/setup-go@v7 is not pinned to a commit",
		},
		"alerts.without_runbook": []string{
			"deploy/alerts.yaml:12: the alert MailQueueGrows has no runbook",
		},
		"settings.required_checks_without_runs": []string{"ci/circleci: test"},
	},
	"card-issuing": {
		"containers.ambiguous_users": []string{
			"Dockerfile:7: there is no USER, so the image registry." + domain + "/base/java:21 decides, which is not read",
		},
		"language":                  "Java",
		"dependencies.ecosystems":   []string{"docker", "github-actions", "maven"},
		"ci.tests_on_pull_requests": false,
		"workloads.without_probes": []string{
			"deploy/base/deployment.yaml:1: Deployment card-issuing has no liveness probe",
		},
		"workloads.without_traces": []string{
			"deploy/base/deployment.yaml:1: Deployment card-issuing has no variable of OpenTelemetry",
		},
		"logging.structured": nil,
	},
	"ledger-service": {
		"language":                "Java",
		"dependencies.ecosystems": []string{"maven"},
		"dependencies.without_updates": []string{
			"pom.xml: neither Dependabot nor Renovate is configured for maven here",
		},
		"content.binaries": []string{
			"lib/ojdbc8.jar: bytecode",
			"tools/reconcile.exe: an executable program or library",
		},
		"settings.force_push_blocked": false,
	},
	"loyalty-points": {
		"language":                "Python",
		"dependencies.ecosystems": []string{"pip"},
		"dependencies.without_updates": []string{
			"requirements.txt: neither Dependabot nor Renovate is configured for pip here",
		},
		"dependencies.without_lock_file": []string{"requirements.txt: no lock file of pip is committed"},
		"license":                        "",
		"content.secrets":                []string{"settings_dev.py:21: it has the form of a secret: Stripe key"},
		"settings.pull_request_required": false,
	},
	"reporting-service": {
		"language":                        "Python",
		"dependencies.ecosystems":         []string{"pip"},
		"license":                         "unrecognized",
		"readme.missing":                  []string{"test"},
		"settings.required_approvals":     1,
		"settings.required_checks":        []string{"jenkins/test"},
		"ci.systems":                      []string{"jenkins"},
		"ci.tests_on_pull_requests":       true,
		"security_policy.private_contact": true,
	},
}

// onCallPeople is how many people each team has on its schedule, as a script pushes it; that of cards ran empty.
var onCallPeople = map[string]int{
	"payments": 6, "payouts": 6, "identity": 5, "ledger": 4, "checkout": 5, "risk": 4, "merchants": 4, "cards": 0,
}

// addFacts adds what was found in the repositories this morning, and who is on call.
func (o *Organization) addFacts() { o.readFacts(o.Today, 0) }

// readFacts adds what was found some days ago, at about the given time.
func (o *Organization) readFacts(at time.Time, days int) {
	for _, s := range append(slices.Clone(services), legacy) {
		o.addRepository(s, at, days)
		if people, known := onCallPeople[s.team]; known && s.onCall {
			o.addFact(event.Fact{
				Source: SourcePager, Entity: s.ref(), ObservedAt: at.Add(-90 * time.Minute),
				ExpiresAt: at.Add(7 * day),
			}, "on_call.schedule_people", people)
		}
	}
}

func (o *Organization) addRepository(s service, at time.Time, days int) {
	f := event.Fact{
		Source: SourceGitHub, Entity: "unmapped:github/" + s.slug(), ObservedAt: at.Add(-50 * time.Minute),
		ExpiresAt: at.Add(30 * day), URL: "https://github." + domain + "/" + s.slug(),
	}
	o.addFact(f, "repository.default_branch", "main")
	o.addFact(f, "repository.created_at", s.createdAt(o.cal))
	o.addFact(f, "repository.archived", false)
	found := maps.Clone(template)
	if s.adopts < 0 {
		maps.Copy(found, grown)
	}
	maps.Copy(found, differs[s.name])
	for _, name := range repositoryFiles {
		found["files."+name] = !slices.Contains(s.lacks, name) && (s.adopts >= 0 || !slices.Contains(grownLacks, name))
	}
	if slices.Contains(s.lacks, "readme") {
		found["readme.missing"] = []string{"contact", "description", "run", "test"}
	}
	found["waivers"] = o.waiversIn(s.name, days)
	maps.Copy(found, o.follows(s, found["language"], o.Today))
	before(s.name, days, found)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		f := f
		switch value := found[name]; {
		case s.unreadable:
			f.Error = SourceGitHub + " could not read " + s.slug() + ": 403 Resource not accessible; give the token read " +
				"access to contents and administration"
		case value == nil:
			f.Error = "no file shows which logger it uses"
		case strings.HasPrefix(name, "codeowners.") && slices.Contains(s.lacks, "codeowners"):
			f.Error = "there is no CODEOWNERS file"
		}
		o.addFact(f, "repository."+name, found[name])
	}
}

// addFact adds a fact whose type is that of its value.
func (o *Organization) addFact(f event.Fact, name string, value any) {
	f.Name = name
	switch value.(type) {
	case bool, nil:
		f.Type = event.BoolFact
	case int:
		f.Type = event.NumberFact
	case string:
		f.Type = event.StringFact
	case []string:
		f.Type = event.ListFact
	case time.Time:
		f.Type = event.TimeFact
	default:
		panic(fmt.Sprintf("the demo has a fact %s of type %T", name, value))
	}
	if f.Error == "" {
		raw, err := json.Marshal(value)
		if err != nil {
			panic(fmt.Sprintf("the demo has a fact %s that is no JSON: %v", name, err))
		}
		f.Value = raw
	}
	o.facts = append(o.facts, f)
}
