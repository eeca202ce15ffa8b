package event

import (
	"errors"
	"fmt"
	"time"
)

// KindDescriptor is the kind of [Descriptor].
const KindDescriptor Kind = "descriptor"

// Descriptor is one document of Backstage entities as a source has it: a catalog-info.yaml that was found in a
// repository, or an entity of a Backstage catalog. It is known by source, scope and location, and the later observation
// wins. The catalog is read from what is stored.
type Descriptor struct {
	Source     string // name of the source in the configuration: "gh"
	Provider   string // kind of the source: "github", "backstage"
	Scope      string // what of the source: a repository, "catalog"
	Location   string // where within the scope: a path or an entity ref; part of the identity
	Document   string // YAML or JSON of one or more Backstage entities; empty: it is gone
	Revision   string // the source's sha or etag of the content; empty: not known
	URL        string // where a person can look at it; may be empty
	ObservedAt time.Time
}

// Kind returns KindDescriptor.
func (Descriptor) Kind() Kind { return KindDescriptor }

// Identity returns the location in its scope.
func (d Descriptor) Identity() Identity {
	return Identity{Kind: KindDescriptor, Source: d.Source, Scope: d.Scope, ID: d.Location}
}

// Began returns the zero time: a descriptor is observed and does not begin.
func (Descriptor) Began() time.Time { return time.Time{} }

func (d Descriptor) normalized() Event {
	d.URL = address(d.URL)
	inMillis(&d.ObservedAt)
	return d
}

// Validate checks that the descriptor is named and its time can be stored. What the document says is not looked at: a
// document that cannot be read is the catalog's to report.
func (d Descriptor) Validate() error {
	var errs []error
	for _, f := range []struct{ name, value string }{
		{"source", d.Source}, {"provider", d.Provider}, {"scope", d.Scope}, {"location", d.Location},
	} {
		if f.value == "" {
			errs = append(
				errs,
				fmt.Errorf("descriptor %s/%s/%s: no %s", d.Source, beginning(d.Scope), beginning(d.Location), f.name),
			)
		}
	}
	errs = append(errs, bounded(KindDescriptor, d.Location, limited{"source", d.Source, MaxID},
		limited{"provider", d.Provider, MaxID}, limited{"scope", d.Scope, MaxScope},
		limited{"location", d.Location, MaxScope}, limited{"document", d.Document, MaxDocument}))
	errs = append(
		errs,
		validateTimes(KindDescriptor, d.Source+"/"+d.Scope+"/"+d.Location, namedTime{"observed_at", d.ObservedAt}),
	)
	return errors.Join(errs...)
}
