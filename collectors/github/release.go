package github

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/event"
)

// Deployments selects what in a repository means that a version was delivered to its users.
type Deployments struct {
	From        []DeploymentsFrom `yaml:"from"`        // default: deployments
	Environment string            `yaml:"environment"` // where releases and tags go; default production
	// Prereleases is the environment of prereleases; empty: they are no deployments.
	Prereleases string `yaml:"prereleases"`
	Tags        string `yaml:"tags"` // of releases and tags, only those whose tag matches: v*, shop-v*; default all
}

// DeploymentsFrom is a sort of record that may mean a deployment.
type DeploymentsFrom string

// The choices for Deployments.From.
const (
	FromDeployments DeploymentsFrom = "deployments"
	FromReleases    DeploymentsFrom = "releases"
	FromTags        DeploymentsFrom = "tags"
)

func (d Deployments) validate() error {
	var errs []error
	for i, from := range d.From {
		switch from {
		case FromDeployments, FromReleases, FromTags:
		default:
			errs = append(errs, fmt.Errorf("deployments.from %q: give deployments, releases or tags", string(from)))
		}
		if slices.Contains(d.From[:i], from) {
			errs = append(errs, fmt.Errorf("deployments.from: %s is listed twice", string(from)))
		}
	}
	if d.has(FromReleases) && d.has(FromTags) {
		errs = append(errs, errors.New("deployments.from: a release has a tag, so releases and tags together count a "+
			"version twice; give one of them"))
	}
	if !doublestar.ValidatePattern(d.Tags) {
		errs = append(errs, fmt.Errorf("deployments.tags %q: write a pattern such as v* or shop-v[0-9]*", d.Tags))
	}
	if !d.has(FromReleases) && !d.has(FromTags) && (d.Environment != "" || d.Tags != "" || d.Prereleases != "") {
		errs = append(errs, errors.New("deployments: environment, prereleases and tags are for from: [releases] or from: "+
			"[tags]; a deployment names its environment itself"))
	}
	return errors.Join(errs...)
}

func (d Deployments) has(from DeploymentsFrom) bool {
	if len(d.From) == 0 {
		return from == FromDeployments
	}
	return slices.Contains(d.From, from)
}

func (d Deployments) environment() string {
	if d.Environment == "" {
		return "production"
	}
	return d.Environment
}

// wants reports whether versions with this tag are deployments.
func (d Deployments) wants(tag string) bool {
	if d.Tags == "" {
		return true
	}
	return doublestar.MatchUnvalidated(d.Tags, tag)
}

// releaseNode is a release as GraphQL gives it.
type releaseNode struct {
	DatabaseID   int64          `json:"databaseId"`
	TagName      string         `json:"tagName"`
	URL          string         `json:"url"`
	IsDraft      bool           `json:"isDraft"`
	IsPrerelease bool           `json:"isPrerelease"`
	PublishedAt  *time.Time     `json:"publishedAt"`
	Author       *mapping.Actor `json:"author"`
	TagCommit    *struct {
		OID string `json:"oid"`
	} `json:"tagCommit"`
}

func (n releaseNode) key() string {
	if n.IsPrerelease {
		return "prerelease-" + strconv.FormatInt(n.DatabaseID, 10)
	}
	return "release-" + strconv.FormatInt(n.DatabaseID, 10)
}

// event makes the event of a release; false when the release is none that was asked for. A prerelease that becomes a
// release has been two deployments, so it has two ids.
func (n releaseNode) event(r *repository) (event.Deployment, bool) {
	d := r.cfg.Deployments
	at := mapping.Time(n.PublishedAt)
	if n.IsDraft || at.IsZero() || !d.wants(n.TagName) || n.IsPrerelease && d.Prereleases == "" {
		return event.Deployment{}, false
	}
	e := event.Deployment{
		Origin:      r.Origin(n.key(), n.URL),
		Attempt:     1,
		Environment: d.environment(),
		Status:      event.Succeeded,
		StatusRaw:   "published",
		CreatedAt:   at,
		FinishedAt:  at,
		Ref:         n.TagName,
		Version:     n.TagName,
		Actor:       n.Author.Name(),
		Bot:         n.Author.Bot(),
		Trigger:     "release",
	}
	if n.IsPrerelease {
		e.Environment, e.StatusRaw = d.Prereleases, "prereleased"
	}
	if n.TagCommit != nil {
		e.SHA = n.TagCommit.OID
	}
	return e, true
}

// tagNode is a tag as GraphQL gives it: annotated, with a target of its own, or a name for a commit.
type tagNode struct {
	Name   string `json:"name"`
	Target *struct {
		OID           string     `json:"oid"`
		CommittedDate *time.Time `json:"committedDate"` // of a commit
		Tagger        *struct {
			Date *time.Time     `json:"date"`
			User *mapping.Actor `json:"user"`
		} `json:"tagger"` // of an annotated tag
		Target *struct {
			OID           string     `json:"oid"`
			CommittedDate *time.Time `json:"committedDate"`
		} `json:"target"`
	} `json:"target"`
}

// commit is what the tag names; empty when it names no commit.
func (n tagNode) commit() string {
	switch {
	case n.Target == nil:
		return ""
	case n.Target.Target != nil:
		return n.Target.Target.OID
	}
	return n.Target.OID
}

// key holds the commit, because a tag that is moved (v2 to its newest version) is a further deployment.
func (n tagNode) key() string {
	sha := n.commit()
	return "tag-" + n.Name + "@" + sha[:min(len(sha), 12)]
}

// at is when the tag was made. A tag that is only a name for a commit has no time of its own: the commit's stands in.
func (n tagNode) at() time.Time {
	t := n.Target
	if t == nil {
		return time.Time{}
	}
	if t.Tagger != nil && !mapping.Time(t.Tagger.Date).IsZero() {
		return mapping.Time(t.Tagger.Date)
	}
	if t.Target != nil {
		return mapping.Time(t.Target.CommittedDate)
	}
	return mapping.Time(t.CommittedDate)
}

// event makes the event of a tag; false when the tag is none that was asked for. A version such as v1.2.0-rc.1 is a
// prerelease, as semantic versioning has it.
func (n tagNode) event(r *repository) (event.Deployment, bool) {
	d, at := r.cfg.Deployments, n.at()
	prerelease := prereleaseVersion(n.Name)
	if n.commit() == "" || at.IsZero() || !d.wants(n.Name) || prerelease && d.Prereleases == "" {
		return event.Deployment{}, false
	}
	e := event.Deployment{
		Origin: r.Origin(n.key(), ""), Attempt: 1, Environment: d.environment(), Status: event.Succeeded, StatusRaw: "tagged",
		CreatedAt: at, FinishedAt: at, SHA: n.commit(), Ref: n.Name, Version: n.Name, Trigger: "tag",
	}
	if r.URL != "" {
		e.URL = r.URL + "/tree/" + n.Name
	}
	if prerelease {
		e.Environment = d.Prereleases
	}
	if t := n.Target.Tagger; t != nil {
		e.Actor, e.Bot = t.User.Name(), t.User.Bot()
	}
	return e, true
}

// prereleaseVersion reports whether a tag ends in a version with a part for prereleases: v1.2.0-rc.1, app-2.0.0-beta.
func prereleaseVersion(tag string) bool {
	tag, _, _ = strings.Cut(tag, "+") // the build's part
	i := strings.LastIndexByte(tag, '.')
	for ; i >= 0; i = strings.LastIndexByte(tag[:i], '.') {
		// The last number of major.minor.patch is followed by the end or by a hyphen.
		rest := strings.TrimLeft(tag[i+1:], "0123456789")
		digits := len(tag[i+1:]) - len(rest)
		if digits > 0 && strings.HasPrefix(rest, "-") && len(rest) > 1 {
			return true
		}
	}
	return false
}
