package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"unicode/utf8"
)

// CanonicalJSON writes one JSON value in the only way: no blanks, members
// sorted by name, strings escaped alike, numbers as they were written. The hash
// of an event rests on it. It fails on broken UTF-8, a name given twice, deep
// nesting, anything behind the value, and more than 64 kB.
func CanonicalJSON(body []byte) ([]byte, error) {
	if len(body) > eventBytesMost {
		return nil, errors.New("too long")
	}
	if !utf8.Valid(body) {
		return nil, errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	out, err := canonicalValue(d, nil, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return out, nil
}

func canonicalValue(d *json.Decoder, out []byte, depth int) ([]byte, error) {
	if depth > eventDepthMost {
		return nil, errors.New("nested too deep")
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return canonicalObject(d, out, depth)
	case json.Delim('['):
		return canonicalArray(d, out, depth)
	}
	text, err := json.Marshal(token)
	return append(out, text...), err
}

func canonicalObject(d *json.Decoder, out []byte, depth int) ([]byte, error) {
	members := map[string][]byte{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := name.(string)
		if _, twice := members[key]; twice {
			return nil, errors.New("a name given twice")
		}
		if members[key], err = canonicalValue(d, nil, depth+1); err != nil {
			return nil, err
		}
	}
	out = append(out, '{')
	for i, key := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), members[key]...)
	}
	_, err := d.Token()
	return append(out, '}'), err
}

func canonicalArray(d *json.Decoder, out []byte, depth int) ([]byte, error) {
	out = append(out, '[')
	for i := 0; d.More(); i++ {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = canonicalValue(d, out, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return append(out, ']'), err
}
