package rest

import (
	"compress/gzip"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

const hundredMB = 100 << 20

// filler is what a large answer is made of: an endless JSON string.
var filler = []byte(strings.Repeat("abcdefghijklmno ", 4096)) //nolint:gochecknoglobals // test data

// pour writes n bytes of filler, as far as they are wanted.
func pour(w io.Writer, n int) {
	for ; n > 0; n -= len(filler) {
		if _, err := w.Write(filler[:min(n, len(filler))]); err != nil {
			return
		}
	}
}

// TestAnswersOf100MBAreRefused shows that a 100 MB answer is neither kept nor tried again, and that the error says what
// to look at. How much memory it may cost is bounded by what is allowed, and not by what the server says or sends.
func TestAnswersOf100MBAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		most   uint64 // bytes that may be allocated on the way
		want   string
	}{
		{"it says so", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(hundredMB))
			pour(w, hundredMB)
		}, 8 << 20, "104857600 bytes, at most 67108864"},
		{"it does not say so", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			pour(w, 4*hundredMB)
		}, 5 * 64 << 20, "at most 67108864"},
		{"packed into a hundredth of itself", func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				t.Error("the client does not ask for packed answers")
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			pour(z, 4*hundredMB)
			_ = z.Close()
		}, 5 * 64 << 20, "at most 67108864"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv, n := answering(t, tc.answer)
			c := &clock{}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := get(t.Context(), t, client(t, srv.URL, c, nil), srv.URL+"/runs")
			runtime.ReadMemStats(&after)
			if err == nil || n.Load() != 1 || len(c.slept) != 0 {
				t.Fatalf("%d requests, error %v", n.Load(), err)
			}
			for _, want := range []string{"larger than allowed", tc.want, "/runs", "correct the source's url"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			most := tc.most
			if raceDetector { // it allocates twice what a buffer grows by
				most *= 2
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > most {
				t.Errorf("%d MB were allocated, at most %d are expected", used>>20, most>>20)
			}
		})
	}
}

// TestWhatIsAnnouncedCostsNothing holds a server to what it sends: one that announces 60 MB and sends a few bytes does
// not make the client set 60 MB aside, in each of its requests.
func TestWhatIsAnnouncedCostsNothing(t *testing.T) {
	srv, _ := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(60<<20))
		_, _ = io.WriteString(w, `{"half":`)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := get(t.Context(), t, client(t, srv.URL, &clock{}, func(c *Config) { c.Attempts = 2 }), srv.URL)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("error %v", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 20<<20 {
		t.Errorf("%d MB were allocated for an answer of 8 bytes", used>>20)
	}
}

func TestALargeAnswerThatIsAllowedIsRead(t *testing.T) {
	srv, _ := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"a":"`)
		pour(w, 40<<20)
		_, _ = io.WriteString(w, `"}`)
	})
	status, body, err := get(t.Context(), t, client(t, srv.URL, nil, nil), srv.URL)
	if err != nil || status != http.StatusOK || len(body) != 40<<20+8 {
		t.Errorf("%d with %d bytes, %v", status, len(body), err)
	}
}
