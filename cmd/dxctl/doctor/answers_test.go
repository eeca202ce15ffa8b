package doctor

import (
	"errors"
	"strings"
	"testing"

	"github.com/dxctl/dxctl/store"
)

func TestExamineAnswers(t *testing.T) {
	for _, c := range []struct {
		users []string
		err   error
		want  string
	}{
		{nil, nil, ""},
		{[]string{"grafana", "bi"}, nil, "grafana, bi can read the answers of surveys; run as an administrator: " +
			"REVOKE ALL ON dx_surveys.* FROM grafana, bi"},
		{nil, store.ErrGrantsHidden, "it is not known who can read the database dx_surveys"},
		{nil, errors.New("no connection"), "no connection"},
	} {
		var f Findings
		f.examineAnswers(c.users, "dx_surveys", c.err)
		var got []string
		for _, finding := range f {
			got = append(got, finding.Detail)
		}
		if len(got) > 1 || !strings.Contains(strings.Join(got, ""), c.want) || (c.want == "") != (len(got) == 0) {
			t.Errorf("%q, %v: %q, want %q", c.users, c.err, got, c.want)
		}
	}
}
