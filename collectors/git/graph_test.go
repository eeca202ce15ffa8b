package git

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func id(n int) string { return fmt.Sprintf("%040x", n) }

func read(t testing.TB, text string) *graph {
	t.Helper()
	g := newGraph()
	if err := g.read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGraph(t *testing.T) {
	// 4 merges 2 and 3, which are both built upon 1. 9 is named as a parent and not there.
	g := read(
		t,
		id(4)+" 100040 100041 "+id(2)+" "+id(3)+"\n"+id(3)+" 30 31 "+id(1)+"\n"+id(2)+" 20 x "+id(1)+" "+id(
			9,
		)+"\n"+id(1)+" -5 999999999999999 \n",
	)
	nodes := g.resolve([]string{id(1), id(2), id(3), id(4), id(5), id(9)})
	if len(nodes) != 4 {
		t.Fatalf("found %v", nodes)
	}
	s := g.set()
	var got []string
	g.spread(s, nodes[id(2)], func(n int32) { got = append(got, g.sha(n)) })
	if want := []string{id(2), id(1)}; !slices.Equal(got, want) {
		t.Errorf("below 2: %v", got)
	}
	got = nil
	g.spread(s, nodes[id(4)], func(n int32) { got = append(got, g.sha(n)) })
	slices.Sort(got)
	if want := []string{id(3), id(4)}; !slices.Equal(got, want) {
		t.Errorf("below 4 and not below 2: %v", got)
	}
	if c := g.commit(nodes[id(4)]); c.AuthoredAt.Unix() != 100040 || c.CommittedAt.Unix() != 100041 {
		t.Errorf("times %+v", c)
	}
	for _, n := range []int{1, 2} {
		if c := g.commit(nodes[id(n)]); !c.CommittedAt.IsZero() {
			t.Errorf("a date that is none: %+v", c)
		}
	}
}

func TestIdsThatBeginAlike(t *testing.T) {
	a, b := strings.Repeat("a", 20)+strings.Repeat("b", 20), strings.Repeat("a", 20)+strings.Repeat("c", 20)
	g := read(t, b+" 2 2 "+a+"\n"+a+" 1 1 \n")
	nodes := g.resolve([]string{a, b, a[:19], a[:21], b[:21], "aaaaaa"})
	if len(nodes) != 4 || g.sha(nodes[a]) != a || g.sha(nodes[b]) != b || g.sha(nodes[a[:21]]) != a ||
		g.sha(nodes[b[:21]]) != b {
		t.Errorf("found %v", nodes)
	}
}

func TestAHistoryThatIsNone(t *testing.T) {
	for _, text := range []string{"\n", "fatal: not a repository\n", "x 1 2\n", id(1) + " 1\n", strings.Repeat("g", 40) + " 1 2 \n", id(1) + " 1 2 " + id(2) + "00\n"} {
		if err := newGraph().read(strings.NewReader(text)); err == nil {
			t.Errorf("%q is taken for a history", text)
		}
	}
}

func FuzzHistory(f *testing.F) {
	f.Add(id(2) + " 1 2 " + id(1) + "\n" + id(1) + " 1 2 \n")
	f.Add(id(1) + " 1 2 " + id(1) + "\n")
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, text string) {
		g := newGraph()
		if g.read(strings.NewReader(text)) != nil {
			return
		}
		s := g.set()
		for n := range g.ids {
			g.spread(s, int32(n), func(n int32) {
				if !g.has(n) || !s.has(n) {
					t.Errorf("commit %d", n)
				}
			})
			if found := g.resolve([]string{g.sha(int32(n))}); g.has(int32(n)) && found[g.sha(int32(n))] != int32(n) {
				t.Errorf("%s is not found", g.sha(int32(n)))
			}
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"https://github.com/o/a.git", "git@github.com:o/a", "file:///x/y", "ssh://git@h:22/o/a", "o/a", "--upload-pack=x", "ext::sh"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err != nil {
			return
		}
		if strings.HasPrefix(a.url, "-") || strings.HasPrefix(a.host, "-") ||
			!slices.Contains([]string{"https", "http", "ssh", "file"}, a.scheme) {
			t.Errorf("%q is taken as %+v", text, a)
		}
	})
}

func FuzzTouched(f *testing.F) {
	f.Add(
		id(3) + "\x00:100644 100644 a b M\x00a/x\x00" + id(3) + "\x00" + id(2) + "\x00:0 1 a b A\x00" + id(
			1,
		) + "\x00" + id(1) + "\x00",
	)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		g := read(t, id(3)+" 3 3 "+id(2)+" "+id(1)+"\n"+id(2)+" 2 2 "+id(1)+"\n"+id(1)+" 1 1 \n")
		all := g.set()
		for n := range g.ids {
			all.add(int32(n))
		}
		got := touches{first: map[int32][]uint16{}, every: map[int32][]uint16{}}
		if got.read(strings.NewReader(text), g, all, []string{"a", "b/c"}) != nil {
			return
		}
		for n := range g.ids {
			if found := got.of(g, int32(n), true); !slices.IsSorted(found) || len(found) > 2 {
				t.Errorf("commit %d touches %v", n, found)
			}
		}
	})
}
