// Package openapi describes the routes of the API as an OpenAPI 3.1 document, made of what the routes declare: their
// paths, their parameters, and the Go types that their documents are encoded from.
package openapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/web/route"
)

// Version is the version of OpenAPI.
const Version = "3.1.0"

// bearer is the name of the security scheme of routes that want a token.
const bearer = "token"

// object is a part of the document. Its keys are written in alphabetical order.
type object map[string]any

// Config is what a document is made of.
type Config struct {
	Title       string
	Description string
	Version     string // of the API
	Routes      []route.Route
	Problem     any               // what errors are encoded from, unless a route has its own
	Places      []route.Parameter // descriptions of the parts of paths that vary
	Words       []Words
}

// Words are the values of a type of texts.
type Words struct {
	Of     any // a value of the type
	Values []string
}

// builder gathers the schemas of the components.
type builder struct {
	Config
	schemas *schemas
}

// Document returns the description of the routes as JSON.
func Document(cfg Config) ([]byte, error) {
	b := &builder{Config: cfg, schemas: newSchemas(cfg.Words)}
	paths := object{}
	for _, r := range cfg.Routes {
		operation, err := b.operation(r)
		if err != nil {
			return nil, fmt.Errorf("describing %s %s: %w", r.Method, r.Path, err)
		}
		path := Path(r.Path)
		item, ok := paths[path].(object)
		if !ok {
			item = object{}
			paths[path] = item
		}
		item[strings.ToLower(r.Method)] = operation
	}
	components := object{"schemas": b.schemas.all}
	if slices.ContainsFunc(cfg.Routes, func(r route.Route) bool { return r.Doc.Bearer }) {
		components["securitySchemes"] = object{bearer: object{"type": "http", "scheme": "bearer"}}
	}
	doc, err := json.MarshalIndent(object{
		"openapi":    Version,
		"info":       object{"title": cfg.Title, "description": cfg.Description, "version": cfg.Version},
		"paths":      paths,
		"components": components,
	}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encoding the description of the API: %w", err)
	}
	return append(doc, '\n'), nil
}

// Path returns the path of a route as OpenAPI writes it: /a/{name} for /a/:name.
func Path(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func (b *builder) operation(r route.Route) (object, error) {
	answers, err := b.answers(r)
	if err != nil {
		return nil, err
	}
	operation := object{"operationId": operationID(r), "summary": r.Title, "responses": answers}
	if r.Doc.Bearer {
		operation["security"] = []object{{bearer: []string{}}}
	}
	if list := b.parameters(r); len(list) > 0 {
		operation["parameters"] = list
	}
	if r.Doc.Body == nil {
		return operation, nil
	}
	schema, err := b.schemas.of(r.Doc.Body)
	if err != nil {
		return nil, err
	}
	types := r.Doc.BodyTypes
	if len(types) == 0 {
		types = []string{fiber.MIMEApplicationJSON}
	}
	content := object{}
	for _, t := range types {
		content[t] = object{"schema": schema}
	}
	operation["requestBody"] = object{"required": true, "content": content}
	return operation, nil
}

// operationID is the name of an operation in generated clients.
func operationID(r route.Route) string {
	words := strings.FieldsFunc(r.Path, func(c rune) bool { return strings.ContainsRune("/:-_.", c) })
	for i := range words {
		words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
	}
	return strings.ToLower(r.Method) + strings.Join(words, "")
}

func (b *builder) parameters(r route.Route) []object {
	var list []object
	for _, name := range r.Places() {
		schema := object{"type": "string"}
		p := object{"name": name, "in": "path", "required": true, "schema": schema}
		if i := slices.IndexFunc(b.Places, func(p route.Parameter) bool { return p.Name == name }); i >= 0 {
			p["description"] = b.Places[i].Description
			if values := b.Places[i].Values; values != nil {
				schema["enum"] = values
			}
		}
		list = append(list, p)
	}
	for _, q := range r.Described() {
		p := object{"name": q.Name, "in": "query", "schema": querySchema(q, slices.Contains(r.Lists, q.Name))}
		if q.Description != "" {
			p["description"] = q.Description
		}
		if q.Required {
			p["required"] = true
		}
		list = append(list, p)
	}
	return list
}

func querySchema(q route.Parameter, several bool) object {
	schema := object{"type": "string"}
	switch {
	case q.Number:
		schema = object{"type": "integer", "minimum": 1, "maximum": q.Most}
		if n, err := strconv.Atoi(q.Default); err == nil {
			schema["default"] = n
		}
	case q.Values != nil:
		schema["enum"] = q.Values
		fallthrough
	default:
		if q.Default != "" {
			schema["default"] = q.Default
		}
	}
	if several {
		return object{"type": "array", "items": schema}
	}
	return schema
}

// answers are the responses by status. Which errors there can be follows from what the route takes.
func (b *builder) answers(r route.Route) (object, error) {
	schema, err := b.schemas.of(r.Doc.Answers...)
	if err != nil {
		return nil, err
	}
	done := object{"description": "The document.",
		"content": object{fiber.MIMEApplicationJSON: object{"schema": schema}}}
	answers := object{"200": done}
	if r.Doc.Accepted {
		answers["202"] = object{"description": "It is queued.", "content": done["content"]}
	}
	if r.Method == fiber.MethodGet {
		answers["304"] = object{"description": "The document has the ETag of If-None-Match."}
	}
	for _, status := range Failures(r) {
		problem, kind := b.Problem, "application/problem+json"
		// A handler of its own is not asked when the server itself refuses or fails.
		if r.Doc.Problem != nil && (r.Handler == nil || status != fiber.StatusMisdirectedRequest &&
			status != fiber.StatusInternalServerError) {
			problem, kind = r.Doc.Problem, cmp.Or(r.Doc.ProblemType, fiber.MIMEApplicationJSON)
		}
		failed, err := b.schemas.of(problem)
		if err != nil {
			return nil, err
		}
		answer := object{"description": http.StatusText(status) + "; the document explains what to do.",
			"content": object{kind: object{"schema": failed}}}
		if status == fiber.StatusServiceUnavailable && r.Doc.RetryAfter {
			answer["headers"] = object{fiber.HeaderRetryAfter: object{"description": "Seconds after which to send it again.",
				"schema": object{"type": "integer"}}}
		}
		answers[strconv.Itoa(status)] = answer
	}
	return answers, nil
}

// Failures returns the statuses of the errors that a route can answer with.
func Failures(r route.Route) []int {
	statuses := []int{fiber.StatusBadRequest, fiber.StatusNotFound, fiber.StatusMisdirectedRequest,
		fiber.StatusInternalServerError, fiber.StatusServiceUnavailable}
	statuses = append(statuses, r.Doc.Failures...)
	if r.Method != fiber.MethodGet {
		statuses = append(statuses, fiber.StatusRequestEntityTooLarge, fiber.StatusUnsupportedMediaType)
	}
	if r.Handler != nil && r.Method != fiber.MethodGet {
		statuses = append(statuses, fiber.StatusRequestTimeout)
	}
	slices.Sort(statuses)
	return statuses
}
