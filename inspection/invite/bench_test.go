package invite

import (
	"fmt"
	"strings"
	"testing"
)

// ICA-119: build and validate a notice within 1 ms.
func BenchmarkRequest(b *testing.B) {
	e := newEvent()
	for i := range 8 {
		e.Attendees = append(e.Attendees, Party{Name: fmt.Sprintf("部门%d", i), Address: fmt.Sprintf("d%d@dept.example", i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Request(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	data := mustBuild(b, newEvent())
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Read(data); err != nil {
			b.Fatal(err)
		}
	}
}

// ICA-85: the whole read within 50 ms and 64 MB, whatever comes.
func BenchmarkReadHostile(b *testing.B) {
	param := ";X=" + strings.Repeat("p", maxParam)
	for name, text := range map[string]string{
		"parameters": wrap("REPLY", strings.Repeat("ATTENDEE"+strings.Repeat(param, 7)+":m\r\n", 9)),
		"names":      wrap("REPLY", strings.Repeat("ATTENDEE;CN="+strings.Repeat(",", maxParams/1000)+":m\r\n", 900)),
		"escapes":    wrap("REPLY", strings.Repeat("COMMENT:"+strings.Repeat(`\n`, 4000)+"\r\n", 63)),
		"folds":      wrap("REPLY", "UID:1", strings.Repeat("\r\n ", maxObject/3-60)),
		"lines":      strings.Repeat("\n", maxObject/2) + strings.Repeat("a\n", maxObject/4),
		"properties": wrap("REPLY", strings.Repeat("COMMENT:"+strings.Repeat("a", 40)+"\r\n", maxProperties-1)),
		"events":     "BEGIN:VCALENDAR\r\n" + strings.Repeat("BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:"+strings.Repeat("长", 120)+"\r\nEND:VEVENT\r\n", maxComponents-1) + "END:VCALENDAR",
		"zones":      "BEGIN:VCALENDAR\r\n" + events(maxComponents-1, func(i int) string { return fmt.Sprintf("DTSTART;TZID=a/b%d/c:20261210T140000\r\n", i) }) + "END:VCALENDAR",
		"charset":    wrap("REPLY", strings.Repeat("COMMENT:"+strings.Repeat("\xd3\xc0", 4000)+"\r\n", 64)),
		"too long":   wrap("REPLY", strings.Repeat("ATTACH:"+strings.Repeat("a", maxLine)+"\r\n", 63)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = Read([]byte(text)) // refused or read, both must be quick
			}
		})
	}
}

func events(n int, line func(i int) string) string {
	var s strings.Builder
	for i := range n {
		s.WriteString("BEGIN:VEVENT\r\n" + line(i) + "END:VEVENT\r\n")
	}
	return s.String()
}
