package catalog

import (
	"strconv"

	"github.com/dxctl/dxctl/files"
)

// summary counts what is said once for all of its sort.
type summary struct {
	order  []string // the sorts
	counts map[string]int
	first  map[string]files.Warning // place of the first of a sort
}

func (s *summary) one(file string, line int) { s.add(file, line, "") }

func (s *summary) add(file string, line int, sort string) {
	if s.counts == nil {
		s.counts, s.first = map[string]int{}, map[string]files.Warning{}
	}
	if s.counts[sort]++; s.counts[sort] == 1 {
		s.order = append(s.order, sort)
		s.first[sort] = files.Warning{File: file, Line: line}
	}
}

// summarize says once how many documents are no entities for one and the same reason.
func (l *loader) summarize() {
	if n := l.templates.counts[""]; n > 0 {
		at := l.templates.first[""]
		l.Warn(at.File, at.Line, "the descriptor is a template that is not rendered; it is left out%s. "+
			"catalog.exclude leaves out whole directories, such as **/skeleton/**", andMore(n-1))
	}
	for _, sort := range l.others.order {
		at := l.others.first[sort]
		l.Warn(
			at.File,
			at.Line,
			"%s is not a kind that dxctl knows; it is left out%s",
			sort,
			andMore(l.others.counts[sort]-1),
		)
	}
}

func andMore(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", and so is 1 more document"
	}
	return ", and so are " + strconv.Itoa(n) + " more documents"
}
