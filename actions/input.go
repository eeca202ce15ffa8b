package actions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dxctl/dxctl/repository/content"
	"github.com/dxctl/dxctl/spelling"
)

// Input has the values of fields by name: a string, a bool, a []string, or a map[string]string. A field that was not
// given is absent.
type Input map[string]any

// Text returns the value of a String; "" if it was not given.
func (in Input) Text(name string) string {
	s, _ := in[name].(string)
	return s
}

// Bool returns the value of a Boolean; false if it was not given.
func (in Input) Bool(name string) bool {
	b, _ := in[name].(bool)
	return b
}

// List returns the words of a List; nil if it was not given.
func (in Input) List(name string) []string {
	l, _ := in[name].([]string)
	return l
}

// Texts returns the value of a field of texts; nil if it was not given.
func (in Input) Texts(name string) map[string]string {
	m, _ := in[name].(map[string]string)
	return m
}

// MaxInput is the limit of an input in JSON, in bytes.
const MaxInput = 256 << 10

// DecodeInput reads an input from a JSON object. The values are checked with [Descriptor.Check].
func (d Descriptor) DecodeInput(text []byte) (Input, error) {
	if len(text) > MaxInput {
		return nil, fmt.Errorf("the input has %d bytes; at most %d are possible", len(text), MaxInput)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("the input is not a JSON object: %w", err)
	}
	in, errs := Input{}, []error{}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		f, ok := d.Field(name)
		if !ok {
			errs = append(errs, d.unknown(name))
			continue
		}
		value, err := f.decode(raw[name])
		if err != nil {
			errs = append(errs, inputError(name, err))
			continue
		}
		in[name] = value
	}
	return in, errors.Join(errs...)
}

func (f Field) decode(raw json.RawMessage) (any, error) {
	var value any
	var err error
	switch f.Type {
	case Boolean:
		value, err = decodeAs[bool](raw)
	case List:
		value, err = decodeList(raw)
	case Texts:
		value, err = decodeTexts(raw)
	default:
		value, err = decodeAs[string](raw)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return value, nil
}

// decodeList reads a list of words. encoding/json reads null as "".
func decodeList(raw json.RawMessage) ([]string, error) {
	values, err := decodeAs[[]json.RawMessage](raw)
	if err != nil {
		return nil, err
	}
	words := make([]string, len(values))
	for i, one := range values {
		if words[i], err = decodeAs[string](one); err != nil {
			return nil, err
		}
	}
	return words, nil
}

// decodeTexts reads an object of texts. encoding/json reads null as "".
func decodeTexts(raw json.RawMessage) (map[string]string, error) {
	values, err := decodeAs[map[string]json.RawMessage](raw)
	if err != nil {
		return nil, err
	}
	texts := make(map[string]string, len(values))
	for name, one := range values {
		if texts[name], err = decodeAs[string](one); err != nil {
			return nil, fmt.Errorf("%s: %w", shown(name), err)
		}
	}
	return texts, nil
}

func decodeAs[T any](raw json.RawMessage) (T, error) {
	var v T
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return v, errors.New("null is no value; leave the name out")
	}
	err := json.Unmarshal(raw, &v)
	return v, err
}

func (d Descriptor) unknown(name string) error {
	names := make([]string, len(d.Input))
	for i, f := range d.Input {
		names[i] = f.Name
	}
	return inputError(name, fmt.Errorf("%s has no input %q%s", d.Name, shown(name), spelling.Hint(name, names)))
}

// Check returns every mistake in an input, joined, and the input with the defaults of what was not given. remote: it
// came over HTTP.
func (d Descriptor) Check(in Input, remote bool) (Input, error) {
	checked := maps.Clone(in)
	if checked == nil {
		checked = Input{}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(in)) {
		f, ok := d.Field(name)
		switch {
		case !ok:
			errs = append(errs, d.unknown(name))
		case remote && f.Local:
			errs = append(errs, inputError(name,
				fmt.Errorf("%s: it cannot be given over HTTP (%s); leave it out", name, f.Description)))
		default:
			errs = append(errs, inputError(name, f.checkValue(in[name])))
		}
	}
	for _, f := range d.Input {
		_, given := in[f.Name]
		switch {
		case given:
		case f.Default != "":
			checked[f.Name] = f.Default
		case f.Required || remote && f.Entity != "" && !f.Local:
			errs = append(errs, inputError(f.Name, fmt.Errorf("%s is missing: %s", f.Name, f.Description)))
		}
	}
	return checked, errors.Join(errs...)
}

func (f Field) checkValue(value any) error {
	switch v := value.(type) {
	case string:
		if f.Type != String {
			break
		}
		if err := clean(f.Name, v); err != nil {
			return err // without the value, which the other errors quote
		}
		return f.check(v)
	case bool:
		if f.Type == Boolean {
			return nil
		}
	case []string:
		if f.Type != List {
			break
		}
		return f.checkList(v)
	case map[string]string:
		if f.Type != Texts {
			break
		}
		return f.checkTexts(v)
	}
	return fmt.Errorf("%s: it must be a %s, and is a %T", f.Name, f.Type, value)
}

func (f Field) checkList(words []string) error {
	if len(words) > MaxTexts {
		return fmt.Errorf("%s: %d words are too many; at most %d are possible", f.Name, len(words), MaxTexts)
	}
	var errs []error
	for _, word := range words {
		errs = append(errs, f.check(word), clean(f.Name, word))
	}
	return errors.Join(errs...)
}

func (f Field) checkTexts(texts map[string]string) error {
	if len(texts) > MaxTexts {
		return fmt.Errorf("%s: %d names are too many; at most %d are possible", f.Name, len(texts), MaxTexts)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if err := clean(f.Name, name); err != nil {
			errs = append(errs, err)
			continue
		}
		if len(texts[name]) > f.length() {
			errs = append(errs, fmt.Errorf("%s: %s has %d bytes; at most %d are possible", f.Name, shown(name),
				len(texts[name]), f.length()))
		}
		errs = append(errs, clean(f.Name+": "+shown(name), texts[name]))
	}
	return errors.Join(errs...)
}

// clean returns an error for a text that is no text, and for a secret, which would get into plans, journals and what
// the action writes. The error does not contain it.
func clean(name, value string) error {
	if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return fmt.Errorf("%s: it is not valid UTF-8, or contains a NUL byte", name)
	}
	if form := content.SecretForm(value); form != "" {
		return fmt.Errorf("%s: it contains a secret (%s), which would be kept in plans; leave it out", name, form)
	}
	return nil
}
