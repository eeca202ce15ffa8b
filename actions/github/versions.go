package github

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Version is a tag of a repository and the commit that it names.
type Version struct {
	Tag    string // the most exact tag of the commit that begins with what was looked for: v4.2.1 for v4
	Commit string // 40 hexadecimal digits
}

// maxAnnotated is how many annotated tags are looked at to find the most exact one. Each costs a request.
const maxAnnotated = 3

var (
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$`)
	tagName        = regexp.MustCompile(`^[A-Za-z0-9._+-][A-Za-z0-9._/+-]{0,199}$`)
)

type gitObject struct {
	Type string `json:"type"` // commit, or tag for an annotated one
	SHA  string `json:"sha"`
}

// Version returns the commit of a tag of a repository, through annotated tags. The error is that there is no such tag:
// it may be a branch, whose commit changes.
func (h *Host) Version(ctx context.Context, repository, tag string) (Version, error) {
	fail := func(err error) error { return fmt.Errorf("looking for the commit of %s@%s: %w", repository, tag, err) }
	if !repositoryName.MatchString(repository) || !tagName.MatchString(tag) || strings.Contains(tag, "..") {
		return Version{}, errors.New("looking for the commit of an action: its name or its version is none of GitHub's")
	}
	var refs []struct {
		Ref    string    `json:"ref"`
		Object gitObject `json:"object"`
	}
	if err := h.get(ctx, "repos/"+repository+"/git/matching-refs/tags/"+tag, &refs); err != nil {
		return Version{}, fail(err)
	}
	var exact gitObject
	longer := map[string]gitObject{}
	for _, r := range refs {
		name := strings.TrimPrefix(r.Ref, "refs/tags/")
		switch {
		case name == tag:
			exact = r.Object
		case strings.HasPrefix(name, tag+"."):
			longer[name] = r.Object
		}
	}
	if exact.SHA == "" {
		return Version{}, fail(errors.New("there is no such tag; a branch changes, so choose a version"))
	}
	commit, err := h.peel(ctx, repository, exact)
	if err != nil {
		return Version{}, fail(err)
	}
	v := Version{Tag: tag, Commit: commit}
	asked := 0
	for _, name := range slices.Backward(slices.SortedFunc(maps.Keys(longer), compareVersions)) {
		object := longer[name]
		if object.Type == "tag" && object.SHA != exact.SHA {
			if asked++; asked > maxAnnotated {
				break
			}
			if object.SHA, err = h.peel(ctx, repository, object); err != nil {
				return Version{}, fail(err)
			}
		}
		if object.SHA == commit || object.SHA == exact.SHA {
			v.Tag = name
			break
		}
	}
	return v, nil
}

// peel returns the commit that an object names, through annotated tags.
func (h *Host) peel(ctx context.Context, repository string, o gitObject) (string, error) {
	for range 5 {
		if o.Type == "commit" {
			return o.SHA, nil
		}
		if o.Type != "tag" {
			break
		}
		var tag struct {
			Object gitObject `json:"object"`
		}
		if err := h.get(ctx, "repos/"+repository+"/git/tags/"+o.SHA, &tag); err != nil {
			return "", err
		}
		o = tag.Object
	}
	return "", errors.New("the tag names no commit")
}

// compareVersions orders tags by their numbers: v4.10.0 is after v4.9.1. What is no number is 0.
func compareVersions(a, b string) int {
	numbers := func(tag string) (n []int) {
		for part := range strings.SplitSeq(strings.TrimPrefix(tag, "v"), ".") {
			value, _ := strconv.Atoi(part)
			n = append(n, value)
		}
		return n
	}
	return slices.Compare(numbers(a), numbers(b))
}
