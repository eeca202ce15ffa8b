package people

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dxctl/dxctl/catalog/identifier"

	"github.com/dxctl/dxctl/files"

	"github.com/dxctl/dxctl/delimited"
)

// columnNames are the columns of a people file and the names under which they are known.
var columnNames = map[string][]string{
	"person":     {"person", "id", "person id", "employee", "employee id", "user"},
	"team":       {"team", "group", "department", "squad"},
	"start_date": {"start date", "start", "started", "started on", "joined", "joined on", "hire date", "hired"},
	"logins":     {"logins", "login", "accounts", "username", "usernames"},
	"name":       {"name", "full name", "display name"},
	"email":      {"email", "e-mail", "mail", "email address"},
	"left_date":  {"left date", "left", "left on", "end date", "end", "leave date"},
	"bot":        {"bot", "machine", "is bot"},
}

// columnOf returns the column that a name in a header means; "" when it means none.
func columnOf(name string) string {
	plain := strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(name, "_", " "))), " ")
	for column, names := range columnNames {
		if slices.Contains(names, plain) {
			return column
		}
	}
	return ""
}

// knownColumns counts the columns that a record names, if it is a header.
func knownColumns(cells []string) int {
	found := map[string]bool{}
	for _, c := range cells {
		if column := columnOf(c); column != "" {
			found[column] = true
		}
	}
	return len(found)
}

// columns finds the columns in a header. unknown are the names that no column has.
func columns(header []string) (at map[string]int, unknown []string, err error) {
	at = map[string]int{}
	for i, name := range header {
		found := columnOf(name)
		if found == "" {
			if name != "" {
				unknown = append(unknown, name)
			}
			continue
		}
		if other, twice := at[found]; twice {
			return nil, nil, fmt.Errorf("columns %q and %q both mean %s; keep one", header[other], name, found)
		}
		at[found] = i
	}
	if _, ok := at["person"]; !ok {
		return nil, nil, fmt.Errorf(
			"the header %q has no column person; write person,team,start_date,logins",
			strings.Join(header, ","),
		)
	}
	return at, unknown, nil
}

// readFile reads one CSV file. A row that cannot be read costs that row only.
func (p *Records) readFile(file string) {
	shown := p.files.Shown(file)
	if p.read[file] {
		return
	}
	p.read[file] = true
	if data, ok := p.files.Open(file); ok {
		p.readCSV(shown, data)
	}
}

func (p *Records) readCSV(file string, data []byte) {
	t, err := delimited.Read(data, delimited.Options{Known: knownColumns})
	var problem delimited.Problem
	switch {
	case errors.Is(err, delimited.ErrEmpty):
		p.files.Warn(file, 1, "the file is empty; it begins with person,team,start_date,logins")
		return
	case errors.As(err, &problem):
		p.files.Fail(file, problem.Line, "%v", problem)
		return
	case err != nil:
		p.files.Fail(file, 0, "%v", err)
		return
	}
	at, unknown, err := columns(t.Header)
	if err != nil {
		p.files.Fail(file, t.HeaderLine, "%v", err)
		return
	}
	for _, note := range t.Notes {
		p.files.Warn(file, note.Line, "%v", note)
	}
	for _, name := range unknown {
		p.files.Warn(file, t.HeaderLine, "column %q is not known; it is ignored", name)
	}
	p.readRows(file, t, at)
}

func (p *Records) readRows(file string, t delimited.Table, at map[string]int) {
	dates := dateOrders{}
	for _, column := range []string{"start_date", "left_date"} {
		if i, ok := at[column]; ok {
			for _, row := range t.Rows {
				dates.learn(row.Cells[i])
			}
		}
	}
	p.told[file] = true
	refused := t.Refused
	for _, row := range t.Rows {
		for len(refused) > 0 && refused[0].Line < row.Line {
			p.refuse(file, refused[0].Line, at, refused[0].Cells, refused[0])
			refused = refused[1:]
		}
		if err := p.row(csvRow{file, row.Line, row.Cells, at, dates}); err != nil {
			p.refuse(file, row.Line, at, row.Cells, err)
		}
	}
	for _, r := range refused {
		p.refuse(file, r.Line, at, r.Cells, r)
	}
}

// refuse says why a row is not read, and remembers whose it was.
func (p *Records) refuse(file string, line int, at map[string]int, cells []string, why error) {
	if i := at["person"]; i < len(cells) && cells[i] != "" {
		p.refused[personID(cells[i])] = true
	} else {
		p.told[file] = false
	}
	p.files.Fail(file, line, "%v", why)
}

// csvRow is one row of a people file.
type csvRow struct {
	file  string
	line  int
	cells []string
	at    map[string]int // columns
	dates dateOrders
}

func (r csvRow) get(column string) string {
	if i, ok := r.at[column]; ok {
		return r.cells[i]
	}
	return ""
}

// personID returns the id that a cell of the column person means.
func personID(cell string) string {
	id := strings.ToLower(cell)
	if ref, err := identifier.ParseRef(id, "user", ""); err == nil && ref.Kind == "user" && strings.Contains(id, ":") {
		id = ref.Short()
	}
	return id
}

var (
	totalWord = regexp.MustCompile(
		`(?i)^\W*((grand|sub)[ -]?)?(totals?|sum|summe|gesamt|gesamtsumme|somme|suma|totale|count|anzahl)\b`,
	)
	number = regexp.MustCompile(`^[-+(]?[\d.,' ]+\)?%?$`)
)

// checkPerson refuses values of the column person that are no person: a total at the end, a title, a part of another
// row.
func (r csvRow) checkPerson(id string) error {
	others, numbers := 0, 0
	for i, c := range r.cells {
		if i != r.at["person"] && c != "" {
			others++
			if number.MatchString(c) {
				numbers++
			}
		}
	}
	switch {
	case id == "":
		return errors.New("the row has no person")
	case !strings.ContainsFunc(id, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }):
		return fmt.Errorf("person %q has neither a letter nor a digit", id)
	case strings.ContainsAny(id, ";|\t\n"):
		return fmt.Errorf("person %q is more than one field; separate the fields as the header does", id)
	case totalWord.MatchString(id) && others == numbers:
		return fmt.Errorf("%q looks like a total and not like a person; remove the row", id)
	case others == 0 && len(r.cells) > 1 && strings.Contains(id, " "):
		return fmt.Errorf("%q stands alone in its row and does not look like the id of a person; remove the row, or fill "+
			"in its other fields", id)
	}
	return nil
}

func (p *Records) row(r csvRow) error {
	id := personID(r.get("person"))
	if err := r.checkPerson(id); err != nil {
		return err
	}
	bot, err := yesNo(r.get("bot"))
	if err != nil {
		return err
	}
	m := Membership{Team: p.team(r.get("team")), Source: files.Position(r.file, r.line)}
	if m.StartedOn, err = r.dates.startDate(r.get("start_date")); err != nil {
		return err
	}
	if m.LeftOn, err = r.dates.leftDate(r.get("left_date")); err != nil {
		return err
	}
	if !m.LeftOn.IsZero() && m.LeftOn.Before(m.StartedOn) {
		return fmt.Errorf(
			"%s left on %s, before the start on %s",
			id,
			m.LeftOn.Format(time.DateOnly),
			m.StartedOn.Format(time.DateOnly),
		)
	}
	identities, err := parseLogins(r.get("logins"))
	if err != nil {
		return err
	}
	if s := r.get("start_date"); m.StartedOn.IsZero() && isNoDate(s) {
		p.noStart = append(p.noStart, files.Warning{File: r.file, Line: r.line, Message: s})
	}
	owner := id
	if bot {
		owner = ""
	}
	for _, i := range identities {
		i.Person, i.Bot = owner, bot
		p.claims = append(p.claims, loginClaim{i, r.file, r.line, false})
	}
	if !bot {
		p.belongs(r, id, m, len(identities))
	}
	return nil
}

// belongs adds the membership that a row gives to a person.
func (p *Records) belongs(r csvRow, id string, m Membership, logins int) {
	person := p.person(id)
	p.addEmail(person, r.get("email"))
	key := membershipKey{id, m.Team, m.StartedOn.Unix()}
	if at, twice := p.members[key]; twice {
		p.files.Warn(
			r.file,
			r.line,
			"%s in team %q from the same day stands at %s already; this row only adds its logins",
			id,
			m.Team,
			at,
		)
		person.ended(m)
		return
	}
	p.members[key] = m.Source
	p.fromCSV[id] = true
	person.Memberships = append(person.Memberships, m)
	person.Name = cmp.Or(person.Name, r.get("name"))
	if logins == 0 {
		p.silent = append(p.silent, loginClaim{Identity{Person: id}, r.file, r.line, false})
	}
}

// membershipKey is what no two memberships have in common.
type membershipKey struct {
	person, team string
	start        int64
}

func yesNo(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "", "no", "n", "false", "0":
		return false, nil
	case "yes", "y", "true", "1", "x":
		return true, nil
	}
	return false, fmt.Errorf("bot is %q; write yes or no", s)
}

var providerPattern = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// parseLogins reads "alice github:alice-gh; jenkins:asmith". Logins are separated by semicolons, commas or spaces.
func parseLogins(s string) ([]Identity, error) {
	var out []Identity
	seen := map[Identity]bool{}
	for _, word := range strings.FieldsFunc(s, func(r rune) bool {
		return r == ';' || r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u00a0'
	}) {
		id := Identity{Login: strings.ToLower(strings.TrimPrefix(word, "@"))}
		if provider, login, found := strings.Cut(word, ":"); found {
			id = Identity{Provider: strings.ToLower(provider), Login: strings.ToLower(strings.TrimPrefix(login, "@"))}
			if !providerPattern.MatchString(id.Provider) {
				return nil, fmt.Errorf("login %q: %q is not the name of a provider; write for example github:alice", word, provider)
			}
		}
		if id.Login == "" {
			return nil, fmt.Errorf("login %q: nothing stands after the colon; write for example github:alice", word)
		}
		if strings.ContainsAny(id.Login, ":/") {
			return nil, fmt.Errorf("login %q: a login holds no colon and no slash; write for example github:alice", word)
		}
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out, nil
}
