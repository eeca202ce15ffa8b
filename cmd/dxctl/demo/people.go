package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// person is somebody who works or worked at the demo organization.
type person struct {
	id, name string
	login    string // at GitHub and CircleCI
	account  string // at Jenkins and on the hosts that the scripts run on
	team     string
	formerly string    // the team before a move
	moved    time.Time // when they moved
	started  time.Time
	noStart  bool      // the people file has no start date
	left     time.Time // zero: still here
	hired    bool      // during the collected history
	firstAt  time.Time // end of the first production deployment with a change of theirs; zero: none
	firstIn  string    // service of that
}

// active reports whether the person works at t and has had a first change deployed, so that another of theirs would not
// be the first.
func (p *person) active(t time.Time) bool {
	return !p.firstAt.IsZero() && t.After(p.firstAt) && (p.left.IsZero() || t.Before(p.left))
}

// email is the address with which the person signs in.
func (p *person) email() string { return p.id + "@" + domain }

func (p *person) teamAt(t time.Time) string {
	if p.formerly != "" && t.Before(p.moved) {
		return p.formerly
	}
	return p.team
}

var givenNames = strings.Fields(
	`Mira Jonas Adaeze Tomasz Leila Bram Sunniva Ravi Elif Mateo Ines Kofi Yuki Noor Petra Desmond Aoife Hamza Greta Luca
	Thandi Oskar Priya Emil Salma Viggo Chiara Ibrahim Saoirse Anton Meera Joon Freya Diego Amara Nils Zara Pavel Hana Idris`,
)

var familyNames = strings.Fields(
	`Okafor Lindqvist Varga Moreau Castellan Novak Haddad Iyer Bergstrom Tanaka Mbeki Sorensen Duarte Kowal Rahimi
	Fitzroy Almeida Dragan Osei Petrov Nakamura Calloway Jansson Farouk Mendel Achterberg Quill Rossi Tamang
	Vance Wieland Abebe Lorca
	Brandt Eze Kestrel Salonen Thorne Ueda Yilmaz Zielinski`,
)

// hiresByMonth are the hiring waves: how many engineers started in each month of the history; those of the last weeks
// come on top.
var hiresByMonth = []int{1, 3, 2, 1, 2, 3, 4, 2, 1, 2, 3, 1, 2, 3, 1, 2, 3, 2, 3, 1, 2, 3, 2, 3}

// newest start in the last weeks; three of them have not deployed yet. The numbers are days before today.
var newest = []struct {
	days     int
	deployed bool
}{{24, true}, {17, true}, {6, false}, {3, false}, {1, false}}

const (
	staffBefore   = 77  // people who were there when the history begins
	leaversBefore = 9   // of them left since
	hoursToDeploy = 296 // hours from the start to the first deployment before the platform team
)

// onboarding are the hours from the start to the first deployment, month by month after the platform team's start.
var onboarding = []int64{hoursToDeploy, 275, 205, 145, 92, 58, 40}

// variation spreads people around that, in thousandths. It is a fixed sequence rather than a draw, so that the few
// hires of a quarter tell the story on every day.
var variation = []int64{900, 1100, 750, 1250, 1000, 1450, 850, 1050, 1900, 950}

// staff makes the people. Everybody draws from one stream of dice, in one order.
func staff(c calendar) []*person {
	d := newDice(1)
	var all []*person
	names := newNames()
	for i := range staffBefore {
		p := names.next()
		p.started = c.begin.Add(-time.Duration(60+29*i+d.between(0, 30)) * day).Truncate(day)
		p.firstAt = c.begin
		p.noStart = i == 20 || i == 33
		if i%4 == 3 && i/4 < leaversBefore {
			p.left = nextWorkday(c.begin.Add(time.Duration(40+48*(i/4)+d.between(0, 20)) * day))
		}
		all = append(all, p)
	}
	for month, n := range hiresByMonth {
		for i := range n {
			p := names.next()
			p.hired = true
			p.started = startDate(c, month, i)
			all = append(all, p)
		}
	}
	for _, n := range newest {
		p := names.next()
		p.hired = true
		p.started = workdayBefore(c.today.Add(-time.Duration(n.days-1) * day))
		for n.deployed && p.started.Weekday() != time.Monday {
			p.started = p.started.Add(-day)
		}
		all = append(all, p)
	}
	assignTeams(all, c)
	firstDeployments(all, c)
	return append(all, specialCases(all, names, c))
}

// startDate is a Monday for most; every third starts in the middle of the month.
func startDate(c calendar, month, i int) time.Time {
	at := c.begin.Add(time.Duration(month*30+9) * day)
	if i%3 == 2 {
		at = at.Add(14 * day)
	}
	suits := func(t time.Time) bool { // nobody starts around the turn of the year
		turn := t.Month() == time.December && t.Day() > 14 || t.Month() == time.January && t.Day() < 4
		return t.Weekday() == time.Monday && !turn
	}
	for !suits(at) {
		at = at.Add(day)
	}
	for !suits(at) || at.After(c.today.Add(-7*day)) {
		at = at.Add(-day)
	}
	return nextWorkday(at)
}

// assignTeams fills the teams up to their size of today, the emptiest first.
func assignTeams(all []*person, c calendar) {
	staying := map[string]int{}
	for _, p := range all {
		best, bestShare := "", int(1<<30)
		for _, t := range teams {
			if t.name == "platform" {
				continue
			}
			if share := staying[t.name] * 1000 / t.size; share < bestShare {
				best, bestShare = t.name, share
			}
		}
		p.team = best
		if p.left.IsZero() {
			staying[best]++
		}
	}
	// The platform team: its lead was hired for it, the others moved to it, one from each team.
	var lead *person
	for _, p := range all {
		if p.hired && !p.started.Before(c.platform) && lead == nil {
			lead = p
			p.team = "platform"
		}
	}
	size := teams[slices.IndexFunc(teams, func(t team) bool { return t.name == "platform" })].size
	left := map[string]bool{}
	for _, p := range all {
		if !p.hired && p.left.IsZero() && !p.noStart && !left[p.team] && len(left) < size-1 {
			left[p.team] = true
			p.formerly, p.team, p.moved = p.team, "platform", nextWorkday(c.platform)
		}
	}
}

// firstDeployments decides when each new hire's first change reaches production.
func firstDeployments(all []*person, c calendar) {
	d := newDice(2)
	n := 0
	for _, p := range all {
		if !p.hired {
			continue
		}
		p.firstIn = firstService(p, c)
		hours := onboardingHours(p.started, c) * variation[n%len(variation)] / 1000
		n++
		if s := serviceNamed(p.firstIn); !s.golden(p.started, c) && p.started.After(c.settled) {
			hours = hours * 7 / 5 // by hand it still takes longer
		}
		at := p.started.Add(time.Duration(hours) * time.Hour)
		date := nextWorkday(at.Truncate(day))
		p.firstAt = d.at(date)
		if date.Equal(at.Truncate(day)) && at.Hour() >= 8 && at.Hour() <= 18 {
			p.firstAt = at.Truncate(time.Hour).Add(time.Duration(d.between(0, 59)) * time.Minute)
		}
		if !p.firstAt.Before(c.today) {
			p.firstAt = time.Time{}
		}
	}
	for i, n := range newest {
		if p := all[len(all)-len(newest)+i]; !n.deployed {
			p.firstAt = time.Time{}
		}
	}
}

func onboardingHours(t time.Time, c calendar) int64 {
	progress := c.progress(t) * int64(len(onboarding)-1)
	i := progress / 1000
	if int(i) == len(onboarding)-1 {
		return onboarding[i]
	}
	return onboarding[i] + (onboarding[i+1]-onboarding[i])*(progress%1000)/1000
}

// firstService is a service of the team that is in production well before the person starts.
func firstService(p *person, c calendar) string {
	i := slices.IndexFunc(teams, func(t team) bool { return t.name == p.team })
	for _, name := range teams[i].firsts {
		if at := serviceNamed(name).shippedAt(c); at.Add(10 * day).Before(p.started) {
			return name
		}
	}
	return "web-checkout"
}

// specialCases are what every real list of people has. It returns somebody who has signed and starts soon.
func specialCases(all []*person, names *names, c calendar) *person {
	hired := slices.DeleteFunc(slices.Clone(all), func(p *person) bool { return !p.hired })
	leaver := hired[4] // left without a deployment
	leaver.firstAt, leaver.left = time.Time{}, nextWorkday(leaver.started.Add(45*day))
	contractor := hired[19] // worked here before; the date is that of the contract
	contractor.started = contractor.firstAt.Truncate(day).Add(24 * day)
	for _, i := range []int{2, 9, 15, 24} { // left later
		hired[i].left = nextWorkday(hired[i].started.Add(time.Duration(150+5*i) * day))
	}
	analyst := hired[30] // writes reports and has not deployed since they came
	analyst.team, analyst.firstAt = "data", time.Time{}
	next := names.next()
	next.started, next.team, next.hired = nextWorkday(c.today.Add(9*day)), "cards", true
	return next
}

// names makes people without repeating a name or a login.
type names struct {
	n    int
	used map[string]bool
}

func newNames() *names { return &names{used: map[string]bool{}} }

func (n *names) next() *person {
	given := givenNames[n.n%len(givenNames)]
	family := familyNames[(n.n*7+n.n/len(givenNames)*3)%len(familyNames)]
	n.n++
	login := strings.ToLower(given + "-" + family)
	account := strings.ToLower(given[:1] + family)
	for i := 2; n.used[account]; i++ {
		account = strings.ToLower(given[:1]+family) + fmt.Sprint(i)
	}
	n.used[account] = true
	return &person{id: strings.ToLower(given + "." + family), name: given + " " + family, login: login, account: account}
}
