package people

import "time"

// Person is somebody who works or worked here.
type Person struct {
	ID          string // from the column person, or a User's name; in lower case
	Name        string
	Email       string       // the first that is known
	Emails      []string     // all of them, in lower case
	Records     []string     // ids of the records that are this person's too
	Memberships []Membership // at least one, in order of their start; the first start is the person's start date
}

// StartedOn returns when the person's first known membership began; zero when that is not known.
func (p Person) StartedOn() time.Time { return p.Memberships[0].StartedOn }

// ended notes the end of a membership that the person has already: one that is known before none, and the later of two,
// whichever record was read first.
func (p *Person) ended(m Membership) {
	for i := range p.Memberships {
		have := &p.Memberships[i]
		if have.Team == m.Team && have.StartedOn.Equal(m.StartedOn) && m.LeftOn.After(have.LeftOn) {
			have.LeftOn = m.LeftOn
		}
	}
}

// Membership is a time that a person spends in a team.
type Membership struct {
	Team      string    // the group's name, or the word of the CSV where no group has that name; may be empty
	StartedOn time.Time // midnight UTC; zero: not known
	LeftOn    time.Time // midnight UTC with which the last day begins; that whole day is part of it; zero: still there
	Source    string    // "people.csv:12", "catalog/org.yaml:3"
	URL       string
}

// Covers reports whether t lies in the membership, whose first and last day count in full. A start that is not known is
// before every t.
func (m Membership) Covers(t time.Time) bool {
	return !m.StartedOn.After(t) && (m.LeftOn.IsZero() || t.Before(m.LeftOn.AddDate(0, 0, 1)))
}

// Identity says that a login is a person's.
type Identity struct {
	Provider string // "" means every provider
	Login    string // in lower case
	Person   string // Person.ID; empty for a bot account that is nobody's
	Bot      bool
}
