//go:build race

package main

// withRaceDetector tells that this test binary has the race detector.
const withRaceDetector = true
