package archive

import (
	crand "crypto/rand"
	"math/rand/v2"
	"time"

	"github.com/dxctl/dxctl/surveys"
)

// body is how answers are stored. Groups are listed once and referred to by their number, because most of the responses
// share them.
type body struct {
	Opens     time.Time           `json:"opens"`
	Closes    time.Time           `json:"closes"`
	TimeZone  string              `json:"time_zone,omitempty"`
	Items     []surveys.Item      `json:"items"`
	Parents   map[string]string   `json:"parents,omitempty"`
	Invited   []surveys.GroupSize `json:"invited,omitempty"`
	Turnout   surveys.Turnout     `json:"turnout"`
	Excluded  map[string]int      `json:"excluded,omitempty"`
	Groups    []surveys.Groups    `json:"groups"`
	Responses []bodyResponse      `json:"responses"`
}

type bodyResponse struct {
	Group      int             `json:"g"`
	Respondent string          `json:"r,omitempty"`
	Ratings    []surveys.Point `json:"a"`
	Comments   map[int]string  `json:"c,omitempty"` // by the position of the item
}

// newBody returns the stored form, with the responses in random order: theirs in the export is the order of time.
func newBody(all surveys.Answers) body {
	b := body{
		Opens: all.Opens, Closes: all.Closes, TimeZone: all.TimeZone, Parents: all.Parents, Invited: all.Invited,
		Turnout: all.Turnout, Excluded: all.Excluded,
		Responses: make([]bodyResponse, 0, len(all.Responses)),
	}
	for _, item := range all.Items {
		item.Headers, item.Labels, item.Unknown = nil, nil, nil
		b.Items = append(b.Items, item)
	}
	number := map[surveys.Groups]int{}
	var seed [32]byte
	_, _ = crand.Read(seed[:])               // it never fails
	order := rand.New(rand.NewChaCha8(seed)) //nolint:gosec // ChaCha8 is as good as crypto/rand
	for _, at := range order.Perm(len(all.Responses)) {
		r := all.Responses[at]
		n, known := number[r.Groups]
		if !known {
			n = len(b.Groups)
			number[r.Groups] = n
			b.Groups = append(b.Groups, r.Groups)
		}
		stored := bodyResponse{Group: n, Respondent: r.Respondent, Ratings: r.Ratings}
		for i, text := range r.Comments {
			if text != "" {
				if stored.Comments == nil {
					stored.Comments = map[int]string{}
				}
				stored.Comments[i] = text
			}
		}
		b.Responses = append(b.Responses, stored)
	}
	return b
}

func (b body) answers() surveys.Answers {
	out := surveys.Answers{
		Opens: b.Opens, Closes: b.Closes, TimeZone: b.TimeZone, Items: b.Items, Parents: b.Parents, Invited: b.Invited,
		Turnout: b.Turnout, Excluded: b.Excluded,
		Responses: make([]surveys.Response, 0, len(b.Responses)),
	}
	for _, r := range b.Responses {
		response := surveys.Response{
			Respondent: r.Respondent, Ratings: r.Ratings, Comments: make([]string, len(b.Items)),
		}
		if r.Group >= 0 && r.Group < len(b.Groups) {
			response.Groups = b.Groups[r.Group]
		}
		for i, text := range r.Comments {
			if i >= 0 && i < len(response.Comments) {
				response.Comments[i] = text
			}
		}
		for len(response.Ratings) < len(b.Items) {
			response.Ratings = append(response.Ratings, surveys.NotAnswered)
		}
		out.Responses = append(out.Responses, response)
	}
	return out
}
