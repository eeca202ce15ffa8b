package route

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/spelling"
)

// Request is what was asked for: an address in a form that is the same however it was written, and the audience that
// the viewer belongs to. Makers get it in place of the connection, because their answer is for all of the audience who
// ask the same.
type Request struct {
	Audience report.Audience
	route    string            // pattern of the route
	params   map[string]string // of the path
	query    map[string]string // without empty values
	lists    map[string][]string
	maps     map[string]map[string]string
	body     []byte
}

// maxValues bounds the values of a parameter that may have several, and its keys.
const maxValues = 500

// maxValue bounds a value of a request, in bytes.
const maxValue = 2000

// Param returns a part of the path.
func (r Request) Param(name string) string { return r.params[name] }

// Query returns a parameter, or else what stands for one that was not given.
func (r Request) Query(name, otherwise string) string {
	if v, ok := r.query[name]; ok {
		return v
	}
	return otherwise
}

// List returns the values of a parameter that may have several, in their order.
func (r Request) List(name string) []string { return r.lists[name] }

// Map returns the values of a parameter that has keys, without empty ones. It must not be changed.
func (r Request) Map(name string) map[string]string { return r.maps[name] }

// Body returns the JSON that came with the request; nil without one.
func (r Request) Body() []byte { return r.body }

// WithBody returns the request with a body.
func (r Request) WithBody(body []byte) Request {
	r.body = body
	return r
}

// Flag returns whether a parameter is true; it is false when it was not given.
func (r Request) Flag(name string) (bool, error) {
	value := r.Query(name, "false")
	return value == "true", OneOf(name, value, "true", "false")
}

// Values returns a copy of the query for links to other pages.
func (r Request) Values() url.Values {
	values := url.Values{}
	for name, value := range r.query {
		values.Set(name, value)
	}
	return values
}

// Key names the answer: what was asked, and by whom it may be seen.
func (r Request) Key() string {
	var b strings.Builder
	b.WriteString(string(r.Audience))
	b.WriteByte(0)
	b.WriteString(r.route)
	for _, m := range []map[string]string{r.params, r.query} {
		b.WriteByte(0)
		for _, name := range slices.Sorted(maps.Keys(m)) {
			b.WriteString(name + "=" + strconv.Itoa(len(m[name])) + ":" + m[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.lists)) {
		for _, value := range r.lists[name] {
			b.WriteString("\x00" + name + "[]=" + strconv.Itoa(len(value)) + ":" + value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.maps)) {
		for _, key := range slices.Sorted(maps.Keys(r.maps[name])) {
			fmt.Fprintf(&b, "\x00%s.%d:%s=%d:%s", name, len(key), key, len(r.maps[name][key]), r.maps[name][key])
		}
	}
	if r.body != nil {
		b.WriteByte(0)
		sum := sha256.Sum256(r.body)
		b.Write(sum[:])
	}
	return b.String()
}

// Request reads a request to the route. A parameter that the route does not have, one that is given twice, and a text
// that is not valid are errors: an answer to another question than the one asked is worse than no answer.
func (r Route) Request(c *fiber.Ctx, audience report.Audience) (Request, error) {
	req := Request{Audience: audience, route: r.Path, params: map[string]string{}, query: map[string]string{},
		lists: map[string][]string{}, maps: map[string]map[string]string{}}
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
		list, isList := r.list(name)
		switch {
		case problem != nil || name == "" && value == "":
		case isList && len(req.lists[list]) == maxValues:
			problem = BadRequest("%s has more than %d values; ask for fewer", list, maxValues)
		case isList:
			if problem = plainText(list, value); value != "" {
				req.lists[list] = append(req.lists[list], value)
			}
		case r.keyed(name):
			problem = req.addKeyed(name, value, seen[name])
			seen[name] = true
		case !slices.Contains(r.Parameters, name):
			problem = unknownParameter(name, r.Parameters)
		case seen[name]:
			problem = BadRequest("the parameter %s is given twice; give it once", name)
		default:
			seen[name] = true
			if problem = plainText(name, value); value != "" {
				req.query[name] = value
			}
		}
	})
	for _, name := range r.Parameters { // last: a parameter that is given twice has two values
		if known := r.parameter(name).Values; problem == nil && known != nil && req.query[name] != "" {
			problem = OneOf(name, req.query[name], known...)
		}
	}
	return req, problem
}

// keyed reports whether a name is a parameter with a key.
func (r Route) keyed(name string) bool {
	base, key, found := strings.Cut(name, ".")
	return found && key != "" && slices.Contains(r.Maps, base)
}

// addKeyed adds a value of a parameter with keys.
func (r *Request) addKeyed(name, value string, again bool) error {
	base, key, _ := strings.Cut(name, ".")
	switch {
	case again:
		return BadRequest("the parameter %.100q is given twice; give it once", name)
	case len(r.maps[base]) == maxValues:
		return BadRequest("%s has more than %d keys; give fewer", base, maxValues)
	}
	if err := plainText(base, key); err != nil {
		return err
	}
	if err := plainText(name, value); err != nil || value == "" {
		return err
	}
	if r.maps[base] == nil {
		r.maps[base] = map[string]string{}
	}
	r.maps[base][key] = value
	return nil
}

// list returns the parameter of several values that name is a value of: itself, or followed by [] or [0].
func (r Route) list(name string) (string, bool) {
	base, index, indexed := strings.Cut(name, "[")
	if indexed && strings.Trim(strings.TrimSuffix(index, "]"), "0123456789") != "" {
		return "", false
	}
	return base, slices.Contains(r.Lists, base)
}

func unknownParameter(name string, known []string) error {
	if len(name) > 100 || !utf8.ValidString(name) {
		name = strings.ToValidUTF8(name[:min(len(name), 100)], "�")
	}
	if len(known) == 0 {
		return BadRequest("unknown parameter %q: this address has none", name)
	}
	return BadRequest("unknown parameter %q%s", name, spelling.Hint(name, known))
}

// plainText refuses what no value can hold.
func plainText(name, value string) error {
	switch {
	case len(value) > maxValue:
		return BadRequest("%s is %d bytes long; at most %d are possible", name, len(value), maxValue)
	case !utf8.ValidString(value):
		return BadRequest("%s is not valid UTF-8; encode the text as UTF-8 and then as %%XX", name)
	case strings.ContainsRune(value, 0):
		return BadRequest("%s contains a NUL byte, which no record does; remove it", name)
	}
	return nil
}

// BadRequest is an error of the reader: the request cannot be answered as it was made.
func BadRequest(format string, args ...any) error {
	return fiber.NewError(fiber.StatusBadRequest, fmt.Sprintf(format, args...))
}

// OneOf returns an error unless value is one of those allowed.
func OneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return BadRequest("%s=%q is not known%s", name, value, spelling.Hint(value, allowed))
}
