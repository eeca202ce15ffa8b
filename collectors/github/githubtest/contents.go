package githubtest

import (
	"crypto/sha1" //nolint:gosec // it is what git names its objects by
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Issue is an issue, or a pull request as the listing of issues shows it.
type Issue struct {
	Number           int
	Labels           []string
	Created, Updated time.Time
	Closed           time.Time // zero: it is open
	Pull             bool
}

// Release is a release. SHA is its tag's commit.
type Release struct {
	ID                int64
	Tag, SHA, Author  string
	Draft, Prerelease bool
	Created           time.Time // of the commit, by which releases are listed
	Published         time.Time
}

// Tag is a tag. Tagged is zero for a lightweight one.
type Tag struct {
	Name, SHA, Tagger string
	Committed, Tagged time.Time
}

// record is the repository's own record.
func (s *Server) record(name string) any {
	repo := s.Repos[name]
	all := map[string]any{
		"full_name":      name,
		"html_url":       s.URL + "/" + name,
		"default_branch": "main",
		"archived":       repo.Archived,
		"private":        repo.Private,
		"fork":           repo.Fork,
		"created_at":     "2020-01-02T03:04:05Z",
	}
	if !repo.Pushed.IsZero() {
		all["pushed_at"] = repo.Pushed
	}
	maps.Copy(all, repo.Record)
	return all
}

// BlobSHA returns the hash by which git names a content.
func BlobSHA(text string) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(fmt.Sprintf("blob %d\x00%s", len(text), text)))) //nolint:gosec // git's own
}

// contents are those of all files; a file without one is empty.
func (r *Repo) contents() map[string]string {
	all := make(map[string]string, len(r.Files)+len(r.Contents))
	for _, f := range r.Files {
		all[f] = ""
	}
	maps.Copy(all, r.Contents)
	return all
}

func (r *Repo) tree() []any {
	tree := []any{}
	contents := r.contents()
	for _, f := range slices.Sorted(maps.Keys(contents)) {
		mode := "100644"
		if r.Links[f] {
			mode = "120000"
		}
		tree = append(tree, map[string]any{
			"path": f,
			"mode": mode,
			"type": "blob",
			"sha":  BlobSHA(contents[f]),
			"size": len(contents[f]),
		})
	}
	return tree
}

// truncatedText is the size from which GraphQL shows a part of a text, in bytes.
const truncatedText = 512_000

var askedObject = regexp.MustCompile(`(b\d+):object\(oid:\$(o\d+)\)`)

// objects answers a query for blobs by their hashes.
func (r *Repo) objects(query string, variables map[string]any) map[string]any {
	texts := map[string]string{}
	for _, text := range r.contents() {
		texts[BlobSHA(text)] = text
	}
	found := map[string]any{}
	for _, m := range askedObject.FindAllStringSubmatch(query, -1) {
		oid, _ := variables[m[2]].(string)
		text, ok := texts[oid]
		switch {
		case !ok || r.HideContents || r.NoObjects:
			found[m[1]] = nil
		case strings.ContainsRune(text, 0):
			found[m[1]] = map[string]any{"text": nil, "isBinary": true, "isTruncated": false}
		default:
			found[m[1]] = map[string]any{
				"text":        text[:min(len(text), truncatedText)],
				"isBinary":    false,
				"isTruncated": len(text) > truncatedText,
			}
		}
	}
	return found
}

func (r *Repo) blob(sha string) (int, any, string) {
	for _, text := range r.contents() {
		if BlobSHA(text) == sha && !r.HideContents {
			encoded := base64.StdEncoding.EncodeToString([]byte(text))
			var lines strings.Builder
			for len(encoded) > 60 {
				lines.WriteString(encoded[:60] + "\n")
				encoded = encoded[60:]
			}
			return http.StatusOK, map[string]any{
				"sha":      sha,
				"encoding": "base64",
				"content":  lines.String() + encoded + "\n",
			}, ""
		}
	}
	return http.StatusNotFound, map[string]any{"message": "Not Found"}, ""
}

// issues lists those with the label, and updated at or after since.
func (r *Repo) issues(req *http.Request) (int, any, string) {
	q := req.URL.Query()
	found := []Issue{}
	since, _ := time.Parse(time.RFC3339, q.Get("since"))
	for _, i := range r.Issues {
		if slices.ContainsFunc(i.Labels, func(l string) bool { return strings.EqualFold(l, q.Get("labels")) }) &&
			!i.Updated.Before(since) {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b Issue) int { return b.Updated.Compare(a.Updated) })
	return list(req, found, 0, func(i Issue) any {
		var labels []any
		for _, l := range i.Labels {
			labels = append(labels, map[string]any{"name": l})
		}
		state := "open"
		if !i.Closed.IsZero() {
			state = "closed"
		}
		all := map[string]any{
			"number":     i.Number,
			"state":      state,
			"html_url":   fmt.Sprintf("https://github.test/issues/%d", i.Number),
			"labels":     labels,
			"created_at": i.Created,
			"updated_at": i.Updated,
			"closed_at":  when(i.Closed),
		}
		if i.Pull {
			all["pull_request"] = map[string]any{"url": "https://github.test/pull"}
		}
		return all
	}, nil)
}

// releases are listed by their commits' dates, newest first.
func (r *Repo) releases() []Release {
	all := slices.Clone(r.Releases)
	slices.SortStableFunc(all, func(a, b Release) int { return b.Created.Compare(a.Created) })
	return all
}

func (r Release) json() any {
	return map[string]any{
		"id":           r.ID,
		"tag_name":     r.Tag,
		"draft":        r.Draft,
		"prerelease":   r.Prerelease,
		"published_at": when(r.Published),
	}
}

func (r Release) node() any {
	var commit any
	if r.SHA != "" {
		commit = map[string]any{"oid": r.SHA}
	}
	return map[string]any{
		"databaseId":   r.ID,
		"tagName":      r.Tag,
		"url":          "https://github.test/releases/" + r.Tag,
		"isDraft":      r.Draft,
		"isPrerelease": r.Prerelease,
		"publishedAt":  when(r.Published),
		"author":       person(r.Author, ""),
		"tagCommit":    commit,
	}
}

// tags are listed by their commits' dates, newest first.
func (r *Repo) tags() []Tag {
	all := slices.Clone(r.Tags)
	slices.SortStableFunc(all, func(a, b Tag) int { return b.Committed.Compare(a.Committed) })
	return all
}

func (r *Repo) matchingRefs(prefix string) (int, any, string) {
	found := []any{}
	for _, t := range r.Tags {
		if strings.HasPrefix("refs/tags/"+t.Name, prefix) {
			found = append(
				found,
				map[string]any{"ref": "refs/tags/" + t.Name, "object": map[string]any{"sha": t.SHA, "type": "commit"}},
			)
		}
	}
	return http.StatusOK, found, ""
}

func (t Tag) node() any {
	target := map[string]any{"oid": t.SHA, "committedDate": t.Committed}
	if !t.Tagged.IsZero() {
		target = map[string]any{
			"oid":    "0f" + t.SHA,
			"tagger": map[string]any{"date": t.Tagged, "user": person(t.Tagger, "")},
			"target": target,
		}
	}
	return map[string]any{"name": t.Name, "target": target}
}
