package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/dxctl/dxctl/cmd/browser"
	"github.com/dxctl/dxctl/store/storetest"
)

// visitor is a person with a browser at the demo. Everything that the browser complains of is a complaint of the test.
type visitor struct {
	t       *testing.T
	page    context.Context //nolint:containedctx // chromedp keeps the browser in it
	address string

	visited []string // by everyPage

	mu         sync.Mutex
	at         string
	complaints []string
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	address, stop, err := browser.StartDemo(ctx, "dxctl", storetest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	page, closeBrowser := browser.New(ctx)
	t.Cleanup(closeBrowser)
	v := &visitor{t: t, page: page, address: address}
	if err := chromedp.Do(page, browser.ColorScheme("light")); err != nil {
		t.Fatalf("starting Chromium: %v; `make chromium` downloads it", err)
	}
	if err := chromedp.Listen(page, v.listen); err != nil {
		t.Fatal(err)
	}
	_, errRuntime := chromedp.Call(page, runtime.Enable, cdp.Empty{})
	_, errLog := chromedp.Call(page, log.Enable, cdp.Empty{})
	_, errNetwork := chromedp.Call(page, network.Enable, network.EnableParams{})
	if err := errors.Join(errRuntime, errLog, errNetwork); err != nil {
		t.Fatal(err)
	}
	return v
}

// listen gathers errors on the console, exceptions, and requests that failed.
func (v *visitor) listen(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		v.complain("exception: %s", ev.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning {
			v.complain("console.%s: %v", ev.Type, ev.Args)
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError || ev.Entry.Level == log.EntryLevelWarning {
			v.complain("%s: %s", ev.Entry.Level, ev.Entry.Text)
		}
	case *network.EventLoadingFailed:
		if !ev.Canceled {
			v.complain("a request failed: %s %s", ev.ErrorText, ev.BlockedReason)
		}
	case *network.EventResponseReceived:
		if ev.Response.Status >= 400 {
			v.complain("%s answered %d", ev.Response.URL, ev.Response.Status)
		}
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, v.address) && !strings.HasPrefix(ev.Request.URL, "data:") &&
			!strings.HasPrefix(ev.Request.URL, "about:") {
			v.complain("the page asks another server: %s", ev.Request.URL)
		}
	}
}

func (v *visitor) complain(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.complaints = append(v.complaints, v.at+": "+fmt.Sprintf(format, args...))
}

func (v *visitor) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.page, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatalf("%s: %v", v.at, err)
	}
}

func (v *visitor) open(path string) {
	v.t.Helper()
	v.mu.Lock()
	v.at = path
	v.mu.Unlock()
	v.do(chromedp.Navigate(v.address+path), chromedp.WaitReady(chromedp.CSS("main")))
}

// sees evaluates a JavaScript expression on the page.
func sees[T any](v *visitor, expression string) T {
	v.t.Helper()
	got, err := chromedp.Run(v.page, chromedp.Evaluate[T](expression))
	if err != nil {
		v.t.Fatalf("%s: %s: %v", v.at, expression, err)
	}
	return got
}

// becomes waits for a JavaScript expression to become true.
func (v *visitor) becomes(expression string, within time.Duration) bool {
	v.t.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if sees[bool](v, "Boolean("+expression+")") {
			return true
		}
	}
	return false
}

func (v *visitor) until(expression string) {
	v.t.Helper()
	if !v.becomes(expression, 15*time.Second) {
		v.t.Fatalf("%s: never true: %s", v.at, expression)
	}
}

func (v *visitor) click(selector string) {
	v.t.Helper()
	v.do(chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// TestClickThrough visits the demo as a person does, in headless Chromium, at the width of a desk and of a phone.
func TestClickThrough(t *testing.T) {
	t.Parallel()
	v := newVisitor(t)
	t.Run("every page", v.everyPage)
	t.Run("charts", v.charts)
	t.Run("services", v.services)
	t.Run("theme", v.theme)
	t.Run("keyboard", v.keyboard)
	t.Run("from a figure to its events", v.figure)
	t.Run("accessible", v.accessible)
	t.Run("without a mouse", v.withoutMouse)
	for _, c := range v.complaints {
		if !strings.HasPrefix(c, errorPage+":") {
			t.Error(c)
		}
	}
}

var digits = regexp.MustCompile(`[0-9a-f]{7,}|[0-9]+`)

// shape is what pages of one sort have in common: the path without names and the names of the filters. Lists look the
// same in every order, and lists of events with every filter.
func shape(u *url.URL) string {
	path := u.Path
	if strings.HasPrefix(path, "/services/") {
		path = "/services/*"
	}
	path = withoutNames(path)
	var keys []string
	for k := range u.Query() {
		if k != "sort" && k != "dir" && k != "page" && !strings.HasPrefix(path, "/events/") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return digits.ReplaceAllString(path, "0") + "?" + strings.Join(keys, "&")
}

// withoutNames is a path without the names of a scorecard and a rule, of a survey and a question, or of a batch and a
// service: the pages of each are made alike.
func withoutNames(path string) string {
	parts := strings.Split(path, "/")
	if parts[1] == "batches" && len(parts) > 3 {
		return "/batches/*/*"
	}
	if parts[1] != "scorecards" && parts[1] != "surveys" && parts[1] != "batches" {
		return path
	}
	for i := 2; i < len(parts); i += 2 {
		parts[i] = "*"
	}
	return strings.Join(parts, "/")
}

// most is how many pages of one shape are opened. Filtered lists are all made alike.
func most(u *url.URL) int {
	if strings.HasPrefix(u.Path, "/events/") || u.RawQuery != "" {
		return 1
	}
	return 3
}

// everyPage follows every link, some of each shape, and looks at each page in both widths and schemes.
func (v *visitor) everyPage(t *testing.T) {
	v.t = t
	queue, seen, ofShape := []string{"/"}, map[string]bool{"/": true}, map[string]int{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		for i, width := range []int64{1440, 390} {
			v.do(chromedp.EmulateViewport(width, 900), browser.ColorScheme([]string{"light", "dark"}[i]))
			if i == 0 {
				v.open(path)
			}
			// Nothing may be wider than the window: a phone would have to be moved sideways for every line.
			// charts follow the window a moment later
			if !v.becomes(fmt.Sprintf("document.documentElement.scrollWidth <= %d", width), 3*time.Second) {
				t.Errorf("%s is wider than its window of %d pixels: %s", path, width, sees[string](v, tooWide))
			}
		}
		if title := sees[string](v, "document.title"); !strings.Contains(title, "dxctl") {
			t.Errorf("%s has the title %q", path, title)
		}
		for _, href := range sees[[]string](v, "Array.from(document.querySelectorAll('a[href]'), a => a.href)") {
			u, err := url.Parse(href)
			if err != nil {
				t.Errorf("%s links to %q: %v", path, href, err)
				continue
			}
			if !strings.HasPrefix(href, v.address+"/") || strings.HasSuffix(u.Path, ".csv") ||
				strings.HasPrefix(u.Path, "/api/") {
				continue
			}
			if u.Fragment = ""; seen[u.RequestURI()] || ofShape[shape(u)] >= most(u) {
				continue
			}
			seen[u.RequestURI()] = true
			ofShape[shape(u)]++
			queue = append(queue, u.RequestURI())
		}
	}
	t.Logf("%d pages of %d shapes", len(seen), len(ofShape))
	v.visited = slices.Sorted(maps.Keys(seen))
	for _, want := range []string{"/services", "/services/default/", "/time-to-first-deploy", "/time-to-first-deploy/subjects",
		"/teams", "/waivers", "/campaigns/", "/events/deployments", "/definitions", "/ledger", "/unmapped"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(p string) bool { return strings.HasPrefix(p, want) }) {
			t.Errorf("no link led to %s", want)
		}
	}
}

const tooWide = `Array.from(document.querySelectorAll('main *')).filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')).slice(0, 3).map(e => e.tagName + '.' + e.className).join(' ')`

func (v *visitor) charts(t *testing.T) {
	v.t = t
	v.do(chromedp.EmulateViewport(1440, 900))
	v.open("/")
	v.until("document.querySelectorAll('[data-plot] svg').length >= 2")
	if bars := sees[int](v, "document.querySelectorAll('[data-plot] svg path').length"); bars < 20 {
		t.Errorf("the charts have %d shapes", bars)
	}
}

func (v *visitor) services(t *testing.T) {
	v.t = t
	v.open("/services")
	const shown = "Array.from(document.querySelectorAll('table tbody tr:not([hidden])'), r => " +
		"r.cells[0].textContent.trim())"
	all := sees[[]string](v, shown)
	if len(all) != 12 {
		t.Fatalf("%d services: %v", len(all), all)
	}
	// A head sorts, and once more sorts the other way. The address has the order.
	for _, dir := range []string{"descending", "ascending"} {
		v.follow("thead th:first-child a.sort")
		names := lower(sees[[]string](v, shown))
		if dir == "descending" {
			slices.Reverse(names)
		}
		if !slices.IsSorted(names) || !sees[bool](v, "document.querySelector('thead th').ariaSort == '"+dir+"'") {
			t.Errorf("sorted %s: %v", dir, names)
		}
	}
	if at := sees[string](v, "location.search"); !strings.Contains(at, "sort=name") {
		t.Errorf("the order is not in the address: %q", at)
	}
	v.do(chromedp.SendKeys(chromedp.CSS("form.filters input[name=q]"), "payment"))
	v.follow("form.filters button[type=submit]")
	if rest := sees[[]string](v, shown); !slices.Contains(rest, "Payment service") || slices.Contains(rest, "KYC service") {
		t.Errorf("filtered by payment: %v", rest)
	}
	if at := sees[string](v, "location.search"); !strings.Contains(at, "q=payment") || strings.Contains(at, "team=") {
		t.Errorf("the filter is not in the address, or more than the filter: %q", at)
	}
}

// follow clicks on what leads to another page, and waits for it.
func (v *visitor) follow(selector string) {
	v.t.Helper()
	sees[string](v, "document.body.dataset.left = 'yes'")
	v.click(selector)
	v.until("document.body && !document.body.dataset.left && document.readyState == 'complete'")
}

func (v *visitor) theme(t *testing.T) {
	v.t = t
	v.do(browser.ColorScheme("light"))
	v.open("/")
	const ground = "getComputedStyle(document.body).backgroundColor"
	light := sees[string](v, ground)
	v.click("[data-theme-toggle]")
	if dark := sees[string](v, ground); dark == light {
		t.Errorf("the switch leaves the ground %s", dark)
	}
	v.open("/services")
	if kept := sees[string](v, ground); kept == light {
		t.Error("the next page has forgotten the theme")
	}
	v.click("[data-theme-toggle]")
}

func (v *visitor) keyboard(t *testing.T) {
	v.t = t
	v.open("/services")
	v.do(chromedp.KeyEvent("\t"))
	if first := sees[string](v, "document.activeElement.className"); first != "skip" {
		t.Errorf("the first stop of the keyboard is %q", first)
	}
	v.do(chromedp.KeyEvent("/"))
	if field := sees[string](v, "document.activeElement.name"); field != "q" {
		t.Errorf("/ goes to %q", field)
	}
}

// figure goes from the overview's number of deployments to the list behind it, which has as many rows as it says.
func (v *visitor) figure(t *testing.T) {
	v.t = t
	v.open("/")
	link := sees[string](v, "Array.from(document.querySelectorAll('a[href*=\"/events/deployments\"]')).find(a => "+
		"/^[\\d\\s\\u202f]+$/.test(a.textContent)).getAttribute('href')")
	number := sees[string](v, fmt.Sprintf("document.querySelector('a[href=%q]').textContent.replace(/\\D/g, '')", link))
	v.open(link)
	if text := sees[string](
		v,
		"document.querySelector('main').textContent.replace(/[\\s\\u202f]/g, '')",
	); !strings.Contains(text, "of"+number) {
		t.Errorf("the overview says %s deployments, %s does not", number, link)
	}
}

func lower(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.ToLower(w)
	}
	return out
}
