package invite

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// python gives an interpreter that has the icalendar module, empty if none has.
func python() string {
	for _, name := range []string{"python3", "/usr/bin/python3"} { // the distribution's may not be the first
		if exec.Command(name, "-c", "import icalendar").Run() == nil {
			return name
		}
	}
	return ""
}

func TestAnIndependentParserReadsWhatWeMeant(t *testing.T) { // ICA-117, ICA-118
	interpreter := python()
	if interpreter == "" {
		t.Skip("skipped: python3-icalendar is not installed")
	}
	files, err := filepath.Glob("testdata/*.ics")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	out, err := exec.Command(interpreter, append([]string{"testdata/independent.py"}, files...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	type said struct {
		Method, UID, Summary, Description string
		Sequence                          int
		Start                             time.Time
		Attendees                         [][3]string
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	for _, file := range files {
		var got said
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o := mustReadBytes(t, data)
		want := said{
			Method: string(o.Method), UID: o.UID, Summary: o.Summary, Description: o.Description,
			Sequence: o.Sequence, Start: o.Start,
		}
		for _, p := range o.Attendees {
			want.Attendees = append(want.Attendees, [3]string{p.Name, p.Address, string(p.PartStat)})
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v\nwe read\n%+v", file, got, want)
		}
	}
}
