package catalog

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
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

// columns finds the columns in a header. unknown are the names that no column has.
func columns(header []string) (at map[string]int, unknown []string, err error) {
	at = map[string]int{}
	for i, name := range header {
		plain := strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(name, "_", " "))), " ")
		found := ""
		for column, names := range columnNames {
			if slices.Contains(names, plain) {
				found = column
			}
		}
		if found == "" {
			if plain != "" {
				unknown = append(unknown, strings.TrimSpace(name))
			}
			continue
		}
		if other, twice := at[found]; twice {
			return nil, nil, fmt.Errorf("columns %q and %q both mean %s; keep one", header[other], name, found)
		}
		at[found] = i
	}
	if _, ok := at["person"]; !ok {
		return nil, nil, fmt.Errorf("the header %q has no column person; write person,team,start_date,logins", strings.Join(header, ","))
	}
	return at, unknown, nil
}

// readFile reads one CSV file. A row that cannot be read is an error with its line; the others are kept.
func (p *peopleReader) readFile(file string) {
	shown := p.l.shown(file)
	if p.read[file] {
		return
	}
	p.read[file] = true
	if data, ok := p.l.open(file); ok {
		p.readCSV(shown, data)
	}
}

func (p *peopleReader) readCSV(file string, data []byte) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		p.l.fail(file, 1, "the file is UTF-16; save it as CSV in UTF-8")
		return
	case !utf8.Valid(data):
		p.l.fail(file, invalidUTF8Line(data), "it is not UTF-8 text; save it as CSV in UTF-8")
		return
	}
	reader := csv.NewReader(bytes.NewReader(data))
	reader.FieldsPerRecord = -1
	reader.TrimLeadingSpace = true
	reader.Comma = delimiter(data)
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		p.l.warn(file, 1, "the file is empty; it begins with person,team,start_date,logins")
		return
	}
	if err != nil {
		p.failCSV(file, err)
		return
	}
	at, unknown, err := columns(header)
	if err != nil {
		p.l.fail(file, 1, "%v", err)
		return
	}
	for _, name := range unknown {
		p.l.warn(file, 1, "column %q is not known; it is ignored", name)
	}
	p.readRows(file, reader, at, len(header))
}

// delimiter recognises the semicolons and tabs that spreadsheets write in some countries.
func delimiter(data []byte) rune {
	first, _, _ := bytes.Cut(bytes.TrimLeft(data, "\r\n"), []byte("\n"))
	for _, d := range []byte{',', ';', '\t'} {
		if bytes.IndexByte(first, d) >= 0 {
			return rune(d)
		}
	}
	return ','
}

func (p *peopleReader) failCSV(file string, err error) {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		p.l.fail(file, parse.Line, "column %d: %v", parse.Column, parse.Err)
		return
	}
	p.l.fail(file, 0, "the file cannot be read: %v", err)
}

func (p *peopleReader) readRows(file string, reader *csv.Reader, at map[string]int, width int) {
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			p.failCSV(file, err)
			var parse *csv.ParseError
			if !errors.As(err, &parse) || errors.Is(parse.Err, csv.ErrQuote) {
				return // where a quote went wrong, the rows after it cannot be told apart
			}
			continue
		}
		line, _ := reader.FieldPos(0)
		if !slices.ContainsFunc(record, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			continue
		}
		if len(record) > width {
			p.l.fail(file, line, "the row has %d fields and the header %d; quote a field that holds a comma, and separate logins by spaces", len(record), width)
			continue
		}
		get := func(column string) string {
			if i, ok := at[column]; ok && i < len(record) {
				return strings.TrimSpace(record[i])
			}
			return ""
		}
		if err := p.row(file, line, get); err != nil {
			p.l.fail(file, line, "%v", err)
		}
	}
}

func (p *peopleReader) row(file string, line int, get func(string) string) error {
	bot, err := yesNo(get("bot"))
	if err != nil {
		return err
	}
	id := strings.ToLower(get("person"))
	if id == "" {
		return errors.New("the row has no person")
	}
	if ref, err := ParseRef(id, "user", ""); err == nil && ref.Kind == "user" && strings.Contains(id, ":") {
		id = ref.Short()
	}
	m := Membership{Team: p.team(get("team")), Source: Warning{File: file, Line: line}.position()}
	if m.StartedOn, err = parseDate("start_date", get("start_date")); err != nil {
		return err
	}
	if m.LeftOn, err = parseDate("left_date", get("left_date")); err != nil {
		return err
	}
	if !m.LeftOn.IsZero() && m.LeftOn.Before(m.StartedOn) {
		return fmt.Errorf("%s left on %s, before the start on %s", id, m.LeftOn.Format(time.DateOnly), m.StartedOn.Format(time.DateOnly))
	}
	identities, err := parseLogins(get("logins"))
	if err != nil {
		return err
	}
	owner := id
	if bot {
		owner = ""
	}
	for _, i := range identities {
		i.Person, i.Bot = owner, bot
		p.claims = append(p.claims, loginClaim{i, file, line, false})
	}
	if bot {
		return nil
	}
	person := p.person(id)
	p.addEmail(person, get("email"))
	for _, known := range person.Memberships {
		if known.Team == m.Team && known.StartedOn.Equal(m.StartedOn) {
			p.l.warn(file, line, "%s in team %q from the same day stands at %s already; this row only adds its logins", id, m.Team, known.Source)
			return nil
		}
	}
	p.csvSeen[id] = true
	person.Memberships = append(person.Memberships, m)
	person.Name = orWord(person.Name, get("name"))
	if len(identities) == 0 {
		p.silent = append(p.silent, loginClaim{Identity{Person: id}, file, line, false})
	}
	return nil
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
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// dateLayouts are the spellings of a date that can mean only one day.
var dateLayouts = []string{
	time.DateOnly, "2006/01/02", "2006/1/2", "2006-1-2", "2006.01.02", "20060102", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04",
	"2 Jan 2006", "2 January 2006", "2-Jan-2006", "Jan 2, 2006", "January 2, 2006", "Jan 2 2006", "January 2 2006",
}

var numericDate = regexp.MustCompile(`^(\d{1,2})[./-](\d{1,2})[./-](\d{4})$`)

// parseDate returns midnight UTC of the day, or zero for an empty field. A date that could mean two days is refused.
func parseDate(column, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return plausibleDate(column, s, time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC))
		}
	}
	if m := numericDate.FindStringSubmatch(s); m != nil {
		a, errA := strconv.Atoi(m[1])
		b, errB := strconv.Atoi(m[2])
		year, errY := strconv.Atoi(m[3])
		if err := errors.Join(errA, errB, errY); err != nil {
			return time.Time{}, err
		}
		asDMY, okDMY := dayOf(year, b, a)
		asMDY, okMDY := dayOf(year, a, b)
		switch {
		case okDMY && okMDY && !asDMY.Equal(asMDY):
			return time.Time{}, fmt.Errorf("%s %q could be %s or %s; write it as %s or %s", column, s,
				asDMY.Format("2 January"), asMDY.Format("2 January"), asDMY.Format(time.DateOnly), asMDY.Format(time.DateOnly))
		case okDMY:
			return plausibleDate(column, s, asDMY)
		case okMDY:
			return plausibleDate(column, s, asMDY)
		}
	}
	return time.Time{}, fmt.Errorf("%s %q is not a date; write it like 2026-03-31", column, s)
}

func dayOf(year, month, day int) (time.Time, bool) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, int(t.Month()) == month && t.Day() == day
}

func plausibleDate(column, s string, t time.Time) (time.Time, error) {
	if t.Year() < 1971 || t.Year() > 2198 {
		return time.Time{}, fmt.Errorf("%s %q is outside 1971 to 2198; write it like 2026-03-31", column, s)
	}
	return t, nil
}
