package delivery

import (
	"strings"
	"testing"
	"time"
)

// TestComparisonsTakeTheSameTime compares a wrong first byte with a wrong last byte. A comparison that stops at the
// first difference would tell them apart; 64 KiB make that visible above the noise.
func TestComparisonsTakeTheSameTime(t *testing.T) {
	secret := strings.Repeat("s", 64<<10)
	first, last := "x"+secret[1:], secret[:len(secret)-1]+"x"
	clock := func(sent string) time.Duration {
		start := time.Now()
		if sameSecret(sent, secret) {
			t.Fatal("a wrong secret is right")
		}
		return time.Since(start)
	}
	// The shortest of many, in turns, is the time without what else the machine does.
	a, b := time.Hour, time.Hour
	for range 500 {
		a, b = min(a, clock(first)), min(b, clock(last))
	}
	if a > 3*b || b > 3*a {
		t.Errorf("a wrong first byte took %v, a wrong last byte %v", a, b)
	}
}
