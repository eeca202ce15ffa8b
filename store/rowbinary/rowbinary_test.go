package rowbinary_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dxctl/dxctl/store/rowbinary"
	"github.com/dxctl/dxctl/store/storetest"
)

type values struct {
	Text    string
	Unsign  uint64
	Signed  int64
	Texts   []string
	Numbers []int64
	Big     []uint64
}

func read(data string) (values, error, bool) {
	r := rowbinary.Of(data)
	v := values{r.String(), r.Uint64(), r.Int64(), r.Strings(nil), r.Int64s(nil), r.Uint64s(nil)}
	return v, r.Err(), r.Empty()
}

// TestWhatClickHouseWrites: every value comes back as the engine has it, and no cut is read as a value.
func TestWhatClickHouseWrites(t *testing.T) {
	s := storetest.Open(t)
	var rows []struct {
		Data string `ch:"data"`
	}
	long := strings.Repeat("long ", 1_000)
	const sql = `SELECT formatRow('RowBinary', {text:String}, toUInt64(18446744073709551615), toInt64(-2),
    {texts:Array(String)}, [toInt64(1), -9223372036854775808], arrayMap(x -> toUInt64(x), range(300))) AS data`
	texts := []string{"", "a\n\x00b", "世", long}
	if err := s.Select(t.Context(), &rows, sql, map[string]any{"text": long, "texts": texts}); err != nil {
		t.Fatal(err)
	}
	want := values{long, math.MaxUint64, -2, texts, []int64{1, math.MinInt64}, nil}
	for i := range uint64(300) {
		want.Big = append(want.Big, i)
	}
	got, err, empty := read(rows[0].Data)
	if err != nil || !empty {
		t.Errorf("%v, everything read: %t", err, empty)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for cut := range len(rows[0].Data) {
		if _, err, _ := read(rows[0].Data[:cut]); err == nil {
			t.Fatalf("the first %d bytes of %d are no error", cut, len(rows[0].Data))
		}
	}
}

// TestHostileLengths: a length beyond the data is an error and takes no memory.
func TestHostileLengths(t *testing.T) {
	for _, data := range []string{
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x80", "\x05abcd",
	} {
		r := rowbinary.Of(data)
		if got := r.Strings(nil); r.Err() == nil || slices.ContainsFunc(got, func(s string) bool { return s != "" }) {
			t.Errorf("%q is %q, %v", data, got, r.Err())
		}
	}
}
