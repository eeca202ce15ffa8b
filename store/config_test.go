package store_test

import (
	"strings"
	"testing"

	"github.com/dxctl/dxctl/store"
)

func TestConfigValidate(t *testing.T) {
	if err := store.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for _, tc := range []struct{ dsn, want string }{
		{"embedded:./data", ""},
		{"embedded:/var/lib/dxctl", ""},
		{"embedded:data?database=other", ""},
		{"clickhouse://user:secret@host:9000/dx", ""},
		{"clickhouse://host:9440/dx?secure=true&dial_timeout=5s", ""},
		{"http://host:8123/dx", ""},
		{"", `is empty; write "embedded:./data"`},
		{"embedded:", "no directory"},
		{"embedded:data?databse=x", `unknown option "databse"`},
		{"embedded:data?database=a-b", "not a database name"},
		{"postgres://user:secret@host/dx", "neither"},
		{"data", "neither"},
		{"clickhouse://user:secret@host:port/dx", "clickhouse://user:password@host:9000/dx"},
		{"clickhouse://user:secret@host:9000/dx?dial_timeout=soon", "soon"},
	} {
		err := store.Config{DSN: tc.dsn}.Validate()
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", tc.dsn, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "store.dsn")):
			t.Errorf("%s: got %v, want it to say %q", tc.dsn, err, tc.want)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the password is in the error: %v", tc.dsn, err)
		}
	}
}
