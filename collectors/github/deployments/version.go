package deployments

import (
	"strconv"
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/github/mapping"
	"github.com/dxctl/dxctl/event"
)

// release is a release as GraphQL shows it.
type release struct {
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

// key differs for a prerelease: one that becomes a release was deployed twice.
func (n release) key() string {
	if n.IsPrerelease {
		return "prerelease-" + strconv.FormatInt(n.DatabaseID, 10)
	}
	return "release-" + strconv.FormatInt(n.DatabaseID, 10)
}

// event returns the event of a release; false if it is not a deployment according to the configuration.
func (n release) event(m mapping.Mapper, cfg Config) (event.Deployment, bool) {
	at := mapping.Time(n.PublishedAt)
	if n.IsDraft || at.IsZero() || !cfg.wants(n.TagName) || n.IsPrerelease && cfg.Prereleases == "" {
		return event.Deployment{}, false
	}
	e := event.Deployment{
		Origin:      m.Origin(n.key(), n.URL),
		Attempt:     1,
		Environment: cfg.environment(),
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
		e.Environment, e.StatusRaw = cfg.Prereleases, "prereleased"
	}
	if n.TagCommit != nil {
		e.SHA = n.TagCommit.OID
	}
	return e, true
}

// tag is a tag as GraphQL shows it: annotated, with a target of its own, or lightweight, which is a name for a commit.
type tag struct {
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

// commit returns the commit of the tag; empty if there is none.
func (n tag) commit() string {
	switch {
	case n.Target == nil:
		return ""
	case n.Target.Target != nil:
		return n.Target.Target.OID
	}
	return n.Target.OID
}

// key contains the commit, because a tag that moves (v2 to its newest version) is another deployment.
func (n tag) key() string {
	sha := n.commit()
	return "tag-" + n.Name + "@" + sha[:min(len(sha), 12)]
}

// at returns when the tag was created. A lightweight tag has no time, so the commit's is used.
func (n tag) at() time.Time {
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

// event returns the event of a tag; false if it is not a deployment according to the configuration. A version such as
// v1.2.0-rc.1 is a prerelease, as in semantic versioning.
func (n tag) event(m mapping.Mapper, cfg Config) (event.Deployment, bool) {
	at := n.at()
	prerelease := prereleaseVersion(n.Name)
	if n.commit() == "" || at.IsZero() || !cfg.wants(n.Name) || prerelease && cfg.Prereleases == "" {
		return event.Deployment{}, false
	}
	e := event.Deployment{
		Origin:      m.Origin(n.key(), ""),
		Attempt:     1,
		Environment: cfg.environment(),
		Status:      event.Succeeded,
		StatusRaw:   "tagged",
		CreatedAt:   at,
		FinishedAt:  at,
		SHA:         n.commit(),
		Ref:         n.Name,
		Version:     n.Name,
		Trigger:     "tag",
	}
	if m.URL != "" {
		e.URL = m.URL + "/tree/" + n.Name
	}
	if prerelease {
		e.Environment = cfg.Prereleases
	}
	if t := n.Target.Tagger; t != nil {
		e.Actor, e.Bot = t.User.Name(), t.User.Bot()
	}
	return e, true
}

// prereleaseVersion reports whether a tag ends in a version with a prerelease part: v1.2.0-rc.1, app-2.0.0-beta.
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
