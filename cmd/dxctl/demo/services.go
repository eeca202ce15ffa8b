package demo

import "time"

// tool is how a service is built and deployed.
type tool string

const (
	jenkins  tool = "jenkins"
	actions  tool = "actions"
	circleci tool = "circleci"
	scripts  tool = "scripts"
)

// service is one line of the story: how a service began, and whether and when it moved to the golden path.
type service struct {
	name, title, description string
	team, system, kind       string
	dependsOn                []string
	tool                     tool // before the golden path, and for good if it never moved
	created                  int  // days after the history begins; negative: before it
	// from its creation to its first production deployment; 0: before the history; -1: never
	toProduction time.Duration
	// days after the platform team's start until it moves to the golden path; -1: it has not
	adopts                    int
	changesBefore, changesNow int64         // merged in a working week
	release                   int           // working days between two releases before the golden path
	ci, ciNow                 time.Duration // median of a CI run before the golden path, and on it
	reviewed                  permille      // of its changes before the golden path
	lacks                     []string      // repository files that it does not have today
	noCI                      bool          // its CI runs on a server that nobody connected
	unreadable                bool          // the token may not read the files of its repository
	lifecycle                 string
	runbook, onCall           bool
}

const never = time.Duration(-1)

// services are the twelve of the demo organization. Eight were there, each deployed in its own way, when the platform
// team started, one never got to production, and three were made from the template since.
var services = []service{
	{
		name:          "payment-service",
		title:         "Payment service",
		description:   "Takes, captures and refunds card payments.",
		team:          "payments",
		system:        "money-movement",
		kind:          "service",
		dependsOn:     []string{"component:user-service", "component:ledger-service", "resource:payments-db"},
		tool:          jenkins,
		created:       -1400,
		adopts:        75,
		changesBefore: 15,
		changesNow:    22,
		release:       5,
		ci:            24 * time.Minute,
		ciNow:         8 * time.Minute,
		reviewed:      780,
		lifecycle:     "production",
		runbook:       true,
		onCall:        true,
	},
	{
		name:          "user-service",
		title:         "User service",
		description:   "Accounts, sign-in and sessions.",
		team:          "identity",
		system:        "identity-and-risk",
		kind:          "service",
		dependsOn:     []string{"resource:users-db"},
		tool:          actions,
		created:       -1300,
		adopts:        55,
		changesBefore: 12,
		changesNow:    17,
		release:       3,
		ci:            13 * time.Minute,
		ciNow:         230 * time.Second,
		reviewed:      850,
		lifecycle:     "production",
		runbook:       true,
		onCall:        true,
	},
	{
		name:          "ledger-service",
		title:         "Ledger service",
		description:   "The double-entry ledger of every account.",
		team:          "ledger",
		system:        "money-movement",
		kind:          "service",
		dependsOn:     []string{"resource:ledger-db"},
		tool:          scripts,
		created:       -2100,
		adopts:        -1,
		changesBefore: 7,
		changesNow:    8,
		release:       8,
		reviewed:      520,
		noCI:          true,
		lacks: []string{
			"ci_workflow",
			"dockerfile",
			"codeowners",
			"dependency_updates",
			"catalog_info",
		},
		lifecycle: "production",
		onCall:    true,
	},
	{
		name:          "web-checkout",
		title:         "Web checkout",
		description:   "The payment page that merchants embed.",
		team:          "checkout",
		system:        "checkout",
		kind:          "website",
		dependsOn:     []string{"component:payment-service", "component:user-service"},
		tool:          circleci,
		created:       -1000,
		adopts:        100,
		changesBefore: 16,
		changesNow:    24,
		release:       4,
		ci:            19 * time.Minute,
		ciNow:         460 * time.Second,
		reviewed:      720,
		lifecycle:     "production",
		runbook:       true,
		onCall:        true,
	},
	{
		name:          "fraud-scoring",
		title:         "Fraud scoring",
		description:   "Scores each payment before it is captured.",
		team:          "risk",
		system:        "identity-and-risk",
		kind:          "service",
		dependsOn:     []string{"component:user-service", "resource:events-bus"},
		tool:          jenkins,
		created:       -800,
		adopts:        230,
		changesBefore: 8,
		changesNow:    11,
		release:       6,
		ci:            38 * time.Minute,
		ciNow:         9 * time.Minute,
		reviewed:      640,
		unreadable:    true,
		lifecycle:     "production",
		onCall:        true,
	},
	{
		name:          "notification-service",
		title:         "Notification service",
		description:   "Mails, messages and webhooks to merchants.",
		team:          "messaging",
		system:        "checkout",
		kind:          "service",
		dependsOn:     []string{"resource:events-bus"},
		tool:          circleci,
		created:       75,
		toProduction:  36 * day,
		adopts:        120,
		changesBefore: 6,
		changesNow:    10,
		release:       5,
		ci:            16 * time.Minute,
		ciNow:         260 * time.Second,
		reviewed:      700,
		lacks:         []string{"dependency_updates"},
		lifecycle:     "production",
		runbook:       true,
	},
	{
		name:          "card-issuing",
		title:         "Card issuing",
		description:   "Virtual and plastic cards, limits and controls.",
		team:          "cards",
		system:        "money-movement",
		kind:          "service",
		dependsOn:     []string{"component:ledger-service", "component:fraud-scoring"},
		tool:          jenkins,
		created:       150,
		toProduction:  44 * day,
		adopts:        165,
		changesBefore: 9,
		changesNow:    12,
		release:       5,
		ci:            27 * time.Minute,
		ciNow:         6 * time.Minute,
		reviewed:      600,
		lacks:         []string{"codeowners", "tests"},
		lifecycle:     "production",
		onCall:        true,
	},
	{
		name:          "loyalty-points",
		title:         "Loyalty points",
		description:   "An experiment with points for payers.",
		team:          "growth",
		system:        "checkout",
		kind:          "service",
		dependsOn:     []string{"component:user-service"},
		tool:          scripts,
		created:       240,
		toProduction:  never,
		adopts:        -1,
		changesBefore: 4,
		changesNow:    2,
		release:       5,
		ci:            12 * time.Minute,
		reviewed:      300,
		lacks: []string{
			"readme",
			"codeowners",
			"dockerfile",
			"dependency_updates",
			"tests",
			"catalog_info",
			"license",
		},
		lifecycle: "experimental",
	},
	{
		name:          "reporting-service",
		title:         "Reporting service",
		description:   "Settlement reports and exports for merchants.",
		team:          "data",
		system:        "insights",
		kind:          "service",
		dependsOn:     []string{"component:ledger-service", "resource:events-bus"},
		tool:          scripts,
		created:       290,
		toProduction:  29 * day,
		adopts:        -1,
		changesBefore: 6,
		changesNow:    6,
		release:       6,
		ci:            21 * time.Minute,
		reviewed:      560,
		lacks:         []string{"codeowners", "dockerfile", "dependency_updates"},
		lifecycle:     "production",
	},
	{
		name:         "payout-service",
		title:        "Payout service",
		description:  "Pays merchants out, daily and on demand.",
		team:         "payouts",
		system:       "money-movement",
		kind:         "service",
		dependsOn:    []string{"component:ledger-service", "component:payment-service"},
		tool:         actions,
		created:      365 + 130,
		toProduction: 27 * time.Hour,
		adopts:       130,
		changesNow:   13,
		ciNow:        190 * time.Second,
		lifecycle:    "production",
		runbook:      true,
		onCall:       true,
	},
	{
		name:         "kyc-service",
		title:        "KYC service",
		description:  "Checks who a merchant is before money moves.",
		team:         "merchants",
		system:       "identity-and-risk",
		kind:         "service",
		dependsOn:    []string{"component:user-service"},
		tool:         actions,
		created:      365 + 235,
		toProduction: 5*time.Hour + 40*time.Minute,
		adopts:       235,
		changesNow:   11,
		ciNow:        190 * time.Second,
		lifecycle:    "production",
		runbook:      true,
		onCall:       true,
	},
	{
		name:  "open-banking-gateway",
		title: "Open banking gateway",
		description: "Account-to-account payments through " +
			"the banks' interfaces.",
		team:         "checkout",
		system:       "money-movement",
		kind:         "service",
		dependsOn:    []string{"component:payment-service", "component:kyc-service"},
		tool:         actions,
		created:      365 + 318,
		toProduction: 3*time.Hour + 10*time.Minute,
		adopts:       318,
		changesNow:   10,
		ciNow:        190 * time.Second,
		lifecycle:    "production",
		runbook:      true,
		onCall:       true,
	},
}

// pace is how a service is worked on at a time.
type pace struct {
	golden      bool
	tool        tool
	perDay      int64 // merged changes in a working day, in thousandths
	release     int   // working days between releases; 0: every change goes out
	ci          time.Duration
	lead        time.Duration // from the first push to the merge
	green       permille      // of CI attempts
	reviewed    permille
	failing     permille // of deployments
	harmful     permille // of successful production deployments
	abandonment permille // of changes
}

// at returns the pace of the service at a time.
func (s service) at(t time.Time, c calendar) pace {
	if s.golden(t, c) {
		return pace{golden: true, tool: actions, perDay: s.changesNow * 200, ci: s.ciNow,
			lead: 7 * time.Hour, green: 935, reviewed: 968, failing: 40, harmful: 22, abandonment: 60}
	}
	p := pace{tool: s.tool, perDay: s.changesBefore * 200, release: s.release, ci: s.ci, lead: 40 * time.Hour, green: 800,
		reviewed: s.reviewed, failing: 130, harmful: 150, abandonment: 90}
	if t.After(c.platform) {
		p.perDay = (s.changesBefore + s.changesNow) * 100
	}
	if s.tool == actions {
		p.green = 860
	}
	return p
}

// golden reports whether the service is on the golden path at t.
func (s service) golden(t time.Time, c calendar) bool {
	return s.adopts >= 0 && !t.Before(c.platform.Add(time.Duration(s.adopts)*day))
}

// createdAt is when the repository was made: on the morning of a working day.
func (s service) createdAt(c calendar) time.Time {
	return nextWorkday(
		c.begin.Add(time.Duration(s.created) * day),
	).Add(9*time.Hour + time.Duration(len(s.name))*time.Minute)
}

// shippedAt is the end of the first production deployment; zero: never.
func (s service) shippedAt(c calendar) time.Time {
	switch {
	case s.toProduction == never:
		return time.Time{}
	case s.toProduction == 0:
		return s.createdAt(c).Add(30 * day)
	case s.toProduction < 12*time.Hour:
		return s.createdAt(c).Add(s.toProduction)
	}
	at := s.createdAt(c).Add(s.toProduction)
	date := nextWorkday(at.Truncate(day))
	return date.Add(11*time.Hour + time.Duration(len(s.name))*time.Minute)
}

// slug is the repository's name at GitHub.
func (s service) slug() string { return organization + "/" + s.name }

// ref is the entity ref in the catalog.
func (s service) ref() string { return "component:default/" + s.name }

// team is a team and the services in which its members make their first change.
type team struct {
	name, title string
	size        int // today
	firsts      []string
}

var teams = []team{
	{"payments", "Payments", 11, []string{"payment-service"}},
	{"payouts", "Payouts", 10, []string{"payout-service", "payment-service"}},
	{"checkout", "Checkout", 13, []string{"web-checkout", "open-banking-gateway"}},
	{"identity", "Identity", 10, []string{"user-service"}},
	{"messaging", "Messaging", 9, []string{"notification-service", "user-service"}},
	{"ledger", "Ledger", 10, []string{"ledger-service"}},
	{"risk", "Risk", 10, []string{"fraud-scoring"}},
	{"merchants", "Merchants", 10, []string{"kyc-service", "user-service"}},
	{"cards", "Cards", 10, []string{"card-issuing", "payment-service"}},
	{"growth", "Growth", 10, []string{"web-checkout"}},
	{"data", "Data", 10, []string{"reporting-service", "user-service"}},
	{"platform", "Platform", 7, []string{"notification-service", "user-service"}},
}
