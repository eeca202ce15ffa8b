package hosttest

import (
	"fmt"
	"net/http"
	"slices"
)

// Issue is an issue.
type Issue struct {
	Number      int
	Title, Body string
	Labels      []string
	Closed      bool
	Reason      string // of its state
	Comments    []string
}

func (i *Issue) document(full string) object {
	state := "open"
	if i.Closed {
		state = "closed"
	}
	labels := []object{}
	for _, name := range i.Labels {
		labels = append(labels, object{"name": name})
	}
	return object{"labels": labels, "number": i.Number,
		"html_url": fmt.Sprintf("https://github.example/%s/issues/%d", full, i.Number),
		"state":    state, "title": i.Title, "body": i.Body, "state_reason": i.Reason}
}

// issue is one that was opened; nil if there is none with the number.
func (r *Repo) issue(number string) *Issue {
	i := slices.IndexFunc(r.Opened, func(i *Issue) bool { return fmt.Sprint(i.Number) == number })
	if i < 0 {
		return nil
	}
	return r.Opened[i]
}

// changeIssue changes the state of an issue.
func (r *Repo) changeIssue(full, number string, body object) (int, any) {
	i := r.issue(number)
	if i == nil {
		return problem(http.StatusNotFound, "Not Found")
	}
	i.Closed, i.Reason = body["state"] == "closed", fmt.Sprint(body["state_reason"])
	return http.StatusOK, i.document(full)
}

// issues opens an issue, or lists those with a label.
func (r *Repo) issues(req *http.Request, full string, body object) (int, any) {
	if req.Method == http.MethodPost {
		i := &Issue{Number: 1000 + len(r.Opened), Title: fmt.Sprint(body["title"]), Body: fmt.Sprint(body["body"])}
		labels, _ := body["labels"].([]any)
		for _, l := range labels {
			i.Labels = append(i.Labels, fmt.Sprint(l))
		}
		r.Opened = append(r.Opened, i)
		return http.StatusCreated, i.document(full)
	}
	found := []object{}
	for _, i := range slices.Backward(r.Opened) {
		if slices.Contains(i.Labels, req.URL.Query().Get("labels")) {
			found = append(found, i.document(full))
		}
	}
	return http.StatusOK, found
}
