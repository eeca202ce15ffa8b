package form

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// known counts the cells of a record that are names of columns of a tool.
func known(cells []string) int {
	n := 0
	for _, c := range cells {
		if len(c) > 60 {
			continue
		}
		if _, ok := systemColumns[fold(c)]; ok {
			n++
		}
	}
	return n
}

// recognize returns the tool that has a header like this.
func recognize(header []string) Tool {
	folded := map[string]bool{}
	for _, h := range header {
		folded[fold(h)] = true
	}
	for _, s := range signatures {
		if !slices.ContainsFunc(s.columns, func(c string) bool { return !folded[c] }) {
			return s.tool
		}
	}
	if len(header) > 0 && slices.Contains(googleTimes, fold(header[0])) {
		return Google
	}
	return Plain
}

// record is a row of the file before it has a meaning.
type record struct {
	line  int
	cells []string
}

// headed is a table whose header is understood.
type headed struct {
	tool    Tool
	line    int      // of the header
	header  []string // the first header row
	columns []Column
	zone    string
	utc     bool
	rows    []record
	notes   []string
}

// head finds the header of the records and gives the columns their roles.
func head(records []record) (headed, error) {
	at := headerAt(records)
	if what := noHeader(records[at].cells); what != "" {
		return headed{}, fmt.Errorf("line %d should be the header and has %s: the file has no header with the texts of the "+
			"questions; export it again with it", records[at].line, what)
	}
	var h headed
	if at > 0 {
		h.notes = append(h.notes, fmt.Sprintf("the lines before the header in line %d are left out", records[at].line))
	}
	header := records[at].cells
	h.line = records[at].line
	h.tool, h.header, h.rows = recognize(header), header, records[at+1:]
	translated := h.tool == Plain && likeMicrosoft(h.rows)
	if translated {
		h.tool = Microsoft
	}
	texts := make([]string, len(header)) // of the questions
	rows := make([]string, len(header))  // of grids
	for i, cell := range header {
		texts[i] = Clean(cell)
	}
	switch {
	case h.tool == SurveyMonkey && len(h.rows) > 0 && looksLikeOptions(header, h.rows[0].cells):
		texts, rows = joinOptions(header, h.rows[0].cells)
		h.rows = h.rows[1:]
	case h.tool == Qualtrics:
		texts = h.qualtrics(header, texts)
	}
	for i := range texts {
		c := Column{Number: i + 1, Question: texts[i], Row: rows[i], Role: Question}
		if c.Row == "" {
			c.Question, c.Row = splitGrid(texts[i])
		}
		c.Header = c.Question
		if c.Row != "" {
			c.Header = c.Question + " [" + c.Row + "]"
		}
		h.columns = append(h.columns, c)
	}
	h.number()
	h.assign(header)
	if translated {
		for i, role := range []Role{Technical, Technical, Submitted, Email, Private} {
			h.columns[i].Role = role
		}
	}
	if h.withoutTime() {
		h.notes = append(h.notes, "the form wrote no times of answers: those after the last day are not left out")
	}
	return h, h.complete()
}

// headerAt returns the position of the header: the first record that a tool would write, whatever stands above it. A
// plain table begins with its header, except for lines of a title that have fewer cells than the table.
func headerAt(records []record) int {
	const mostBefore = 30 // lines that a person may have put before the header
	first := records[:min(len(records), mostBefore)]
	widest := 0
	for i, r := range first {
		if recognize(r.cells) != Plain {
			return i
		}
		widest = max(widest, filled(r))
	}
	at := 0
	for at+1 < len(first) && (filled(first[at]) == 1 && widest > 2 || filled(first[at]) == 2 && widest > 4) {
		at++
	}
	return at
}

// noHeader says what a row has that no header has; empty if it can be one.
func noHeader(cells []string) string {
	numbers, texts := 0, 0
	for _, c := range cells {
		text := Clean(c)
		if text == "" {
			continue
		}
		if IsAddress(text) {
			return "an address"
		}
		if _, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", "."), 64); err == nil {
			numbers++
			continue
		}
		if _, err := parseStamp(text); err == nil {
			return "a date"
		}
		texts++
	}
	if numbers > 0 && numbers >= texts {
		return "numbers"
	}
	return ""
}

// number tells columns of one header apart: the second of "Why?" is "Why? (2)".
func (h *headed) number() {
	seen := map[string]int{}
	for i := range h.columns {
		c := &h.columns[i]
		if c.Header == "" {
			continue
		}
		seen[fold(c.Header)]++
		if n := seen[fold(c.Header)]; n > 1 {
			c.Header = fmt.Sprintf("%s (%d)", c.Header, n)
		}
	}
}

// filled returns how many cells of a record are not empty.
func filled(r record) int {
	n := 0
	for _, c := range r.cells {
		if strings.TrimSpace(c) != "" {
			n++
		}
	}
	return n
}

// assign gives the columns that the tool added their roles.
func (h *headed) assign(header []string) {
	firstSubmitted, submitted := true, -1
	for i := range h.columns {
		name := fold(header[i])
		role, system := systemColumns[name]
		// A workbook numbers a second column of a name: "Name2", "Email2".
		if first := strings.TrimSpace(strings.TrimRight(name, "0123456789")); !system && first != name {
			if again := systemColumns[first]; again == Private || again == Email {
				role, system = again, true
			}
			if asksForName.MatchString(first) || names[first] {
				role, system = Private, true
			}
		}
		if asksForName.MatchString(name) || names[name] {
			role, system = Private, true
		}
		if h.tool == Microsoft && !system && submitted >= 0 && i == submitted+2 && h.isName(i) {
			role, system = Private, true
		}
		if h.tool == Qualtrics && (strings.HasPrefix(name, "q_") || scored.MatchString(name)) {
			role, system = Technical, true
		}
		if h.tool == Microsoft && (strings.HasPrefix(name, "points - ") || strings.HasPrefix(name, "feedback - ")) {
			role, system = Technical, true
		}
		if timed.MatchString(name) {
			role, system = Technical, true
		}
		if role == Status && strings.Contains(name, "status") && h.tool != Qualtrics && !h.isStatus(i) {
			continue
		}
		if tools := onlyOf[name]; !system || tools != nil && !slices.Contains(tools, h.tool) {
			continue
		}
		// A question can be asked in the words of a column: "Name", "Language". Those of the tool come first (Microsoft
		// Forms, SurveyMonkey, Qualtrics) or around the questions, and a question never stores what identifies somebody.
		if role == Submitted {
			if !firstSubmitted {
				role = Technical
			} else {
				submitted = i
			}
			firstSubmitted = false
		}
		if strings.HasSuffix(name, "(utc)") {
			h.utc = true
		}
		h.columns[i].Role = role
	}
	if end := slices.IndexFunc(header, func(c string) bool { return fold(c) == "enddate" }); end >= 0 && submitted < 0 &&
		h.tool == Qualtrics { // before Qualtrics wrote RecordedDate
		h.columns[end].Role = Submitted
	}
}

// likeMicrosoft reports whether the rows are those of Microsoft Forms, whatever the language of the header: a number,
// when somebody began, when they were done, and the address or the same word for nobody.
func likeMicrosoft(rows []record) bool {
	if len(rows) == 0 {
		return false
	}
	nobody, numbers := "", map[string]bool{}
	for _, r := range rows {
		number := Clean(cell(r.cells, 0))
		if _, err := strconv.ParseUint(number, 10, 32); err != nil || numbers[number] || len(r.cells) < 6 {
			return false
		}
		numbers[number] = true
		began, err := Clock{}.Time(r.cells[1])
		if err != nil {
			return false
		}
		done, err := Clock{}.Time(r.cells[2])
		if err != nil || done.Before(began) || done.Sub(began) > 366*24*time.Hour {
			return false
		}
		address := Clean(r.cells[3])
		if !IsEmail(address) {
			if address == "" || len(strings.Fields(address)) > 1 || nobody != "" && address != nobody {
				return false
			}
			nobody = address
		}
	}
	return true
}

// isStatus reports whether all cells of a column say how far somebody came.
func (h *headed) isStatus(column int) bool {
	return !slices.ContainsFunc(h.rows, func(r record) bool {
		text := fold(cell(r.cells, column))
		_, known := statusWords[text]
		return text != "" && !known
	})
}

// noTime is what LimeSurvey writes for the time of an answer if a survey is anonymous.
const noTime = "1980-01-01 00:00:00"

// withoutTime makes a column of times technical if it has none, and returns whether it did.
func (h *headed) withoutTime() bool {
	for i := range h.columns {
		if h.columns[i].Role == Submitted && len(h.rows) > 0 && !slices.ContainsFunc(h.rows, func(r record) bool {
			text := Clean(cell(r.cells, i))
			return text != "" && text != noTime
		}) {
			h.columns[i].Role = Technical
			return true
		}
	}
	return false
}

// isName reports whether a column holds the names of who answered, whatever the language of its header. Microsoft Forms
// puts them after the addresses. The header has a few words, and the cells differ, which those of a question seldom do.
func (h *headed) isName(column int) bool {
	if len(strings.Fields(h.columns[column].Header)) > 3 {
		return false
	}
	addresses, filled, different := 0, 0, map[string]bool{}
	for _, r := range h.rows {
		address := Clean(cell(r.cells, column-1))
		if IsEmail(address) || strings.EqualFold(address, "anonymous") {
			addresses++
		}
		if text := Clean(cell(r.cells, column)); text != "" {
			filled++
			different[text] = true
		}
	}
	return 2*addresses > len(h.rows) && 5*len(different) >= 4*filled
}

// complete checks that there is something to read.
func (h *headed) complete() error {
	questions := 0
	for _, c := range h.columns {
		if c.Role == Question && c.Header != "" {
			questions++
		}
	}
	if questions == 0 {
		return fmt.Errorf("no column is a question: the file has %d columns, and all of them are technical", len(h.columns))
	}
	return nil
}

// looksLikeOptions reports whether a row is the second header row of SurveyMonkey: it has no respondent.
func looksLikeOptions(header, cells []string) bool {
	for i, h := range header {
		switch fold(h) {
		case "respondent id", "respondentid", "collector id", "collectorid", "date created", "date modified":
			if i < len(cells) && strings.TrimSpace(cells[i]) != "" {
				return false
			}
		}
	}
	return true
}

// joinOptions joins the two header rows of SurveyMonkey. A blank cell of the first continues the question before it;
// the second has the option or the row of a grid, or a word that says that there is none.
func joinOptions(first, second []string) (texts, rows []string) {
	texts, rows = make([]string, len(first)), make([]string, len(first))
	question := ""
	for i := range first {
		if text := Clean(first[i]); text != "" {
			question = text
		}
		texts[i] = question
		if i >= len(second) {
			continue
		}
		option := Clean(second[i])
		switch fold(option) {
		case "", "response", "open-ended response":
			continue
		}
		if strings.ContainsFunc(option, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			rows[i] = option // and not the star of a rating
		}
	}
	return texts, rows
}

// qualtrics takes the rows with the texts and the import ids off, and returns the texts of the columns.
func (h *headed) qualtrics(header, texts []string) []string {
	for range 2 {
		if len(h.rows) == 0 {
			return texts
		}
		cells := h.rows[0].cells
		switch {
		case isImportIDs(cells):
			h.zone = importZone(cells)
		case fold(cell(cells, 0)) == "start date" || headerLike(header, cells):
			for i := range texts {
				if text := Clean(cell(cells, i)); text != "" && systemColumns[fold(header[i])] == "" {
					texts[i] = qualtricsGrid(text)
				}
			}
		default:
			return texts
		}
		h.rows = h.rows[1:]
	}
	return texts
}

// headerLike reports whether a row repeats the texts of technical columns, as the second row of Qualtrics does.
func headerLike(header, cells []string) bool {
	same := 0
	for i, h := range header {
		if strings.ReplaceAll(fold(cell(cells, i)), " ", "") == fold(h) && fold(h) != "" {
			same++
		}
	}
	return same >= 2
}

// qualtricsGrid writes "Question - Row" as the grid that it is.
func qualtricsGrid(text string) string {
	question, row, ok := cutLast(text, " - ")
	if !ok || strings.HasSuffix(row, "]") || len(question) < len(row)/4 {
		return text
	}
	return question + " [" + strings.NewReplacer("[", "(", "]", ")").Replace(row) + "]"
}

func cutLast(text, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(text, separator)
	if i <= 0 || i+len(separator) >= len(text) {
		return text, "", false
	}
	return strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+len(separator):]), true
}

func isImportIDs(cells []string) bool {
	return strings.HasPrefix(cell(cells, 0), "{") && strings.Contains(cell(cells, 0), "ImportId")
}

// importZone returns the zone that the third header row of Qualtrics gives.
func importZone(cells []string) string {
	for _, c := range cells {
		var id struct {
			Zone string `json:"timeZone"`
		}
		if json.Unmarshal([]byte(c), &id) == nil && id.Zone != "" && id.Zone != "Z" {
			return id.Zone
		}
	}
	return ""
}

func cell(cells []string, i int) string {
	if i < len(cells) {
		return cells[i]
	}
	return ""
}
