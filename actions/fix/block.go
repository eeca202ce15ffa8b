package fix

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// blockBegin and blockEnd are in the lines around a block of the golden path in a file of the repository.
const blockBegin, blockEnd = "dxctl:begin", "dxctl:end"

// replaceBlock puts the block of a rendered file, the lines from its mark of the beginning to that of the end, into a
// file of the repository: in the place of the block that is there, else at the end.
func replaceBlock(now, want []byte) ([]byte, error) {
	from, to, err := blockOf(want)
	if err != nil {
		return nil, fmt.Errorf("the golden path's file %w", err)
	}
	if from == to { // the whole file is the block; it has no marks
		return nil, errors.New("the golden path's file has no lines with " + blockBegin + " and " + blockEnd)
	}
	block := want[from:to]
	if bytes.Contains(now, []byte("\r\n")) {
		block = bytes.ReplaceAll(bytes.ReplaceAll(block, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	}
	start, end, err := blockOf(now)
	if err != nil {
		return nil, fmt.Errorf("the file %w", err)
	}
	if start == end {
		if len(now) > 0 && !bytes.HasSuffix(now, []byte("\n")) {
			block = append([]byte("\n"), block...)
		}
		return slices.Concat(now, block), nil
	}
	return slices.Concat(now[:start], block, now[end:]), nil
}

// blockOf returns where the block of a text is, with its marks; from equals to if there is none.
func blockOf(text []byte) (from, to int, err error) {
	at, begins, ends := 0, 0, 0
	for line := range bytes.Lines(text) {
		switch {
		case bytes.Contains(line, []byte(blockBegin)):
			begins++
			from = at
		case bytes.Contains(line, []byte(blockEnd)):
			ends++
			to = at + len(line)
		}
		at += len(line)
	}
	switch {
	case begins == 0 && ends == 0:
		return 0, 0, nil
	case begins != 1 || ends != 1 || to <= from:
		return 0, 0, fmt.Errorf("has %d lines with %s and %d with %s; one each, in this order, is expected", begins,
			blockBegin, ends, blockEnd)
	}
	return from, to, nil
}
