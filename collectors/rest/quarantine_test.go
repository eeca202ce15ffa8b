package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dxctl/dxctl/collectors/rest"
)

var quarantineDay = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func answers(status int) error {
	return &rest.AnswerError{Status: status, Err: fmt.Errorf("status %d", status)}
}

func TestQuarantineHoldsOneObjectAndReadsTheOthers(t *testing.T) {
	q := (*rest.Quarantine)(nil).Begin()
	for _, key := range []string{"1", "2", "3"} {
		ok, err := q.Do(t.Context(), key, quarantineDay, func(context.Context) error {
			if key == "2" {
				return answers(500)
			}
			return nil
		})
		if err != nil || ok != (key != "2") {
			t.Fatalf("object %s: read %v, error %v", key, ok, err)
		}
	}
	err := q.Err("run")
	if !rest.OnlySkipped(err) || !strings.Contains(err.Error(), "1 run could not be read") ||
		!strings.Contains(err.Error(), "2 (status 500)") {
		t.Errorf("error %v", err)
	}
	doc, marshalErr := json.Marshal(struct {
		Failed *rest.Quarantine `json:"failed,omitzero"`
	}{q})
	if marshalErr != nil {
		t.Fatal(marshalErr)
	}
	var back struct {
		Failed *rest.Quarantine `json:"failed,omitzero"`
	}
	if err := json.Unmarshal(doc, &back); err != nil {
		t.Fatal(err)
	}
	q = back.Failed.Begin()
	if due := q.Due(quarantineDay); len(due) != 1 || due[0] != "2" {
		t.Fatalf("due after a restart: %v, want the one that failed", due)
	}
	if ok, err := q.Do(t.Context(), "2", quarantineDay, func(context.Context) error { return nil }); !ok || err != nil {
		t.Fatalf("read again: %v, %v", ok, err)
	}
	if q.Err("run") != nil || !q.IsZero() {
		t.Errorf("what was read is still held: %v", q.Err("run"))
	}
}

func TestQuarantineWaitsLongerEachTime(t *testing.T) {
	q := (*rest.Quarantine)(nil).Begin()
	now := quarantineDay
	var waits []time.Duration
	for range 14 {
		began := now
		for len(q.Due(now)) == 0 && q.Len() > 0 {
			now = now.Add(time.Minute)
		}
		waits = append(waits, now.Sub(began))
		q.Begin()
		if _, err := q.Do(t.Context(), "x", now, func(context.Context) error { return answers(500) }); err != nil {
			t.Fatal(err)
		}
	}
	if waits[1] != 0 || waits[3] != 0 || waits[4] != 10*time.Minute || waits[5] != 20*time.Minute ||
		waits[13] != 24*time.Hour {
		t.Errorf("waits %v", waits)
	}
}

func TestQuarantineKnowsAnOutage(t *testing.T) {
	for name, err := range map[string]error{"unreachable": errors.New("connection refused"), "unauthorized": fmt.Errorf("%w: 401", rest.ErrUnauthorized),
		"answered 401": answers(401), "canceled": context.Canceled} {
		q := (*rest.Quarantine)(nil).Begin()
		if _, got := q.Do(
			t.Context(),
			"x",
			quarantineDay,
			func(context.Context) error { return err },
		); !errors.Is(got, err) ||
			q.Len() != 0 {
			t.Errorf("%s: %v with %d held, want the error and nothing held", name, got, q.Len())
		}
	}
	q := (*rest.Quarantine)(nil).Begin()
	for i := range 100 {
		_, err := q.Do(t.Context(), fmt.Sprint(i), quarantineDay, func(context.Context) error { return answers(500) })
		if err != nil {
			if i > 10 {
				t.Errorf("the pass went on for %d objects though every one of them failed", i)
			}
			return
		}
	}
	t.Error("every object failed, and the pass did not")
}

func TestOnlySkipped(t *testing.T) {
	skipped := &rest.SkippedError{What: "run", Objects: map[string]rest.Held{"1": {Failures: 1, Error: "status 500"}}}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"nothing": {nil, false},
		"one":     {skipped, true},
		"wrapped": {fmt.Errorf("runs: %w", skipped), true},
		"joined":  {errors.Join(fmt.Errorf("runs: %w", skipped), fmt.Errorf("jobs: %w", skipped)), true},
		"worse":   {errors.Join(skipped, errors.New("connection refused")), false},
		"other":   {errors.New("connection refused"), false},
	} {
		if got := rest.OnlySkipped(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
