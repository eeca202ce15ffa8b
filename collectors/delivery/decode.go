package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
)

// Misfit is a part of a payload that was left out because its value does not fit. The rest of the payload is used.
type Misfit struct {
	Field  string `json:"field"`  // where it is: customData.started_at, builds[2].queued_duration
	Reason string `json:"reason"` // what is wrong with it
}

func (m Misfit) String() string { return m.Field + ": " + m.Reason }

// MaxMisfits bounds how many parts are listed for one payload.
const MaxMisfits = 50

// Misfits are the parts of one payload that were left out.
type Misfits []Misfit

// Add adds a part with the reason why it does not fit.
func (m *Misfits) Add(field, format string, args ...any) {
	switch {
	case len(*m) < MaxMisfits:
		*m = append(*m, Misfit{Field: Excerpt(field), Reason: fmt.Sprintf(format, args...)})
	case len(*m) == MaxMisfits:
		*m = append(*m, Misfit{Field: "…", Reason: "further fields do not fit; they are left out too"})
	}
}

// At returns the reason why a field does not fit; empty when it fits.
func (m Misfits) At(fields ...string) string {
	for _, one := range m {
		for _, f := range fields {
			if one.Field == f {
				return one.String()
			}
		}
	}
	return ""
}

// Excerpt returns the beginning of a text that somebody else wrote, for messages.
func Excerpt(s string) string {
	const longest = 120
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// Decode reads a JSON object into a struct. Only what fits is set; what does not is returned with its path. The error
// is of a document that is not a JSON object at all.
func Decode(raw []byte, into any) (Misfits, error) {
	if err := json.Unmarshal(raw, into); err == nil {
		if first := FirstByte(raw); first == '{' || first == 'n' {
			return nil, nil
		}
	}
	var m Misfits
	if err := object(raw, reflect.ValueOf(into).Elem(), "", &m, false); err != nil {
		return nil, err
	}
	return m, nil
}

// DecodeStrictly is [Decode] that also lists keys that the struct does not have, and keys that are given twice. Paths
// begin with prefix.
func DecodeStrictly(raw []byte, into any, prefix string) (Misfits, error) {
	var m Misfits
	err := object(raw, reflect.ValueOf(into).Elem(), prefix, &m, true)
	return m, err
}

// FirstByte returns the first byte of a JSON document that is no space; 0 where there is none.
func FirstByte(raw []byte) byte {
	if raw = bytes.TrimLeft(raw, " \t\r\n"); len(raw) > 0 {
		return raw[0]
	}
	return 0
}

// object reads the keys of a JSON object in their order. With strict, a key that is unknown or comes again is a misfit;
// of one that comes again the first value counts.
func object(raw []byte, into reflect.Value, path string, m *Misfits, strict bool) error {
	if !json.Valid(raw) {
		var v any
		return fmt.Errorf("it is not JSON: %w", json.Unmarshal(raw, &v))
	}
	if FirstByte(raw) != '{' {
		return fmt.Errorf("it is %s, not a JSON object", Describe(raw))
	}
	keys := json.NewDecoder(bytes.NewReader(raw))
	if _, err := keys.Token(); err != nil { // the brace
		return err
	}
	fields, seen := fieldsOf(into.Type()), map[string]bool{}
	for keys.More() {
		token, err := keys.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		var value json.RawMessage
		if err := keys.Decode(&value); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		index, known := fields[strings.ToLower(key)]
		switch {
		case !known && strict:
			m.Add(below(path, key), "unknown key")
		case !known:
		case strict && seen[strings.ToLower(key)]:
			m.Add(below(path, key), "given more than once; the first value counts")
		default:
			set(value, into.FieldByIndex(index), below(path, key), m)
		}
		seen[strings.ToLower(key)] = true
	}
	return nil
}

func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// fieldsOf are the fields of a struct by their JSON name in lower case, with those of embedded structs.
func fieldsOf(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && !f.Anonymous && name != "" && name != "-" {
			fields[strings.ToLower(name)] = f.Index
		}
	}
	return fields
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// set reads one value: a struct, a list and a map part by part, so that one bad part costs no other.
func set(raw json.RawMessage, into reflect.Value, path string, m *Misfits) {
	if err := json.Unmarshal(raw, into.Addr().Interface()); err == nil {
		return
	} else if composed := compose(raw, into, path, m); !composed {
		into.SetZero()
		m.Add(path, "%s", misfitReason(raw, into.Type(), err))
	}
}

// compose reads what is made of parts; false when the value is not.
func compose(raw json.RawMessage, into reflect.Value, path string, m *Misfits) bool {
	t := into.Type()
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return false
	}
	switch first := FirstByte(raw); {
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct && first == '{':
		into.Set(reflect.New(t.Elem()))
		return compose(raw, into.Elem(), path, m)
	case t.Kind() == reflect.Struct && first == '{':
		return object(raw, into, path, m, false) == nil
	case t.Kind() == reflect.Slice && first == '[':
		var parts []json.RawMessage
		if json.Unmarshal(raw, &parts) != nil {
			return false
		}
		into.Set(reflect.MakeSlice(t, len(parts), len(parts)))
		for i, part := range parts {
			set(part, into.Index(i), fmt.Sprintf("%s[%d]", path, i), m)
		}
		return true
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && first == '{':
		var parts map[string]json.RawMessage
		if json.Unmarshal(raw, &parts) != nil {
			return false
		}
		into.Set(reflect.MakeMap(t))
		for key, part := range parts {
			before := len(*m)
			value := reflect.New(t.Elem()).Elem()
			if set(part, value, below(path, key), m); len(*m) == before {
				into.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), value)
			}
		}
		return true
	}
	return false
}

// misfitReason says what a value is and what was wanted.
func misfitReason(raw json.RawMessage, want reflect.Type, err error) string {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return err.Error()
	}
	return fmt.Sprintf("it is %s, not %s", Describe(raw), expected(want))
}

// Describe names a JSON value: a number with its digits, the sort of everything else.
func Describe(raw json.RawMessage) string {
	switch FirstByte(raw) {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "the text " + Excerpt(string(bytes.TrimSpace(raw)))
	case 't', 'f', 'n':
		return string(bytes.TrimSpace(raw))
	}
	return "the number " + Excerpt(string(bytes.TrimSpace(raw)))
}

func expected(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return expected(t.Elem())
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Uint32:
		return fmt.Sprintf("a whole number from 0 to %d", uint32(math.MaxUint32))
	case reflect.Uint64:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64))
	case reflect.Int64:
		return fmt.Sprintf("a whole number up to %d", int64(math.MaxInt64))
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}
