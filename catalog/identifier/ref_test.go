package identifier

import "testing"

func TestParseRef(t *testing.T) {
	tests := []struct{ in, kind, namespace, want string }{
		{"team-a", "group", "", "group:default/team-a"},
		{"User:Default/Bob", "group", "", "user:default/bob"},
		{"ns/x", "component", "", "component:ns/x"},
		{"resource:db", "component", "shop", "resource:shop/db"},
		{"  x  ", "Component", "", "component:default/x"},
		{"", "group", "", ""},
		{"x", "", "", ""},
		{":x", "group", "", ""},
		{"/x", "group", "", ""},
		{"a:b:c", "group", "", ""},
		{"a/b/c", "group", "", ""},
		{"a:", "group", "", ""},
		{"a b", "group", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParseRef(tt.in, tt.kind, tt.namespace)
			if tt.want == "" {
				if err == nil {
					t.Errorf("got %v, want an error", got)
				}
				return
			}
			if err != nil || got.String() != tt.want {
				t.Errorf("got %v, %v, want %s", got, err, tt.want)
			}
		})
	}
}
