package yamlfile

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	docs, err := Parse("# c\na: 1\n---\nb: [\n---\nc: &x {d: 2}\ne: *x\n")
	if err != nil || len(docs) != 3 {
		t.Fatal(docs, err)
	}
	if docs[0].Line != 2 || docs[1].Err == nil || docs[1].Root != nil || docs[2].Line != 6 || Text(Get(docs[2].Root, "e", "d")) != "2" ||
		Line(Get(docs[2].Root, "c", "d")) != 6 {
		t.Errorf("%+v", docs)
	}
	deep := "x: " + strings.Repeat("[", 9_000)
	for text, want := range map[string]string{
		strings.Repeat("---\na: b\n", 1_001): "more than 1000 YAML documents",
		"a: &a [*a]":                         "refers to a part that contains it",
		"a: &a " + strings.Repeat("[x,", 999) + strings.Repeat("]", 999) + "\nb: [" + strings.Repeat("*a,", 9_999) + "]": "more than 500000 nodes",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30s: %v", text, err)
		}
	}
	if docs, err := Parse(deep); err == nil && docs[0].Err == nil {
		t.Error("parsed")
	}
	if _, err := One("a: ["); err == nil {
		t.Error("no error")
	}
	if n, err := One("# nothing\n"); n != nil || err != nil {
		t.Error(n, err)
	}
}

func TestAccess(t *testing.T) {
	n, err := One("base: &b {x: 1, y: [a, null, {}]}\nall:\n  <<: [*b, {z: 2}]\n  x: 3\nflag: True\nnone:\ntext: hello\n")
	if err != nil {
		t.Fatal(err)
	}
	all := Get(n, "all")
	flag, ok := Bool(Get(n, "flag"))
	number, isInt := Int(Get(all, "x"))
	got := fmt.Sprint(Text(Get(all, "x")), Texts(Get(all, "y")), Text(Get(all, "z")), Texts(Get(n, "text")), flag, ok, number, isInt, Has(n, "none"), Has(n, "no"), len(Items(Get(all, "y"))), Pairs(all)[0].Line)
	if want := "3[a]2[hello] true true 3 true true false 3 4"; strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("%s, want %s", got, want)
	}
	if Text(nil) != "" || Items(nil) != nil || Pairs(nil) != nil || Line(nil) != 0 || Get(nil, "x") != nil {
		t.Error("nil")
	}
}

func FuzzReadYAML(f *testing.F) {
	for _, seed := range []string{"a: &a {b: *a}", "<<: {x: 1}\n---\n- *x", "{\"a\": \"\\ud83d\\ude00\"}", "? [a]\n: b", "%YAML 1.2\n---\na"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		docs, err := Parse(text)
		if err != nil {
			return
		}
		for _, d := range docs {
			if (d.Root == nil) == (d.Err == nil) {
				t.Errorf("%+v", d)
			}
			for _, p := range Pairs(d.Root) {
				Texts(p.Value)
				Get(p.Value, "a", "b")
			}
		}
	})
}
