package report

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dxctl/dxctl/catalog"
	"github.com/dxctl/dxctl/catalog/descriptor"
	"github.com/dxctl/dxctl/metrics"
	"github.com/dxctl/dxctl/report/records"
	"github.com/dxctl/dxctl/report/words"
)

// ServicePage is one service, or another graded entity, with its history and its neighbors. Of an entity that is not
// deployed it has no deployments, and of one that is no Component neither CI nor changes.
type ServicePage struct {
	Service     Service
	Repository  string // address of its repository, when the catalog names it
	Slug        string // its short name
	DependsOn   []EntityLink
	Dependents  []EntityLink
	Frequency   metrics.Series
	CI          metrics.CIWeeks
	Deployments []records.Row  // the latest
	Changes     []records.Row  // the latest
	History     []CardHistory  // of each scorecard that grades it
	Open        []OpenCampaign // running campaigns that it has not reached
	First       []Step         // of the ways of the service, those to begin with
}

// EntityLink is another entity of the catalog.
type EntityLink struct {
	Ref  string
	Page bool // it has a page
}

const (
	latestDeployments = 10
	latestChanges     = 8
	maxFirst          = 5 // steps to begin with
)

// graded returns the entity of a ref: a service, or what a scorecard grades. The error is a *NotFoundError.
func (r *Reader) graded(cat *catalog.Catalog, ref string) (descriptor.Entity, error) {
	entity, ok := cat.Entity(ref)
	switch {
	case !ok:
		return entity, r.noEntity(ref, cat)
	case !r.hasPage(entity):
		return entity, notFound("%s", r.deps.Scorecards.NotGraded(entity))
	}
	return entity, nil
}

func (r *Reader) hasPage(e descriptor.Entity) bool {
	return e.IsService() || r.deps.Scorecards.Takes(e)
}

// HasPage reports whether the catalog has the entity, and it is a service or a scorecard grades it.
func (r *Reader) HasPage(ref string) bool {
	e, ok := r.deps.Catalog().Entity(ref)
	return ok && r.hasPage(e)
}

// Service returns the service of a ref, or another entity that a scorecard grades. The error is a *NotFoundError that
// names what is close, or why the entity is not graded.
func (r *Reader) Service(ctx context.Context, ref string) (Service, error) {
	s, _, err := r.service(ctx, ref)
	return s, err
}

// service is Service, and all that are graded, too.
func (r *Reader) service(ctx context.Context, ref string) (Service, Services, error) {
	cat := r.deps.Catalog()
	entity, err := r.graded(cat, ref)
	if err != nil {
		return Service{}, Services{}, err
	}
	all, err := r.Services(ctx)
	if err != nil {
		return Service{}, Services{}, err
	}
	for _, list := range [][]Service{all.List, all.Others} {
		i := slices.IndexFunc(list, func(s Service) bool { return s.Entity.Ref == entity.Ref })
		if i >= 0 {
			return list[i], all, nil
		}
	}
	return Service{}, Services{}, r.noEntity(ref, cat) // the catalog was replaced between the two looks
}

// ServicePage answers the page of a service; its errors are those of Service.
func (r *Reader) ServicePage(ctx context.Context, ref string) (ServicePage, error) {
	cat := r.deps.Catalog()
	entity, err := r.graded(cat, ref)
	if err != nil {
		return ServicePage{}, err
	}
	var page ServicePage
	deployed, component := entity.IsService(), entity.Kind == "Component"
	window := r.ChartWindow()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if page.Service, err = r.WithWays(ctx, entity.Ref); err == nil {
			page.First, err = r.FirstSteps(ctx, page.Service.Ways, maxFirst)
		}
		return err
	})
	g.Go(func() (err error) {
		if !deployed {
			return nil
		}
		page.Frequency, err = r.DeploymentFrequency(ctx, metrics.DeployQuery{Service: entity.Ref, Window: window})
		return err
	})
	g.Go(func() (err error) {
		if component {
			page.CI, err = r.CI(ctx, entity.Ref, window)
		}
		return err
	})
	g.Go(func() (err error) {
		if !deployed {
			return nil
		}
		page.Deployments, err = r.Rows(ctx, records.Deployments, records.Filter{Service: entity.Ref}, records.Latest,
			latestDeployments, 0)
		return err
	})
	g.Go(func() (err error) {
		if !component {
			return nil
		}
		page.Changes, err = r.Rows(ctx, records.Changes, records.Filter{Service: entity.Ref}, records.Latest,
			latestChanges, 0)
		return err
	})
	g.Go(func() error {
		history, err := r.History(ctx, entity.Ref)
		page.History = history.Scorecards
		return err
	})
	if err := g.Wait(); err != nil {
		return ServicePage{}, err
	}
	page.Open = r.OpenCampaigns(page.Service)
	r.describe(&page, cat)
	return page, nil
}

// WithWays returns the service of a ref with its ways to the next levels, and where it is among its peers. Its errors
// are those of Service.
func (r *Reader) WithWays(ctx context.Context, ref string) (Service, error) {
	s, all, err := r.service(ctx, ref)
	if err != nil {
		return s, err
	}
	if s.Ways, err = r.waysOf(ctx, s); err != nil {
		return s, err
	}
	s.Percentiles = r.percentilesOf(s, all)
	return s, nil
}

// describe adds where the entity of a page is, and what it is connected with.
func (r *Reader) describe(p *ServicePage, cat *catalog.Catalog) {
	e := p.Service.Entity
	p.Slug, p.Repository = e.Repository()
	source, ok := strings.CutPrefix(e.Annotations["backstage.io/source-location"], "url:")
	if ok && SafeURL(source) != "" {
		p.Repository = source
		p.Slug = cmp.Or(p.Slug, source)
	}
	link := func(ref string) EntityLink {
		other, ok := cat.Entity(ref)
		return EntityLink{Ref: ref, Page: ok && r.hasPage(other)}
	}
	for _, ref := range e.DependsOn {
		p.DependsOn = append(p.DependsOn, link(ref))
	}
	for _, other := range cat.Entities() {
		if needs(other, e) {
			p.Dependents = append(p.Dependents, link(other.Ref))
		}
	}
}

// noEntity explains that the catalog does not have an entity, and names what is close.
func (r *Reader) noEntity(ref string, cat *catalog.Catalog) error {
	kind, name, _ := strings.Cut(ref, ":")
	if kind == "component" {
		kind = "service"
	}
	if near := cat.Nearest(ref, r.hasPage); near != "" {
		return notFound("the catalog has no %s %s; did you mean %s?", kind, words.RefName(ref), nearName(ref, near))
	}
	return notFound("the catalog has no %s %s", kind, words.RefName(cmp.Or(ref, name)))
}

// nearName is how a near ref is shown: with its kind where that differs.
func nearName(ref, near string) string {
	kind, _, _ := strings.Cut(ref, ":")
	if strings.HasPrefix(near, kind+":") {
		return words.RefName(near)
	}
	return near
}

// ServicePath is the address of the page of a service or another entity, or of a scope that no service claims.
func ServicePath(ref string) string {
	kind, rest, _ := strings.Cut(ref, ":")
	namespace, name, found := strings.Cut(rest, "/")
	if !found {
		return ""
	}
	if kind == "unmapped" {
		return "/unmapped?q=" + url.QueryEscape(rest)
	}
	path := url.PathEscape(namespace) + "/" + url.PathEscape(name)
	if kind == "component" {
		return "/services/" + path
	}
	return "/entities/" + url.PathEscape(kind) + "/" + path
}

// SafeURL returns u when a link to it is safe, else "".
func SafeURL(u string) string {
	parsed, err := url.Parse(u)
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Host == "" {
		return ""
	}
	return u
}
