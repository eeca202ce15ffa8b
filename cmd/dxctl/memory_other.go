//go:build !linux

package main

// limitMemory does nothing where the kernel has no such limit; GOMEMLIMIT still makes the collector of garbage keep
// below its own.
func limitMemory(uint64) error { return nil }
