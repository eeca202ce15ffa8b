package delimited

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// notText are the first bytes of files that are taken for tables of text by their name, and what each is.
var notText = []struct{ prefix, what string }{
	{"PK\x03\x04", "an Excel workbook or another ZIP archive"},
	{"\xd0\xcf\x11\xe0", "an old Excel workbook"},
	{"\x1f\x8b", "compressed"},
	{"%PDF", "a PDF"},
	{"\xff\xfe\x00\x00", "UTF-32"},
	{"\x00\x00\xfe\xff", "UTF-32"},
}

// decode returns the file as UTF-8 without byte-order marks. Bytes that are no UTF-8 stay as they are, so that only the
// rows in which they stand are refused: which of the many one-byte encodings it is, the file does not say.
func decode(data []byte) ([]byte, error) {
	for _, n := range notText {
		if bytes.HasPrefix(data, []byte(n.prefix)) {
			return nil, Problem{Line: 1, Message: "the file is " + n.what + "; save it as CSV in UTF-8"}
		}
	}
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		data = fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		data = fromUTF16(data[2:], binary.BigEndian)
	default:
		if order := bareUTF16(data); order != nil {
			data = fromUTF16(data, order)
		}
	}
	for bytes.HasPrefix(data, []byte("\ufeff")) {
		data = bytes.TrimPrefix(data, []byte("\ufeff"))
	}
	data = bytes.TrimRight(data, "\x1a") // the end of a file to DOS
	head := bytes.ToLower(bytes.TrimSpace(data[:min(len(data), 256)]))
	for _, tag := range []string{"<html", "<!doctype html", "<table", "<?xml"} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return nil, Problem{Line: 1, Message: "the file is HTML or XML; save it as CSV in UTF-8"}
		}
	}
	return data, nil
}

// bareUTF16 recognizes UTF-16 without a mark: in a text of mostly Latin letters every second byte is zero.
func bareUTF16(data []byte) binary.ByteOrder {
	sample := data[:min(len(data), 1024)&^1]
	var zeros [2]int
	for i, b := range sample {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch most := len(sample) / 2; {
	case most == 0:
	case zeros[1] > most*3/4 && zeros[0] == 0:
		return binary.LittleEndian
	case zeros[0] > most*3/4 && zeros[1] == 0:
		return binary.BigEndian
	}
	return nil
}

// fromUTF16 decodes UTF-16. Halves of characters become a byte that is no UTF-8, so that their rows are refused.
func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i += 2 {
		if i+1 == len(data) {
			return append(out, 0xff)
		}
		r := rune(order.Uint16(data[i:]))
		if utf16.IsSurrogate(r) {
			var low rune
			if i+3 < len(data) {
				low = rune(order.Uint16(data[i+2:]))
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				out = append(out, 0xff)
				continue
			}
			i += 2
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}
