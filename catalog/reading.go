package catalog

import (
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/yamldoc"
)

// readAhead is the size in bytes up to which a file is read and parsed while those before it are still being added. A
// larger one is parsed section by section.
const readAhead = 4 * yamldoc.SectionSize

// descriptorFile is a file that may have been read ahead.
type descriptorFile struct {
	name     string
	key      string // the absolute name behind links
	ahead    bool
	readings []descriptor.Reading
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
		f.readings = descriptor.Reader{File: l.Shown(name), Positions: binds}.Read(yamldoc.Documents(data))
	}
	return f
}

func (l *loader) readDescriptors(f descriptorFile) {
	if l.done[f.key] {
		return
	}
	l.done[f.key] = true
	shown := l.Shown(f.name)
	parts := slices.Values([][]descriptor.Reading{f.readings})
	if !f.ahead {
		var data []byte
		if data, f.err = l.Content(f.name); f.err == nil {
			reader := descriptor.Reader{File: shown, Positions: binds}
			parts = inOrder(yamldoc.Sections(data), func(s yamldoc.Section) []descriptor.Reading {
				return reader.Read(s.Documents())
			})
		}
	}
	if f.err != nil {
		l.Unreadable(f.name, f.err)
		return
	}
	l.reading, l.via = append(l.reading, f.key), append(l.via, shown)
	defer func() { l.reading, l.via = l.reading[:len(l.reading)-1], l.via[:len(l.via)-1] }()
	for readings := range parts {
		l.addReadings(f.name, readings)
	}
}

func (l *loader) addReadings(file string, readings []descriptor.Reading) {
	to := l.reporter(l.Warn, l.Fail)
	for _, r := range readings {
		r.Report(to)
		switch {
		case !r.OK:
		case r.Location != nil:
			l.follow(file, r.Line, *r.Location)
		default:
			r.Entity.Via = append([]string(nil), l.via[:len(l.via)-1]...)
			l.add(r.Entity, origin{lines: r.AnnotationLines})
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
