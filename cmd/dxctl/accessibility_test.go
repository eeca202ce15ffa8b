package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/dxctl/dxctl/cmd/browser"
)

// errorPage is an address that has no page.
const errorPage = "/nowhere"

// kindOf is the kind of a page: its path without the names in it. Pages of a kind have the same template, so that one
// is enough of each: checking all of them would take minutes and find the same.
func kindOf(u *url.URL) string {
	for _, prefix := range []string{"/services/", "/definitions/", "/events/"} {
		if strings.HasPrefix(u.Path, prefix) {
			return prefix
		}
	}
	return withoutNames(u.Path)
}

// pageKinds are one page of every kind that the visit of every page came to, the lists of jobs and changes, which have
// other columns than deployments, and pages that have no list to show.
func (v *visitor) pageKinds() []string {
	byKind := map[string]string{"/events": "", "/events/": "/events/deployments"}
	for _, path := range v.visited {
		u, err := url.Parse(path)
		if err != nil {
			v.t.Fatal(err)
		}
		if kind := kindOf(u); byKind[kind] == "" && kind != "/events" {
			byKind[kind] = path
		}
	}
	delete(byKind, "/events") // it leads to the deployments
	pages := []string{errorPage, "/services?page=99", "/events/changes?q=nothing-has-this-name", "/events/pipeline_jobs",
		"/events/changes", "/actions/create/plan?golden_path=go-service&name=A+b",
		"/actions/waiver/plan?service=payment-service&rule=agents-md&until=30d&reason=planned&note=n&by=ana"}
	for _, path := range byKind {
		pages = append(pages, path)
	}
	slices.Sort(pages)
	if len(pages) < 15 {
		v.t.Errorf("only %d kinds of pages: %v", len(pages), pages)
	}
	return pages
}

// axeResult is a rule of axe that a page violates.
type axeResult struct {
	ID, Help string
	Nodes    []struct {
		HTML           string
		FailureSummary string
	}
}

// runAxe returns the violations as JSON: of all rules of axe, best practices included, or of one.
const runAxe = `axe.run(document, {resultTypes: ["violations"], runOnly: %s}).then(r => JSON.stringify(r.violations))`

// looks are the ways in which a page is checked. What depends on the width or on the theme is checked in both; of the
// third look only the colors, because the rest is what the first look has.
var looks = []struct {
	width  int64
	scheme string
	only   string // rules, as an option of axe
}{{1440, "light", "undefined"}, {390, "dark", "undefined"}, {1440, "dark", `["color-contrast"]`}}

// accessible checks every kind of page by keyboard and with axe: in light and dark, wide and narrow, with everything
// opened that can be opened.
func (v *visitor) accessible(t *testing.T) {
	v.t = t
	script, err := os.ReadFile("../browser/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("%v; `make axe` downloads it", err)
	}
	v.open("/")
	v.do(chromedp.Evaluate[chromedp.Void]("localStorage.clear()")) // no theme is remembered: the scheme decides
	ground := map[string]string{}
	for _, path := range v.pageKinds() {
		v.do(chromedp.EmulateViewport(1440, 900), browser.ColorScheme("light"))
		v.open(path)
		v.do(chromedp.KeyEvent("\t"))
		if first := sees[string](v, "document.activeElement.className"); first != "skip" {
			t.Errorf("%s: the first stop of the keyboard is %q, and not the skip link", path, first)
		}
		// Evaluated by the debugger, the script does not fall under the content security policy of the page.
		v.do(chromedp.Evaluate[chromedp.Void](string(script)))
		v.do(chromedp.Evaluate[chromedp.Void]("document.querySelectorAll('details').forEach(d => { d.open = true })"))
		for _, look := range looks {
			v.do(chromedp.EmulateViewport(look.width, 900), browser.ColorScheme(look.scheme))
			ground[look.scheme] = sees[string](v, "getComputedStyle(document.body).backgroundColor")
			at := fmt.Sprintf("%s, %s, %d pixels", path, look.scheme, look.width)
			if look.only == "undefined" {
				for _, problem := range sees[[]string](v, keyboardProblems) {
					t.Errorf("%s: %s", at, problem)
				}
			}
			v.axe(at, look.only)
		}
	}
	if ground["light"] == ground["dark"] {
		t.Errorf("light and dark have the same ground %s", ground["dark"])
	}
}

// axe reports the violations of the page as it is.
func (v *visitor) axe(at, only string) {
	v.t.Helper()
	run := chromedp.Evaluate[string](fmt.Sprintf(runAxe, only), chromedp.EvalAwaitPromise)
	raw, err := chromedp.Run(v.page, run)
	if err != nil {
		v.t.Fatalf("%s: axe: %v", at, err)
	}
	var violations []axeResult
	if err := json.Unmarshal([]byte(raw), &violations); err != nil {
		v.t.Fatal(err)
	}
	for _, x := range violations {
		for _, n := range x.Nodes[:min(3, len(x.Nodes))] {
			v.t.Errorf("%s: %s (%s), %d places: %.300s\n%s", at, x.ID, x.Help, len(x.Nodes), n.HTML, n.FailureSummary)
		}
	}
}

// keyboardProblems walks over everything that takes the focus, in the order of the document, and returns what is wrong
// with it. The page must have been reached by the keyboard, so that the focus is shown.
const keyboardProblems = `(() => {
	const problems = [];
	const seen = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) || e.classList.contains("skip");
	const name = e => e.tagName + "." + e.className + " " + (e.textContent || e.name || "").trim().slice(0, 40);
	const stops = Array.from(document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]"))
		.filter(e => seen(e) && !e.disabled && e.tabIndex >= 0 && e.type !== "hidden");
	for (const e of stops) {
		if (e.tabIndex > 0) problems.push("changes the order of the keyboard: " + name(e));
		e.focus();
		if (document.activeElement !== e) { problems.push("takes no focus: " + name(e)); continue; }
		const style = getComputedStyle(e);
		const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
		if (!e.matches(":focus-visible") || !outlined) problems.push("does not show its focus: " + name(e));
		const box = e.getBoundingClientRect();
		if (box.width < 1 || box.height < 1) problems.push("is focused and cannot be seen: " + name(e));
	}
	for (const e of document.querySelectorAll("main *")) {
		const style = getComputedStyle(e);
		const scrolls = e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(style.overflowX) ||
			e.scrollHeight > e.clientHeight + 1 && /auto|scroll/.test(style.overflowY);
		if (scrolls && seen(e) && e.tabIndex < 0) problems.push("scrolls, and only for a mouse: " + name(e));
	}
	for (const e of document.querySelectorAll("[data-plot]")) {
		const figure = e.closest("figure");
		if (!e.getAttribute("aria-label")) problems.push("a chart without a text: " + figure.id);
		if (!figure.querySelector("details table") && !document.querySelector("main section > .scroll table"))
			problems.push("a chart without a table: " + figure.id);
	}
	for (const e of document.querySelectorAll("th[aria-sort]"))
		if (!e.querySelector("a[href]")) problems.push("a column that only a mouse sorts: " + name(e));
	return problems;
})()`

// focused describes what has the focus, by its place among all elements.
const focused = `(() => { const e = document.activeElement;
	return e === document.body ? "" : Array.from(document.querySelectorAll("*")).indexOf(e) + "" })()`

// withoutMouse uses the pages with nothing but keys.
func (v *visitor) withoutMouse(t *testing.T) {
	v.t = t
	v.do(chromedp.EmulateViewport(1440, 900), browser.ColorScheme("light"))
	for _, path := range []string{"/services", "/unmapped", errorPage} {
		v.tabThrough(path)
	}
	v.skip("/services")
	v.sortAndFilter()
}

// tabThrough presses the Tab key until the focus leaves the page. It never stays where it is nor goes back.
func (v *visitor) tabThrough(path string) {
	v.t.Helper()
	v.open(path)
	stops, last := 0, -1
	for ; stops < 500; stops++ {
		v.do(chromedp.KeyEvent("\t"))
		at := sees[string](v, focused)
		if at == "" {
			break
		}
		var place int
		if _, err := fmt.Sscan(at, &place); err != nil {
			v.t.Fatal(err)
		}
		if place <= last {
			v.t.Fatalf("%s: Tab goes from element %d back to %d", path, last, place)
		}
		last = place
	}
	if stops < 8 || stops == 500 {
		v.t.Errorf("%s: the keyboard stops at %d places", path, stops)
	}
}

// skip follows the skip link: the next stop is within the content.
func (v *visitor) skip(path string) {
	v.t.Helper()
	v.open(path)
	v.do(chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r"), chromedp.KeyEvent("\t"))
	if !sees[bool](v, "document.querySelector('main').contains(document.activeElement)") {
		v.t.Errorf("%s: after the skip link comes %s", path, sees[string](v, "document.activeElement.outerHTML"))
	}
}

// sortAndFilter sorts and filters the services with nothing but keys.
func (v *visitor) sortAndFilter() {
	v.t.Helper()
	v.open("/services")
	v.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('thead th:nth-child(2) a').focus()"))
	v.do(chromedp.KeyEvent("\r"))
	if !v.becomes("location.search.includes('sort=team')", 5*time.Second) {
		v.t.Error("Enter on a head does not sort")
	}
	v.until("document.body && document.readyState == 'complete'")
	v.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('form.filters input[name=q]').focus()"))
	v.do(chromedp.KeyEvent("payment"), chromedp.KeyEvent("\r"))
	if !v.becomes("location.search.includes('q=payment') && location.search.includes('sort=team')", 5*time.Second) {
		v.t.Errorf("Enter in the text field gives %q", sees[string](v, "location.search"))
	}
}
