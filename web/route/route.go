// Package route is what an address of the server is made of: method, path, role and handler; the request that a handler
// gets, its parameters and filters, and the answer that it makes.
package route

import (
	"context"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Role is what a viewer must be to use a route.
type Role string

// Anyone may use the route. There is no sign-in yet, so it is the role of every route.
const Anyone Role = "anyone"

// Route is one address and who answers it. It has either a Handler, or a Maker whose answers are cached; the server
// makes the handler of a Maker.
type Route struct {
	Method     string
	Path       string
	Role       Role
	Handler    fiber.Handler
	Make       Maker
	Parameters []string // of the query, that Make takes
	Lists      []string // those of Parameters that may have several values: name=a&name=b, name[]=a or name[0]=a
	Maps       []string // parameters whose name is followed by a dot and a key: name.key=a
	MaxBody    int      // bytes of JSON that Make takes; 0: it takes no body
	Live       bool     // the answer shows more than records and the catalog, so that it is cached for a few seconds only
	Plans      bool     // Make plans an action, which takes longer than other answers and must not keep them waiting
	Title      string   // names it in the list of the API
	Doc        Doc      // of a route of the API

	own map[string]Parameter // descriptions of parameters that mean something else than elsewhere
}

// Doc describes what a route of the API takes and answers, by values of the types that are encoded.
type Doc struct {
	Answers []any // the possible documents, such as report.TeamsDocument{}
	Body    any   // nil: the route takes none
	// BodyTypes are the content types of Body; without any, application/json.
	BodyTypes []string
	Accepted  bool  // it may also answer 202
	Failures  []int // statuses of errors, in addition to those that every route has
	Problem   any   // what errors are encoded from; nil: a problem document (RFC 9457)
	// ProblemType is the content type of Problem; empty: application/json.
	ProblemType string
	Bearer      bool // it wants Authorization: Bearer <secret>
	RetryAfter  bool // 503 may have the header Retry-After, in seconds
}

// Answers returns the route with the documents that it answers with.
func (r Route) Answers(documents ...any) Route {
	r.Doc.Answers = documents
	return r
}

// Get is a route whose answers are cached, for anyone.
func Get(path string, makeAnswer Maker, parameters ...string) Route {
	return Route{Method: fiber.MethodGet, Path: path, Role: Anyone, Make: makeAnswer, Parameters: parameters}
}

// Ask is a route that answers a question in a JSON body of at most maxBody bytes. It changes nothing.
func Ask(path string, makeAnswer Maker, maxBody int) Route {
	return Route{Method: fiber.MethodPost, Path: path, Role: Anyone, Make: makeAnswer, MaxBody: maxBody}
}

// Handle is a route with a handler, for anyone.
func Handle(method, path string, handler fiber.Handler) Route {
	return Route{Method: method, Path: path, Role: Anyone, Handler: handler}
}

// Validate reports a route without method, path, role or handler, or with a role that nobody can have.
func (r Route) Validate() error {
	switch {
	case r.Method == "" || r.Path == "":
		return fmt.Errorf("route %q %q: method and path are required", r.Method, r.Path)
	case r.Role != Anyone:
		return fmt.Errorf("route %s %s: unknown role %q", r.Method, r.Path, r.Role)
	case (r.Handler == nil) == (r.Make == nil):
		return fmt.Errorf("route %s %s: either a handler or a maker is required", r.Method, r.Path)
	case r.Make != nil && (r.Method == fiber.MethodPost) != (r.MaxBody > 0):
		return fmt.Errorf("route %s %s: a maker answers GET, or POST with a bounded body", r.Method, r.Path)
	}
	return nil
}

// Titled returns the route with a title.
func (r Route) Titled(title string) Route {
	r.Title = title
	return r
}

// Answer is a page, a document or a file.
type Answer struct {
	Type       string // content type
	Attachment string // name of the file to save as; "" for what is shown
	Body       []byte
	MaxAge     time.Duration // how long others may keep it without asking again; 0: they ask each time
}

// Maker makes the answer to a request. It reads nothing but the request, the store and the catalog. The context ends
// when nobody waits for the answer any longer, and at the server's limit at the latest.
type Maker func(ctx context.Context, r Request) (Answer, error)

// MainStart is where the content of every page begins. The server puts the time of late answers behind it.
const MainStart = `<main id="main" tabindex="-1"><div class="wrap">`
