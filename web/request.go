package web

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/spelling"
)

// request is what was asked for: an address in a form that is the same however it was written. Handlers get it in place of
// the connection, because their answer is for everybody who asks the same.
type request struct {
	route  string            // pattern of the route
	path   string            // as asked
	params map[string]string // of the path
	query  map[string]string // without empty values
}

// longestValue bounds a value of a request, in bytes.
const longestValue = 2000

// Param returns a part of the path.
func (r request) Param(name string) string { return r.params[name] }

// Query returns a parameter, or else what stands for one that was not given.
func (r request) Query(name, otherwise string) string {
	if v, ok := r.query[name]; ok {
		return v
	}
	return otherwise
}

// Values returns a copy of the query for links to other pages.
func (r request) Values() url.Values {
	values := url.Values{}
	for name, value := range r.query {
		values.Set(name, value)
	}
	return values
}

// key names the answer.
func (r request) key() string {
	var b strings.Builder
	b.WriteString(r.route)
	for _, m := range []map[string]string{r.params, r.query} {
		b.WriteByte(0)
		for _, name := range slices.Sorted(maps.Keys(m)) {
			b.WriteString(name + "=" + strconv.Itoa(len(m[name])) + ":" + m[name])
		}
	}
	return b.String()
}

// request reads a request to the route. A parameter that the route does not have, one that is given twice, and a text that
// is none are errors: an answer to another question than the one asked is worse than no answer.
func (r route) request(c *fiber.Ctx) (request, error) {
	req := request{route: r.path, path: c.Path(), params: map[string]string{}, query: map[string]string{}}
	for name, value := range c.AllParams() {
		if err := plainText(name, value); err != nil {
			return req, err
		}
		req.params[name] = value
	}
	var problem error
	seen := map[string]bool{}
	c.Context().QueryArgs().VisitAll(func(rawName, rawValue []byte) {
		name, value := string(rawName), string(rawValue)
		switch {
		case problem != nil || name == "" && value == "":
		case !slices.Contains(r.query, name):
			problem = unknownParameter(name, r.query)
		case seen[name]:
			problem = badRequest("the parameter %s is given twice; give it once", name)
		default:
			seen[name] = true
			if problem = plainText(name, value); value != "" {
				req.query[name] = value
			}
		}
	})
	return req, problem
}

func unknownParameter(name string, known []string) error {
	if len(name) > 100 || !utf8.ValidString(name) {
		name = strings.ToValidUTF8(name[:min(len(name), 100)], "�")
	}
	if len(known) == 0 {
		return badRequest("unknown parameter %q: this address has none", name)
	}
	return badRequest("unknown parameter %q%s", name, spelling.Hint(name, known))
}

// plainText refuses what no value can hold.
func plainText(name, value string) error {
	switch {
	case len(value) > longestValue:
		return badRequest("%s is %d bytes long; at most %d are possible", name, len(value), longestValue)
	case !utf8.ValidString(value):
		return badRequest("%s is not valid UTF-8; encode the text as UTF-8 and then as %%XX", name)
	case strings.ContainsRune(value, 0):
		return badRequest("%s contains a NUL byte, which no record does; remove it", name)
	}
	return nil
}

func badRequest(format string, args ...any) error {
	return fiber.NewError(fiber.StatusBadRequest, fmt.Sprintf(format, args...))
}

// oneOf returns an error unless value is one of those allowed.
func oneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return badRequest("%s=%q is not known%s", name, value, spelling.Hint(value, allowed))
}
