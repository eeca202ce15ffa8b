package setup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dxctl/dxctl/collectors/source"
	"github.com/dxctl/dxctl/files"
)

// mostShown is how many repositories are listed to choose from; the others can be chosen by name.
const mostShown = 200

// choose returns the repositories that are configured: those that the user chooses, or those that look like services.
func (s *session) choose(ctx context.Context, p place, all source.Listing) ([]source.Repository, error) {
	s.result.Repositories = len(all.Repositories)
	candidates, leftOut := candidatesOf(all.Repositories)
	s.say("%s: %s%s.\n", strings.TrimSpace(p.product()+" "+all.Account), repositories(len(all.Repositories)),
		leftOutNote(leftOut))
	if len(s.Repositories) > 0 {
		return byNames(all.Repositories, s.Repositories)
	}
	if len(candidates) == 0 {
		return nil, fmt.Errorf("%s has no repository to configure%s; nothing was written", all.Account, leftOutNote(leftOut))
	}
	shown, proposed := shownOf(candidates)
	if !s.asks() {
		if len(proposed) == 0 {
			return nil, fmt.Errorf("%s has %s, and none shows a sign of a service (deployments, a Dockerfile, a workflow "+
				"that deploys); name them with --repository NAME, or --repository '*' for all; nothing was written",
				all.Account, repositories(len(candidates)))
		}
		return proposed, nil
	}
	s.show(shown, len(proposed), len(candidates))
	for {
		answer, err := s.ask(ctx, question(len(proposed)), suggestion(len(proposed)), "--repository NAME")
		if err != nil {
			return nil, err
		}
		chosen, err := pick(answer, shown, candidates, proposed)
		if err == nil && len(chosen) == 0 {
			err = errors.New("no repository is chosen; press Ctrl-C to stop")
		}
		if err == nil {
			return chosen, nil
		}
		s.say("%v\n", err)
	}
}

// marked is the answer for the proposed repositories.
const marked = "those with *"

func suggestion(proposed int) string {
	if proposed == 0 {
		return ""
	}
	return marked
}

func question(proposed int) string {
	text := "Which of them are services? Numbers (1,3-5), names (shop-*), all"
	if proposed > 0 {
		text += ", or those with * but for some (-2)"
	}
	return text
}

// candidatesOf returns the repositories that can be proposed, those with signs first, and how many cannot, by reason.
func candidatesOf(all []source.Repository) (candidates []source.Repository, leftOut map[string]int) {
	leftOut = map[string]int{}
	for _, r := range all {
		if r.LeftOut != "" {
			leftOut[r.LeftOut]++
			continue
		}
		candidates = append(candidates, r)
	}
	slices.SortStableFunc(candidates, func(a, b source.Repository) int {
		if a, b := looksLikeService(a), looksLikeService(b); a != b {
			if a {
				return -1
			}
			return 1
		}
		return strings.Compare(strings.ToLower(a.Path), strings.ToLower(b.Path))
	})
	return candidates, leftOut
}

// looksLikeService reports whether a repository is proposed. One whose files were not shown is: it may be a service.
func looksLikeService(r source.Repository) bool {
	return len(r.Signs()) > 0 || r.Descriptor != "" || r.Unread
}

func shownOf(candidates []source.Repository) (shown, proposed []source.Repository) {
	for _, r := range candidates {
		if looksLikeService(r) {
			proposed = append(proposed, r)
		}
	}
	shown = proposed
	if len(shown) == 0 {
		shown = candidates
	}
	return shown[:min(len(shown), mostShown)], proposed
}

func (s *session) show(shown []source.Repository, proposed, candidates int) {
	width := 0
	for _, r := range shown {
		width = max(width, len(r.Path))
	}
	for i, r := range shown {
		mark := " "
		if looksLikeService(r) {
			mark = "*"
		}
		s.say("%4d %s %-*s  %s\n", i+1, mark, min(width, 60), r.Path, oneLine(strings.Join(reasons(r), "; ")))
	}
	if more := proposed - len(shown); more > 0 {
		s.say("%s more with * are not shown.\n", repositories(more))
	}
	if more := candidates - max(len(shown), proposed); more > 0 {
		s.say("%s without a sign can be chosen by name.\n", repositories(more))
	}
}

// reasons returns why a repository is proposed.
func reasons(r source.Repository) []string {
	signs := r.Signs()
	if r.Descriptor != "" {
		signs = append(signs, "described by "+r.Descriptor)
	}
	if r.Unread {
		signs = append(signs, "its files are not shown")
	}
	return signs
}

// pick reads an answer: "all", numbers of the shown ones, ranges, names and patterns; those with - in front are taken
// from the proposed ones.
func pick(answer string, shown, candidates, proposed []source.Repository) ([]source.Repository, error) {
	if answer == marked {
		return proposed, nil
	}
	words := strings.FieldsFunc(answer, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' })
	without := len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return !strings.HasPrefix(w, "-") })
	named := map[string]bool{}
	for _, word := range words {
		found, err := match(strings.TrimPrefix(word, "-"), shown, candidates)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			named[r.Path] = without || !strings.HasPrefix(word, "-")
		}
	}
	from := candidates
	if without {
		from = proposed
	}
	var chosen []source.Repository
	for _, r := range from {
		if named[r.Path] != without {
			chosen = append(chosen, r)
		}
	}
	return chosen, nil
}

// match returns the repositories that a word of the answer means.
func match(word string, shown, candidates []source.Repository) ([]source.Repository, error) {
	if strings.EqualFold(word, "all") {
		return candidates, nil
	}
	first, last, isRange := strings.Cut(word, "-")
	from, err := strconv.Atoi(first)
	to := from
	if err == nil && isRange {
		to, err = strconv.Atoi(last)
	}
	if err == nil {
		if from < 1 || to < from || to > len(shown) {
			return nil, fmt.Errorf("%s: the numbers are 1 to %d", word, len(shown))
		}
		return shown[from-1 : to], nil
	}
	return byNames(candidates, []string{word})
}

// byNames returns the repositories whose path, or the name at its end, matches one of the names. * matches any
// characters of a name.
func byNames(all []source.Repository, names []string) ([]source.Repository, error) {
	var chosen []source.Repository
	for _, name := range names {
		found := false
		for _, r := range all {
			if !matches(strings.ToLower(name), r) {
				continue
			}
			found = true
			if !slices.ContainsFunc(chosen, func(c source.Repository) bool { return c.Path == r.Path }) {
				chosen = append(chosen, r)
			}
		}
		if !found {
			return nil, fmt.Errorf("no repository matches %q; give a name, a path, or a pattern with *", name)
		}
	}
	return chosen, nil
}

// matches reports whether a repository is meant by a name in lower case. A pattern means only those that can be
// proposed; an archived repository or a fork has to be named.
func matches(name string, r source.Repository) bool {
	full := strings.ToLower(r.Path)
	if name == full || name == path.Base(full) || name == r.ID && !strings.Contains(name, "/") {
		return true
	}
	if r.LeftOut != "" || !strings.ContainsAny(name, "*?[") {
		return false
	}
	whole, _ := path.Match(name, full)
	base, _ := path.Match(name, path.Base(full))
	return whole || base
}

func repositories(n int) string { return files.Count(n, "repository", "repositories") }

// leftOutNote is " (not proposed: 3 archived, 2 fork)"; empty if all are proposed.
func leftOutNote(leftOut map[string]int) string {
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(leftOut)) {
		parts = append(parts, fmt.Sprintf("%d %s", leftOut[why], why))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (not proposed: " + strings.Join(parts, ", ") + ")"
}
