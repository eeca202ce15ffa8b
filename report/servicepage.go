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

// ServicePage is one service with its history and its neighbors.
type ServicePage struct {
	Service     Service
	Repository  string // address of its repository, when the catalog names it
	Slug        string // its short name
	DependsOn   []EntityLink
	Dependents  []EntityLink
	Frequency   metrics.Series
	CI          metrics.CIWeeks
	Deployments []records.Row // the latest
	Changes     []records.Row // the latest
	History     []CardHistory // of each scorecard that grades it
}

// EntityLink is another entity of the catalog.
type EntityLink struct {
	Ref     string
	Service bool // it has a page
}

const (
	latestDeployments = 10
	latestChanges     = 8
)

// Service returns the service of a ref, or a *NotFoundError that names what is close.
func (r *Reader) Service(ctx context.Context, ref string) (Service, error) {
	cat := r.deps.Catalog()
	entity, ok := cat.Entity(ref)
	if !ok || !entity.IsService() {
		return Service{}, noService(ref, cat)
	}
	services, err := r.Services(ctx)
	if err != nil {
		return Service{}, err
	}
	i := slices.IndexFunc(services.List, func(s Service) bool { return s.Entity.Ref == entity.Ref })
	if i < 0 { // the catalog was replaced between the two looks
		return Service{}, noService(ref, cat)
	}
	return services.List[i], nil
}

// ServicePage answers the page of a service; its errors are those of Service.
func (r *Reader) ServicePage(ctx context.Context, ref string) (ServicePage, error) {
	cat := r.deps.Catalog()
	entity, ok := cat.Entity(ref)
	if !ok || !entity.IsService() {
		return ServicePage{}, noService(ref, cat)
	}
	var page ServicePage
	window := r.ChartWindow()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { page.Service, err = r.Service(ctx, entity.Ref); return err })
	g.Go(func() (err error) {
		page.Frequency, err = r.DeploymentFrequency(ctx, metrics.DeployQuery{Service: entity.Ref, Window: window})
		return err
	})
	g.Go(func() (err error) { page.CI, err = r.CI(ctx, entity.Ref, window); return err })
	g.Go(func() (err error) {
		page.Deployments, err = r.Rows(ctx, records.Deployments, records.Filter{Service: entity.Ref}, records.Latest,
			latestDeployments, 0)
		return err
	})
	g.Go(func() (err error) {
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
	page.describe(cat, page.Service.Entity)
	return page, nil
}

func (p *ServicePage) describe(cat *catalog.Catalog, e descriptor.Entity) {
	p.Slug, p.Repository = e.Repository()
	source, ok := strings.CutPrefix(e.Annotations["backstage.io/source-location"], "url:")
	if ok && SafeURL(source) != "" {
		p.Repository = source
		p.Slug = cmp.Or(p.Slug, source)
	}
	link := func(ref string) EntityLink {
		other, ok := cat.Entity(ref)
		return EntityLink{Ref: ref, Service: ok && other.IsService()}
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

// noService explains why there is no such service, and names what is close.
func noService(ref string, cat *catalog.Catalog) error {
	if e, ok := cat.Entity(ref); ok {
		return notFound("%s is of the type %q, which is not deployed and so has no grade; it is described in %s:%d",
			words.RefName(ref), e.Type, e.File, e.Line)
	}
	name := ref[strings.LastIndex(ref, "/")+1:]
	for _, e := range cat.Services() {
		if strings.EqualFold(e.Name, name) || (name != "" && strings.Contains(strings.ToLower(e.Name), name)) {
			return notFound("the catalog has no service %s; did you mean %s?", words.RefName(ref), words.RefName(e.Ref))
		}
	}
	return notFound("the catalog has no service %s", words.RefName(ref))
}

// ServicePath is the address of the page of a service, or of a scope that no service claims.
func ServicePath(ref string) string {
	kind, rest, _ := strings.Cut(ref, ":")
	namespace, name, found := strings.Cut(rest, "/")
	if !found {
		return ""
	}
	if kind == "unmapped" {
		return "/unmapped?q=" + url.QueryEscape(rest)
	}
	return "/services/" + url.PathEscape(namespace) + "/" + url.PathEscape(name)
}

// SafeURL returns u when a link to it is safe, else "".
func SafeURL(u string) string {
	parsed, err := url.Parse(u)
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Host == "" {
		return ""
	}
	return u
}
