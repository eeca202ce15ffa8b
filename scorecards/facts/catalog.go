package facts

import (
	"slices"

	"github.com/dxctl/dxctl/event"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/repository/named"
)

const (
	fromCatalog = "the catalog (the service's descriptor)"
	fromGit     = "a source of kind github or gitlab"
	fromLinks   = "a link whose host is listed in facts.link_hosts of dx.yaml"
	fromCI      = metrics.SourcesOfRuns
	fromDeploys = metrics.SourcesOfDeployments
	fromChanges = metrics.SourcesOfChanges
)

// FirstSeenFact is the name of the time since when the store has had an entity.
const FirstSeenFact = "catalog.first_seen_at"

// otherFacts are the facts that dxctl itself provides, besides those of repositories.
var otherFacts = []Definition{
	{
		Name:        "catalog.has_owner",
		Type:        event.BoolFact,
		True:        "it has an owner",
		False:       "it has no owner",
		Source:      fromCatalog,
		Description: "The descriptor names an owner in spec.owner.",
	},
	{
		Name:        "catalog.owner_exists",
		Type:        event.BoolFact,
		True:        "its owner is described in the catalog",
		False:       "its owner is not described in the catalog",
		Source:      fromCatalog,
		Description: "The owner is a Group or a User that the catalog describes.",
	},
	{
		Name:        "catalog.owner",
		Type:        event.StringFact,
		Label:       "the owner",
		Source:      fromCatalog,
		Description: "Ref of the owner; empty when there is none.",
	},
	{
		Name:        "catalog.owner_members",
		Type:        event.NumberFact,
		Label:       "the number of people who own it",
		Source:      fromCatalog + " and the people",
		Description: "People who have not left: of the owning group with its subgroups; 1 of a User.",
	},
	{
		Name:        "catalog.tier",
		Type:        event.StringFact,
		Label:       "its tier",
		Source:      fromCatalog,
		Description: "The label dxctl.dev/tier; unknown without it.",
	},
	{
		Name:        "catalog.has_description",
		Type:        event.BoolFact,
		True:        "it has a description",
		False:       "it has no description",
		Source:      fromCatalog,
		Description: "The descriptor has a metadata.description.",
	},
	{
		Name:        "catalog.has_system",
		Type:        event.BoolFact,
		True:        "it belongs to a system",
		False:       "it belongs to no system",
		Source:      fromCatalog,
		Description: "The descriptor names a system in spec.system.",
	},
	{
		Name:        "catalog.system",
		Type:        event.StringFact,
		Label:       "the system",
		Source:      fromCatalog,
		Description: "Ref of the system; empty when there is none.",
	},
	{
		Name:        "catalog.lifecycle",
		Type:        event.StringFact,
		Label:       "the lifecycle",
		Source:      fromCatalog,
		Description: "spec.lifecycle as written; empty when there is none.",
	},
	{
		Name:        "catalog.type",
		Type:        event.StringFact,
		Label:       "the type",
		Source:      fromCatalog,
		Description: "spec.type as written; empty when there is none.",
	},
	{Name: "catalog.tags", Type: event.ListFact, Label: "its tags", Source: fromCatalog, Description: "metadata.tags."},
	{
		Name:        "catalog.dependencies",
		Type:        event.NumberFact,
		Label:       "the number of its dependencies",
		Source:      fromCatalog,
		Description: "How many entities spec.dependsOn names.",
	},
	{
		Name:        "catalog.has_repository",
		Type:        event.BoolFact,
		True:        "it names its repository",
		False:       "it names no repository",
		Source:      fromCatalog,
		Description: "An annotation github.com/project-slug, gitlab.com/project-slug or backstage.io/source-location.",
	},
	{
		Name:        "catalog.has_docs",
		Type:        event.BoolFact,
		True:        "it names its documentation",
		False:       "it names no documentation",
		Source:      fromCatalog,
		Description: "The annotation backstage.io/techdocs-ref, or a link whose title or type says documentation.",
	},
	{
		Name:        "catalog.has_runbook",
		Type:        event.BoolFact,
		True:        "it links to a runbook",
		False:       "it links to no runbook",
		Source:      fromCatalog,
		Description: "A link in metadata.links whose title or type says runbook or playbook.",
	},
	{
		Name:        "catalog.has_on_call",
		Type:        event.BoolFact,
		True:        "it says who is on call",
		False:       "it does not say who is on call",
		Source:      fromCatalog,
		Description: "An annotation pagerduty.com/service-id, pagerduty.com/integration-key or opsgenie.com/team.",
	},
	{
		Name:   FirstSeenFact,
		Type:   event.TimeFact,
		Label:  "its first appearance in the catalog",
		Source: fromCatalog,
		Description: "When dxctl first stored it. Unknown for what the catalog had at first, and for what was added " +
			"together with many others.",
	},

	{
		Name:        "repository.provider",
		Type:        event.StringFact,
		Label:       "the host of the repository",
		Source:      fromGit,
		Description: "Kind of the source that hosts the repository: github or gitlab.",
	},
	{
		Name:        "repository.default_branch",
		Type:        event.StringFact,
		Label:       "the default branch",
		Source:      fromGit,
		Description: "Name of the default branch.",
	},
	{
		Name:        "repository.created_at",
		Type:        event.TimeFact,
		Label:       "the creation of the repository",
		Source:      fromGit,
		Description: "When the repository was created.",
	},
	{
		Name:        "repository.archived",
		Type:        event.BoolFact,
		True:        "the repository is archived",
		False:       "the repository is not archived",
		Source:      fromGit,
		Description: "The repository is archived and takes no changes.",
	},
	{
		Name:        "link.runbook_opens",
		Type:        event.BoolFact,
		True:        "its links to runbooks open",
		False:       "a link to a runbook does not open",
		Source:      fromLinks,
		Description: "Every link of the descriptor to a runbook opens. Unknown if a host is not in facts.link_hosts.",
	},
	{
		Name:        "link.docs_opens",
		Type:        event.BoolFact,
		True:        "its links to documentation open",
		False:       "a link to documentation does not open",
		Source:      fromLinks,
		Description: "Every link of the descriptor to documentation opens.",
	},
	{
		Name:        "link.alert_runbooks_open",
		Type:        event.BoolFact,
		True:        "the links of its alerts to runbooks open",
		False:       "a link of an alert to a runbook does not open",
		Source:      fromLinks,
		Description: "Every link in repository.alerts.runbook_links opens.",
	},
	{
		Name:        "link.broken",
		Type:        event.ListFact,
		Label:       "the links that do not open",
		Source:      fromLinks,
		Description: "Of the links above, those that do not open, each with the reason.",
	},
	{
		Name:        "ci.runs_30d",
		Type:        event.NumberFact,
		Label:       "the number of CI runs in 30 days",
		Source:      fromCI,
		Description: "CI attempts of the last 30 days that succeeded or failed.",
	},
	{
		Name:        "ci.p95_minutes",
		Type:        event.NumberFact,
		Unit:        "minutes",
		Label:       "the 95th percentile of CI duration",
		Source:      fromCI,
		Description: "95th percentile of the minutes that a successful CI attempt took, over 30 days.",
	},
	{
		Name:   "ci.p90_minutes",
		Type:   event.NumberFact,
		Unit:   "minutes",
		Label:  "the 90th percentile of CI duration",
		Source: fromCI,
		Description: "90th percentile of the minutes that a successful CI attempt of the default branch took, over 30 " +
			"days; schedules and pull requests left out. All branches if no run names one.",
	},
	{
		Name:   "ci.success_rate",
		Type:   event.NumberFact,
		Unit:   "share",
		Label:  "the CI success rate",
		Source: fromCI,
		Description: "Share of the CI attempts of the default branch in the last 30 days that succeeded, of those that " +
			"succeeded or failed; schedules and pull requests left out. All branches if no run names one.",
	},
	{
		Name:        "deploy.count_30d",
		Type:        event.NumberFact,
		Label:       "the number of production deployments in 30 days",
		Source:      fromDeploys,
		Description: "Successful deployments to production in the last 30 days.",
	},
	{
		Name:        "deploy.per_week",
		Type:        event.NumberFact,
		Unit:        "a week",
		Label:       "the production deployment frequency",
		Source:      fromDeploys,
		Description: "Successful deployments to production a week, over the last 90 days.",
	},
	{
		Name:        "deploy.last_at",
		Type:        event.TimeFact,
		Label:       "the last production deployment",
		Source:      fromDeploys,
		Description: "When production was last deployed to successfully.",
	},
	{
		Name:        "deploy.staging_count_30d",
		Type:        event.NumberFact,
		Label:       "the number of staging deployments in 30 days",
		Source:      fromDeploys,
		Description: "Successful deployments to staging in the last 30 days.",
	},
	{
		Name:        "deploy.known_versions",
		Type:        event.NumberFact,
		Label:       "the number of versions that production has seen",
		Source:      fromDeploys,
		Description: "Distinct versions, or else commits, of the successful deployments to production.",
	},
	{
		Name:   "deploy.ttfd_observable",
		Type:   event.BoolFact,
		True:   "it was created within the collected history of deployments",
		False:  "it is older than the collected history of deployments",
		Source: fromDeploys,
		Description: "Whether the first deployment can be known: the service was created after the collected history of " +
			"production deployments begins.",
	},
	{
		Name:        "deploy.ttfd_days",
		Type:        event.NumberFact,
		Unit:        "days",
		Label:       "the time to first deploy",
		Source:      fromDeploys,
		Description: "Days from the creation of the service to its first successful deployment to production.",
	},
	{
		Name:   "on_call.schedule_people",
		Type:   event.NumberFact,
		Label:  "the number of people on its on-call schedule",
		Source: "a source of kind pagerduty or opsgenie, or one of kind events or http that declares it",
		Description: "People who are on the on-call schedule of the service today, as the on-call tool reports it. A " +
			"source that declares the fact takes precedence.",
	},
	{
		Name:        "change.merged_30d",
		Type:        event.NumberFact,
		Label:       "the number of changes merged in 30 days",
		Source:      fromChanges,
		Description: "Changes of people, not of bots, that were merged in the last 30 days.",
	},
	{Name: "change.review_share_30d", Type: event.NumberFact, Unit: "share", Label: "the share of changes that were " +
		"reviewed", Source: fromChanges, Description: "Share of the changes of people, merged in the last 30 days, that " +
		"another person, not a bot, reviewed or approved before."},
}

// knownFacts are the facts that dxctl itself provides.
var knownFacts = slices.Concat(otherFacts, ofRepository(named.Definitions(), named.Source), settingFacts())

// Catalog returns the facts that dxctl itself provides, in the order of their subjects.
func Catalog() []Definition { return slices.Clone(knownFacts) }
