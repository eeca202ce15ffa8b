// Package mapping converts records of GitHub to events. The collector, which reads them from REST and GraphQL, and the
// webhook receiver, which is sent them, share it: whichever way a record comes, its event is the same.
//
// The record types contain only the fields that are used; a run is 10 KB of JSON, of which a twentieth is needed.
package mapping

import (
	"strings"
	"time"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/event"
)

// Provider is the kind of this source, as events and catalog bindings name it.
const Provider = "github"

// Profile is what all sources of GitHub have in common.
var Profile = source.Profile{
	Provider: Provider,
	Product:  "GitHub",
	Epoch:    time.Date(2007, 10, 1, 0, 0, 0, 0, time.UTC),
}

// Mapper converts the records of one repository.
type Mapper struct {
	Source string // name of the source in the configuration
	Scope  string // the repository: owner/name
	URL    string // of the repository's page; may be empty
	// Unrecognized is called with a status that GitHub does not document, which is stored as is. what names where it
	// was: "status of a job".
	Unrecognized func(what, word string)
	// Machine reports whether a login is a machine's although GitHub calls it a user; nil: none is.
	Machine func(login string) bool
}

// Origin returns the origin of a record of the repository. id is unique among the records of its kind there.
func (m Mapper) Origin(id, url string) event.Origin {
	return event.Origin{Source: m.Source, Provider: Provider, Scope: m.Scope, ID: id, URL: url}
}

// Account is a user, or an app, as REST and webhooks show it.
type Account struct {
	Login string `json:"login"` // of an app with "[bot]" at the end
	Type  string `json:"type"`  // User, Bot, Organization
}

// Actor returns the account as GraphQL shows it; nil for one without a login.
func (a Account) Actor() *Actor {
	if a.Login == "" {
		return nil
	}
	return &Actor{Login: a.Login, Typename: a.Type}
}

// Actor is a user, or an app, as GraphQL shows it; nil for an account that was deleted, which its methods accept.
type Actor struct {
	Login    string `json:"login"` // of an app without "[bot]"; see Name
	Typename string `json:"__typename"`
}

// Name returns the login as REST writes it; empty for nil. GraphQL leaves out the "[bot]" of an app's account, and the
// same account must not become two.
func (a *Actor) Name() string {
	if a == nil {
		return ""
	}
	if a.Typename == "Bot" && !strings.HasSuffix(a.Login, "[bot]") {
		return a.Login + "[bot]"
	}
	return a.Login
}

// Bot reports whether the account is a machine.
func (a *Actor) Bot() bool { return a != nil && isBot(a.Login, a.Typename) }

// isBot reports whether an account is a machine: its type is Bot, or its login is that of an app.
func isBot(login, kind string) bool {
	return strings.EqualFold(kind, "Bot") || strings.HasSuffix(login, "[bot]")
}

// PageInfo describes the end of a page of a GraphQL list.
type PageInfo struct {
	HasNextPage bool   `json:"hasNextPage"`
	EndCursor   string `json:"endCursor"`
}

// Time returns the time in UTC; zero for nil, and for a time that no event may carry (the year 1 of a broken clock).
func Time(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return source.Known(*t)
}
