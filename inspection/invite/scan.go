package invite

import "strings"

// contentLine is what the lexer needs to know of one content line.
type contentLine struct {
	name   string // in capitals; set even when the rest is over a limit
	value  string
	params int // bytes of all its parameters
}

// scan checks one unfolded line against RFC 5545 section 3.1:
//
//	name *(";" param "=" value *("," value)) ":" text
//
// It refuses a line without a colon and a quoted value with something behind
// it; on both go-ical panics.
func scan(s string) (contentLine, error) {
	name, rest := cutName(s)
	l := contentLine{name: strings.ToUpper(name)}
	switch {
	case name == "":
		return l, unreadable(Unparsed, "no property name in %.40q", s)
	case len(s) > maxLine:
		return l, unreadable(TooBig, "%s: line of %d bytes", l.name, len(s))
	}
	for strings.HasPrefix(rest, ";") {
		var err error
		if rest, err = scanParam(rest[1:]); err != nil {
			return l, err
		}
	}
	if !strings.HasPrefix(rest, ":") {
		return l, unreadable(Unparsed, "%s: no colon before the value", l.name)
	}
	l.params = len(s) - len(name) - len(rest)
	l.value = rest[1:]
	return l, nil
}

// scanParam passes over one parameter with its values.
func scanParam(s string) (rest string, err error) {
	name, rest := cutName(s)
	if name == "" || !strings.HasPrefix(rest, "=") {
		return rest, unreadable(Unparsed, "not a parameter: %.40q", s)
	}
	for {
		if rest, err = scanValue(rest[1:]); err != nil || rest[0] != ',' {
			return rest, err
		}
	}
}

// scanValue passes over one parameter value. Something always remains; whether
// it may follow a value is for the callers, who want one of , ; and : there.
func scanValue(s string) (rest string, err error) {
	var size int
	if strings.HasPrefix(s, `"`) {
		s = s[1:]
		size = strings.IndexByte(s, '"')
		if size < 0 {
			return "", unreadable(Unparsed, "quoted value without its end: %.40q", s)
		}
		rest = s[size+1:]
	} else {
		size = strings.IndexAny(s, `",;:`)
		rest = s[max(size, 0):]
	}
	switch {
	case size < 0 || rest == "":
		return "", unreadable(Unparsed, "parameter value is not closed: %.40q", s)
	case size > maxParam:
		return "", unreadable(TooBig, "parameter value of %d bytes", size)
	}
	return rest, nil
}

// cutName takes a property or parameter name off the front; empty if there is none.
func cutName(s string) (name, rest string) {
	end := strings.IndexFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
	if end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}
