package rest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
)

// apiOf returns the API of a server that does not wait.
func apiOf(t *testing.T, h http.HandlerFunc, conf rest.APIConfig) *rest.API {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	u, err := rest.ParseBaseURL(srv.URL+"/base", "")
	if err != nil {
		t.Fatal(err)
	}
	api, err := rest.NewAPI(rest.Config{BaseURL: u}, rest.Options{
		Tune:  func(c *rest.Config) { c.PerSecond, c.Attempts = 1e6, 2 },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}, conf)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestAPIGet(t *testing.T) {
	api := apiOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/base/projects?page=2" || r.Header.Get("Accept") != "application/x" {
			t.Errorf("asked for %s with Accept %q", r.URL, r.Header.Get("Accept"))
		}
		if r.Header.Get("If-None-Match") == `"e1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"e1"`)
		_, _ = w.Write([]byte(`[{"id": 1}]`))
	}, rest.APIConfig{Header: http.Header{"Accept": {"application/x"}}})
	var records []struct{ ID int }
	got, err := api.Get(t.Context(), "projects?page=2", "", &records)
	if err != nil || got.NotModified || got.ETag != `"e1"` || len(records) != 1 || records[0].ID != 1 {
		t.Fatalf("%+v, %v, %v", got, records, err)
	}
	records = nil
	if got, err = api.Get(
		t.Context(),
		"projects?page=2",
		got.ETag,
		&records,
	); err != nil || !got.NotModified || got.ETag != `"e1"` ||
		records != nil {
		t.Errorf("unchanged: %+v, %v, %v", got, records, err)
	}
}

func TestAPIRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		status       int
		body         string
		want         string
		gone         bool
		unauthorized bool
	}{
		"a message": {404, `{"message": "No  such\nthing", "took": 0.1}`, "GET a: status 404 Not Found: No " +
			"such thing: hint 404", true, false},
		"an error":              {403, `{"error": "forbidden"}`, "status 403 Forbidden: forbidden: hint 403", false, false},
		"an error object":       {400, `{"error": {"message": "Bad", "errors": ["x is no y"], "code": 2001}}`, "status 400 Bad Request: Bad x is no y: ", false, false},
		"errors only":           {422, `{"errors": [{"message": "one"}, "two"]}`, "one two", false, false},
		"by field":              {400, `{"message": {"base": ["is too large"]}}`, "is too large", false, false},
		"a message that is odd": {410, `{"message": 7}`, "status 410 Gone: hint 410", true, false},
		"no JSON":               {401, `nobody`, "status 401 Unauthorized: hint 401", false, true},
		"a long message":        {400, `{"message": "` + strings.Repeat("ü", 300) + `"}`, strings.Repeat("ü", 100) + "…: hint", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			api := apiOf(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}, rest.APIConfig{Hint: func(status int) string { return "hint " + strconv.Itoa(status) }})
			_, err := api.Get(t.Context(), "a?secret=1", "", &struct{}{})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want %q without the query", err, c.want)
			}
			if rest.IsGone(err) != c.gone || errors.Is(err, rest.ErrUnauthorized) != c.unauthorized ||
				!rest.HasStatus(err, 1, c.status) ||
				rest.HasStatus(err, 1) {
				t.Errorf(
					"gone %v, unauthorized %v, its status %v",
					rest.IsGone(err),
					errors.Is(err, rest.ErrUnauthorized),
					rest.HasStatus(err, c.status),
				)
			}
			if rest.Unusable(err) == c.unauthorized {
				t.Errorf("about this request alone: %v", rest.Unusable(err))
			}
		})
	}
}

func TestAPIOddTypes(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		lenient bool
		odd     string
		fails   bool
	}{
		"as documented":             {`[{"id": 1, "name": "a"}]`, true, "", false},
		"a field of another type":   {`[{"id": "one", "name": "a"}]`, true, "id string", false},
		"which is not allowed here": {`[{"id": "one", "name": "a"}]`, false, "", true},
		"another answer altogether": {`{"id": 1}`, true, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			var odd []string
			conf := rest.APIConfig{Product: "Example"}
			if c.lenient {
				conf.OddType = func(field, value string) { odd = append(odd, field+" "+value) }
			}
			api := apiOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.body)) }, conf)
			var records []struct {
				ID   int    `json:"id"`
				Name string `json:"name"`
			}
			_, err := api.Get(t.Context(), "a", "", &records)
			if (err != nil) != c.fails || strings.Join(odd, ", ") != c.odd {
				t.Fatalf("error %v, odd %q", err, odd)
			}
			if err != nil {
				if !rest.Faulty(err) || !strings.Contains(err.Error(), "not what Example documents") {
					t.Errorf("error %v", err)
				}
				return
			}
			if len(records) != 1 || records[0].Name != "a" {
				t.Errorf("the other fields are lost: %+v", records)
			}
		})
	}
}

func TestAPIErrorsOfTheWay(t *testing.T) {
	api := apiOf(
		t,
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		rest.APIConfig{},
	)
	_, err := api.Get(t.Context(), "a?fields=very,many", "", &struct{}{})
	if !rest.Faulty(err) || strings.Contains(err.Error(), "fields") ||
		strings.Count(err.Error(), "GET") != 1 && strings.Count(err.Error(), "Get") > 0 {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := api.Get(ctx, "a", "", &struct{}{}); !errors.Is(err, context.Canceled) ||
		err.Error() != "context canceled" {
		t.Errorf("canceled: %v", err)
	}
}

func TestParseBaseURL(t *testing.T) {
	for name, c := range map[string]struct{ given, want, err string }{
		"a host":            {"https://example.com", "https://example.com/", ""},
		"a path":            {"https://example.com/gitlab", "https://example.com/gitlab/", ""},
		"slashes":           {"https://example.com//a/b//", "https://example.com/a/b/", ""},
		"an escaped path":   {"https://example.com/a%2Fb/", "https://example.com/a/b/", ""},
		"empty":             {"", "", "such as https://x.example"},
		"no scheme":         {"example.com", "", "give an absolute http or https URL"},
		"another scheme":    {"ftp://example.com", "", "give an absolute http or https URL"},
		"not a URL":         {"http://[", "", "give an absolute http or https URL"},
		"a user":            {"https://u:secret@example.com", "", "leave out user, query and fragment"},
		"a query":           {"https://example.com?a=b", "", "leave out user, query and fragment"},
		"a fragment":        {"https://example.com#a", "", "leave out user, query and fragment"},
		"port and IPv6":     {"http://[::1]:8080", "http://[::1]:8080/", ""},
		"letters of a host": {"https://EXAMPLE.com", "https://EXAMPLE.com/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := rest.ParseBaseURL(c.given, "https://x.example")
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "secret") {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || u.String() != c.want {
				t.Errorf("%v, %v, want %s", u, err, c.want)
			}
		})
	}
}
