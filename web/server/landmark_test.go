package server_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/web/server"
	"github.com/prometheus/client_golang/prometheus"
)

var (
	bodyOf   = regexp.MustCompile(`(?s)<body>(.*)</body>`)
	skipLink = regexp.MustCompile(`<a class="skip" href="#main">[^<]*</a>`)
	// The outermost landmarks. Sections within main may have headers of their own.
	landmarks = []*regexp.Regexp{
		regexp.MustCompile(`(?s)<main id="main"[^>]*>.*</main>`),
		regexp.MustCompile(`(?s)<footer class="foot">.*</footer>`), regexp.MustCompile(`(?s)<header>.*</header>`),
	}
	heading = regexp.MustCompile(`<h([1-6])[ >]`)
	id      = regexp.MustCompile(`\sid="([^"]*)"`)
)

// Everything on a page is in a landmark, so that no screen reader jumps over it, and headings leave out no level.
func TestLandmarksAndHeadings(t *testing.T) {
	f := sharedFixture(t)
	deps := f.deps
	registry := prometheus.NewRegistry()
	deps.Registerer, deps.Gatherer, deps.Demo = registry, registry, true
	app, err := server.New(server.DefaultConfig(), deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Shutdown() })
	demo := &fixture{app: app}
	for _, path := range append([]string{"/nowhere", "/services?sort=shoe"}, everyPage...) {
		_, _, page := demo.get(t, path)
		body := bodyOf.FindStringSubmatch(page)
		if body == nil {
			t.Fatalf("%s has no body:\n%s", path, page)
		}
		rest := skipLink.ReplaceAllString(body[1], "")
		for _, landmark := range landmarks {
			if len(landmark.FindAllString(rest, -1)) != 1 {
				t.Errorf("%s: not exactly one %s", path, landmark)
			}
			rest = landmark.ReplaceAllString(rest, "")
		}
		if rest = strings.TrimSpace(rest); rest != "" {
			t.Errorf("%s: outside of all landmarks: %s", path, rest)
		}
		if !strings.Contains(landmarks[2].FindString(landmarks[0].ReplaceAllString(body[1], "")), "demo organization") {
			t.Errorf("%s: the banner of the demo is not in the header", path)
		}
		level := 0
		for _, h := range heading.FindAllStringSubmatch(page, -1) {
			next := int(h[1][0] - '0')
			if next > level+1 || next == 1 && level > 0 {
				t.Errorf("%s: a heading of level %d follows one of level %d", path, next, level)
			}
			level = next
		}
		ids := map[string]bool{}
		for _, m := range id.FindAllStringSubmatch(page, -1) {
			if ids[m[1]] {
				t.Errorf("%s: two elements have the id %s", path, m[1])
			}
			ids[m[1]] = true
		}
	}
}
