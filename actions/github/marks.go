package github

import (
	"fmt"
	"regexp"
	"strings"
)

// closedMark is in the body of a pull request that dxctl closed, instead of the patch.
const closedMark = "<!-- dxctl closed -->"

const closedNote = "dxctl: nothing remains to change here, so this pull request is closed."

func heldNote(p Proposal, foreign string) string {
	return fmt.Sprintf("dxctl: this branch has the commit %.12s, which dxctl did not make, so dxctl does not change the "+
		"branch. To get its present changes, merge or close this pull request, or remove the commit.\n\n%s", foreign,
		mark(p.Patch()))
}

// The trailers of our commits. The second one shows whether somebody has changed the commit.
const patchTrailer, treeTrailer = "Dxctl-Patch: ", "Dxctl-Tree: "

func signed(p Proposal, tree string) string {
	return strings.TrimSpace(p.Message) + "\n\n" + patchTrailer + p.Patch() + "\n" + treeTrailer + tree + "\n"
}

// ours returns the patch of a commit that dxctl made; "" if it did not, or somebody has changed it.
func ours(message, tree string) string {
	patch := ""
	same := false
	for line := range strings.Lines(message) {
		line = strings.TrimSpace(line)
		if value, ok := strings.CutPrefix(line, patchTrailer); ok {
			patch = value
		}
		if value, ok := strings.CutPrefix(line, treeTrailer); ok {
			same = value == tree
		}
	}
	if !same {
		return ""
	}
	return patch
}

// mark is a comment that pages do not show.
func mark(patch string) string { return "<!-- dxctl patch " + patch + " -->" }

var marked = regexp.MustCompile(`<!-- dxctl patch (sha256:[0-9a-f]{64}) -->`)

// patchOf returns the patch that the body of a pull request names; "" if it names none.
func patchOf(body string) string {
	found := marked.FindAllStringSubmatch(body, -1)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1][1]
}

// bodyStart begins our part of the body of a pull request; the mark of the patch ends it.
const bodyStart = "<!-- dxctl -->"

func body(p Proposal) string {
	return bodyStart + "\n" + strings.TrimSpace(p.Body) + "\n\n" + mark(p.Patch())
}

// ended ends our part of the body: the mark of the patch, or what replaces it when dxctl closes the pull request, which
// somebody may open again.
var ended = regexp.MustCompile(marked.String() + "|" + closedMark)

// bodyWithin returns a body with our part updated. What people wrote before and after it stays.
func bodyWithin(there string, p Proposal) string {
	start := strings.Index(there, bodyStart)
	ends := ended.FindAllStringIndex(there, -1)
	if start < 0 || len(ends) == 0 || ends[len(ends)-1][0] < start {
		return strings.TrimSpace(strings.TrimSpace(there) + "\n\n" + body(p))
	}
	return there[:start] + body(p) + there[ends[len(ends)-1][1]:]
}
