package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// TestLineReader: a question that waits for a line ends with an interruption, and with the end of the input.
func TestLineReader(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	r := &lineReader{ctx: ctx, in: in}
	go out.Write([]byte("yes\n"))
	line := make([]byte, 10)
	if n, err := r.Read(line); err != nil || string(line[:n]) != "yes\n" || r.ended {
		t.Fatalf("read %q, %v", line[:n], err)
	}
	time.AfterFunc(10*time.Millisecond, interrupt)
	if _, err := r.Read(line); err != io.EOF || !r.ended { //nolint:errorlint // readers compare it
		t.Fatalf("after an interruption: %v", err)
	}
	r = &lineReader{ctx: t.Context(), in: strings.NewReader("")}
	for range 2 {
		if _, err := r.Read(line); err != io.EOF || !r.ended { //nolint:errorlint // readers compare it
			t.Fatalf("at the end: %v", err)
		}
	}
}
