package client

import "testing"

func TestWhereTheAPIsAre(t *testing.T) {
	for _, tc := range []struct{ configured, rest, graphql string }{
		{"", "https://api.github.com/", "https://api.github.com/graphql"},
		{"https://github.com", "https://api.github.com/", "https://api.github.com/graphql"},
		{"https://api.github.com", "https://api.github.com/", "https://api.github.com/graphql"},
		{"https://ghe.example.com", "https://ghe.example.com/api/v3/", "https://ghe.example.com/api/graphql"},
		{"https://ghe.example.com/api/v3", "https://ghe.example.com/api/v3/", "https://ghe.example.com/api/graphql"},
		{"https://acme.ghe.com", "https://api.acme.ghe.com/", "https://api.acme.ghe.com/graphql"},
		{"http://127.0.0.1:9900/github", "http://127.0.0.1:9900/github/", "http://127.0.0.1:9900/github/graphql"},
	} {
		u, err := APIURL(tc.configured)
		if err != nil || u.String() != tc.rest || graphQLURL(u) != tc.graphql {
			t.Errorf("%q: %v, %s, %v", tc.configured, u, graphQLURL(u), err)
		}
	}
}

func TestLimitsThatOnlyTheBodyShows(t *testing.T) {
	for _, tc := range []struct {
		status int
		body   string
		want   bool
	}{
		{403, `{"message":"You have exceeded a secondary rate limit. Please wait"}`, true},
		{403, `{"message":"You have triggered an abuse detection mechanism"}`, true},
		{200, `{"data":null,"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}`, true},
		{200, `{"data":{"title":"RATE_LIMITED"}}`, false},
		{403, `{"message":"Resource not accessible by integration"}`, false},
	} {
		if _, got := limited(tc.status, nil, []byte(tc.body)); got != tc.want {
			t.Errorf("%d %s: %t", tc.status, tc.body, got)
		}
	}
}
