package catalog

import (
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/dxctl/dxctl/yamldoc"
)

// reading is what one document holds, and what is to be said of it. Documents are read side by side, and what there is to
// say is said later, in their order.
type reading struct {
	entity Entity
	where  *locationTargets // where a Location leads; nil: it is an entity
	ok     bool             // false: it holds neither
	line   int              // of the document in the file
	lines  map[string]int   // of the annotations that bind
	said   []func(to descriptorReader)
}

// tell says what the reading found to say.
func (r reading) tell(to descriptorReader) {
	for _, say := range r.said {
		say(to)
	}
}

// readings reads documents. It may run beside others: what there is to say is kept in the readings, so r needs no
// functions of its own.
func (r descriptorReader) readings(docs iter.Seq[yamldoc.Document]) []reading {
	var all []reading
	for doc := range docs {
		var one reading
		say := func(s func(to descriptorReader)) { one.said = append(one.said, s) }
		r.warn = func(file string, line int, format string, args ...any) {
			say(func(to descriptorReader) { to.warn(file, line, format, args...) })
		}
		r.fail = func(file string, line int, format string, args ...any) {
			say(func(to descriptorReader) { to.fail(file, line, format, args...) })
		}
		r.template = func(file string, line int) { say(func(to descriptorReader) { to.template(file, line) }) }
		r.other = func(file string, line int, kind string) {
			say(func(to descriptorReader) { to.other(file, line, kind) })
		}
		one.entity, one.where, one.ok = r.read(doc)
		if one.ok {
			one.line, one.lines = doc.StartLine(), bindingLines(doc)
		}
		all = append(all, one)
	}
	return all
}

// readAhead is the size in bytes up to which a file is read and parsed while those before it are still being added. A
// larger one is parsed section by section.
const readAhead = 4 * yamldoc.SectionSize

// descriptorFile is a file that may have been read ahead.
type descriptorFile struct {
	name     string
	key      string // the absolute name behind links
	ahead    bool
	readings []reading
	err      error
}

// descriptors reads files, each once, in their order.
func (l *loader) descriptors(files []string) {
	for f := range inOrder(slices.Values(files), l.prepare) {
		l.readDescriptors(f)
	}
}

// prepare reads a small file. It changes nothing of the loader.
func (l *loader) prepare(name string) descriptorFile {
	f := descriptorFile{name: name, key: realName(name)}
	if info, err := os.Stat(name); err == nil && info.Size() > readAhead {
		return f
	}
	f.ahead = true
	var data []byte
	if data, f.err = l.Content(name); f.err == nil {
		f.readings = descriptorReader{file: l.Shown(name)}.readings(yamldoc.Documents(data))
	}
	return f
}

func (l *loader) readDescriptors(f descriptorFile) {
	if l.done[f.key] {
		return
	}
	l.done[f.key] = true
	shown := l.Shown(f.name)
	parts := slices.Values([][]reading{f.readings})
	if !f.ahead {
		var data []byte
		if data, f.err = l.Content(f.name); f.err == nil {
			parts = inOrder(yamldoc.Sections(data), func(s yamldoc.Section) []reading { return descriptorReader{file: shown}.readings(s.Documents()) })
		}
	}
	if f.err != nil {
		l.Unreadable(f.name, f.err)
		return
	}
	l.reading, l.via = append(l.reading, f.key), append(l.via, shown)
	defer func() { l.reading, l.via = l.reading[:len(l.reading)-1], l.via[:len(l.via)-1] }()
	for readings := range parts {
		l.addReadings(f.name, shown, readings)
	}
}

func (l *loader) addReadings(file, shown string, readings []reading) {
	to := l.reader(shown, l.Warn, l.Fail)
	for _, r := range readings {
		r.tell(to)
		switch {
		case !r.ok:
		case r.where != nil:
			l.follow(file, r.line, *r.where)
		default:
			r.entity.Via = append([]string(nil), l.via[:len(l.via)-1]...)
			l.add(r.entity, r.lines)
		}
	}
}

// realName is the absolute name of a file behind links.
func realName(file string) string {
	key := file
	if target, err := filepath.EvalSymlinks(file); err == nil {
		key = target
	}
	if abs, err := filepath.Abs(key); err == nil {
		key = abs
	}
	return key
}

// inOrder yields what work makes of each item, in the order of the items. Every processor works, and never far ahead of
// what is yielded. work must not change anything that is shared.
func inOrder[T, R any](items iter.Seq[T], work func(T) R) iter.Seq[R] {
	return func(yield func(R) bool) {
		workers := runtime.GOMAXPROCS(0)
		results := make(chan chan R, 4*workers)
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			defer close(results)
			busy := make(chan struct{}, workers)
			for item := range items {
				result := make(chan R, 1)
				select {
				case results <- result:
				case <-stop:
					return
				}
				busy <- struct{}{}
				go func() {
					result <- work(item)
					<-busy
				}()
			}
		}()
		for result := range results {
			if !yield(<-result) {
				return
			}
		}
	}
}
