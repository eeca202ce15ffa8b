//go:build backstagebed

package backstage_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/yamldoc"
)

// verdict is what a reader of a descriptor makes of it.
type verdict struct {
	objections []string // none: it is accepted
	entities   []string // what it describes
}

// TestOnARealBackstageValidation reads each variant of a descriptor with Backstage and with dxctl. What Backstage
// refuses, dxctl warns of; what Backstage accepts, dxctl reads without a warning, and as the same entities. Where they
// differ, there is a reason.
func TestOnARealBackstageValidation(t *testing.T) {
	b, all := startBed(t, settings{}), variants()
	theirs := make([]verdict, len(all))
	var wg sync.WaitGroup
	next := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range next {
				theirs[i] = b.judge(fmt.Sprintf("/variant-%d.yaml", i), all[i].text)
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	wg.Wait()
	refused, used := 0, map[string]int{}
	for i, v := range all {
		ours := judge(v.text)
		if len(theirs[i].objections) > 0 {
			refused++
		}
		for _, d := range differences(theirs[i], ours) {
			why := reasonFor(v.name, d)
			if used[why]++; why == "" {
				t.Errorf("%s: %s", v.name, d.text)
			}
		}
	}
	t.Logf("%d variants, of which Backstage refuses %d", len(all), refused)
	for _, r := range reasons {
		t.Logf("%d differences: %s", used[r.why], r.why)
		if used[r.why] == 0 {
			t.Errorf("this reason for a difference applies to no variant: %s", r.why)
		}
	}
}

// difference is that one of the two objects to a descriptor which the other accepts, or that they read other entities.
type difference struct {
	who  string // "Backstage" or "dxctl", whoever objects; "neither"
	text string
}

func differences(theirs, ours verdict) []difference {
	var out []difference
	switch {
	case len(theirs.objections) > 0 && len(ours.objections) == 0:
		out = append(out, difference{"Backstage", "only Backstage refuses it: " + theirs.objections[0]})
	case len(theirs.objections) > 0:
	case len(ours.objections) > 0:
		for _, o := range ours.objections {
			out = append(out, difference{"dxctl", "only dxctl objects: " + o})
		}
	case !slices.Equal(theirs.entities, ours.entities):
		text := fmt.Sprintf("Backstage reads %q, dxctl %q", theirs.entities, ours.entities)
		out = append(out, difference{"neither", text})
	}
	return out
}

// reasons are why dxctl differs from Backstage: who objects, in which words, to which variants. Each must be needed.
var reasons = []struct{ why, who, words, name string }{
	{"Backstage accepts a ref that cannot lead to an entity, and shows a relation to nothing",
		"dxctl", `cannot be the ref of an entity|entity ref "`, ``},
	{"a field that Backstage keeps, but has no use for, is probably misspelled", "dxctl", `field (metadata|spec)\.\S* is not known`,
		`^with |^merge key of an alias`},
	{"Backstage accepts a merge key where it needs nothing of it, and loses its fields", "dxctl", `has a merge key`, ``},
	{"Backstage overwrites annotations that are false, zero or empty with its own", "dxctl", `metadata\.annotations is a`, ``},
	{"dxctl's parser does not know a plain scalar that begins with a colon in [ or {", "dxctl", `did not find expected node`, `:a`},
	{"dxctl's parser does not keep the tag !", "dxctl", `is a number and not a text`, `! 5`},
	{"YAML forbids control characters", "dxctl", `control characters`, ``},
	{"a number and a text are two keys of YAML, but one of JSON", "dxctl", `is given twice`, `as number and text`},
	{"dxctl does not read the version of YAML that a directive names", "Backstage", `must be string`, `directive for YAML 1\.1`},
	{"a file that Backstage reads does not exist", "Backstage", `could not read location|no matching files found`, `none\.txt|targets`},
	{"dxctl's catalog, which follows Locations, reports one without a target", "Backstage", `property 'spec'`, `^Location without spec`},
	{"Templates once were of backstage.io, and dxctl has no use for them", "Backstage", `No processor`, `^kind Template$`},
}

// reasonFor returns why a difference is one; empty: it should not be.
func reasonFor(name string, d difference) string {
	for _, r := range reasons {
		if r.who == d.who && regexp.MustCompile(r.words).MatchString(d.text) && regexp.MustCompile(r.name).MatchString(name) {
			return r.why
		}
	}
	return ""
}

// judge has Backstage read a document as it does before it registers a location.
func (b *bed) judge(path, text string) verdict {
	b.documents.put(path, text)
	var answer struct {
		Entities []content `json:"entities"`
	}
	target := map[string]string{"type": "url", "target": b.documents.URL + path}
	err := b.call(http.MethodPost, "locations?dryRun=true", target, &answer)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		return verdict{objections: []string{refused.message}}
	} else if err != nil {
		b.t.Error(err)
	}
	var v verdict
	for _, e := range answer.Entities {
		if e.Kind != "Location" {
			v.entities = append(v.entities, e.String())
		}
	}
	slices.Sort(v.entities)
	return v
}

// content is what is compared of an entity that both accept.
type content struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name, Namespace, Title, Description string
		Tags                                []string
		Labels, Annotations                 map[string]string
		Links                               []descriptor.Link
	} `json:"metadata"`
	Spec struct {
		Type, Lifecycle string
		Profile         descriptor.Profile
	} `json:"spec"`
}

func (c content) String() string {
	for name := range c.Metadata.Annotations {
		if strings.HasPrefix(name, "backstage.io/") {
			delete(c.Metadata.Annotations, name)
		}
	}
	m, s := c.Metadata, c.Spec
	return fmt.Sprintf("%s:%s/%s %q %q %q %v %v %q %q %q %q", c.Kind, m.Namespace, m.Name, m.Title,
		strings.TrimSpace(m.Description), m.Tags, m.Labels, m.Annotations, m.Links, s.Type, s.Lifecycle, s.Profile)
}

// judge reads a document with dxctl's parser.
func judge(text string) verdict {
	var v verdict
	object := func(_ string, line int, format string, args ...any) {
		v.objections = append(v.objections, fmt.Sprintf("line %d: %s", line, fmt.Sprintf(format, args...)))
	}
	for _, r := range (descriptor.Reader{File: "x"}).Read(yamldoc.Documents([]byte(text))) {
		r.Report(descriptor.Reporter{Warn: object, Fail: object,
			Template:  func(_ string, line int) { object("", line, "it is a template") },
			OtherKind: func(_ string, line int, kind string) { object("", line, "it is a %s", kind) },
		})
		if !r.OK || r.Location != nil {
			continue
		}
		var c content
		e := r.Entity
		c.Kind, c.Metadata.Name, c.Metadata.Namespace = e.Kind, e.Name, e.Namespace
		c.Metadata.Title, c.Metadata.Description, c.Metadata.Tags = e.Title, e.Description, e.Tags
		c.Metadata.Labels, c.Metadata.Annotations, c.Metadata.Links = e.Labels, e.Annotations, e.Links
		c.Spec.Type, c.Spec.Lifecycle, c.Spec.Profile = e.Type, e.Lifecycle, e.Profile
		v.entities = append(v.entities, c.String())
	}
	slices.Sort(v.entities)
	return v
}
