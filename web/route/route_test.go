package route_test

import (
	"context"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/report"
	"github.com/dxctl/dxctl/web/route"
)

func TestRouteIsMethodPathRoleAndHandler(t *testing.T) {
	handler := func(*fiber.Ctx) error { return nil }
	answer := func(context.Context, route.Request) (route.Answer, error) { return route.Answer{}, nil }
	for _, tt := range []struct {
		name  string
		route route.Route
		valid bool
	}{
		{"empty", route.Route{}, false},
		{"no role", route.Route{Method: "GET", Path: "/", Handler: handler}, false},
		{"a role that nobody has", route.Route{Method: "GET", Path: "/", Role: "admin", Handler: handler}, false},
		{"no method", route.Route{Path: "/", Role: route.Anyone, Handler: handler}, false},
		{"no handler", route.Route{Method: "GET", Path: "/", Role: route.Anyone}, false},
		{"handler and maker", route.Route{Method: "GET", Path: "/", Role: route.Anyone, Handler: handler, Make: answer},
			false},
		{"handler", route.Handle("POST", "/", handler), true},
		{"maker", route.Get("/", answer, "page"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.route.Validate(); (err == nil) != tt.valid {
				t.Errorf("Validate() = %v", err)
			}
		})
	}
}

// An answer is cached by what the viewer may see, so that no other audience gets it.
func TestKeyHasTheAudience(t *testing.T) {
	everyone := route.Request{Audience: report.Everyone}
	if everyone.Key() != (route.Request{Audience: report.Everyone}).Key() {
		t.Error("two viewers of one audience have different keys")
	}
	if everyone.Key() == (route.Request{Audience: "team a"}).Key() {
		t.Error("two audiences share a key")
	}
}
