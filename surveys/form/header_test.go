package form

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		" a\u00a0b\u200b ": "a b", "<b>a</b><br>b": "a b", "a &amp; b": "a & b", "1 < 2": "1 < 2", "a\r\nb\tc": "a b c",
		"&lt;b&gt;a&lt;/b&gt;": "a", "<script>x()</script>a": "a", "": "", "日本 語": "日本 語",
	} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestWithoutAddresses(t *testing.T) {
	const x = "[address removed]"
	for text, want := range map[string]string{
		"ask bob.o'neil+x@mail.x.example!":  "ask " + x + "!",
		"10.1.2.3, and 1.2.3":               x + ", and 1.2.3",
		"my laptop 2001:db8::1:42 fails":    "my laptop " + x + " fails",
		"fe80::1":                           x,
		"at 10:15:00 I wait ... 3.5.1 ::::": "at 10:15:00 I wait ... 3.5.1 ::::",
		"@team, see v1.2.3.4":               "@team, see v1.2.3.4",
		"std::vector in Foo::Bar, a::b c::": "std::vector in Foo::Bar, a::b c::",
		"Größe: ä@ö.example.":               "Größe: " + x + ".",
	} {
		if got := WithoutAddresses(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
		if got := HasAddress(text); got != (text != want) {
			t.Errorf("%q: has an address: %v", text, got)
		}
	}
}

// An answer that is the name of a column of a tool does not make its row the header.
func TestAnswersAreNoHeader(t *testing.T) {
	e, err := Read("f.csv", []byte("Builds are fast,How do you get help?,Deploys are easy\n4,Chat,5\n3,Email,2\n2,Name,1\n"), Options{})
	if err != nil || len(e.Rows) != 3 || e.Columns[1].Header != "How do you get help?" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestFilesWithoutHeader(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"the header is Windows-1252": {"Zeitstempel;Tests sind zuverl\xe4ssig\n10.09.2026 10:00;1\n10.09.2026 11:00;2\n",
			"line 1, the header or above it, cannot be read: column 2: the cell is not UTF-8 text"},
		"a date":     {"2026-09-20 10:00,4,I hate it\n2026-09-20 11:00,5,\n", "line 1 should be the header and has a date"},
		"an address": {"me,a@x.example,4\nyou,b@x.example,5\n", "line 1 should be the header and has an address"},
		"numbers":    {"4,5,so so\n3,3,good\n", "line 1 should be the header and has numbers"},
	} {
		_, err := Read("f.csv", []byte(c.data), Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hate") {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}

func TestQuestionsForNamesArePrivate(t *testing.T) {
	for header, want := range map[string]Role{
		"Your name": Private, "What is your name?": Private, "Full name": Private, "Employee ID": Private,
		"Name of the tool that slows you down": Question, "Username": Email, "Team name": Question,
	} {
		e, err := Read("f.csv", []byte("Builds are fast,"+header+"\n4,Ana Ruiz\n"), Options{})
		if err != nil || e.Columns[1].Role != want || want == Private && e.Rows[0].Cells[1] != "" {
			t.Errorf("%q: %+v, %v", header, e, err)
		}
	}
}
