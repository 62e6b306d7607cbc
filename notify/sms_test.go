package notify

import (
	"strings"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

func TestSegmentsOfAText(t *testing.T) { // ICA-103, FAC-26
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 1},
		{strings.Repeat("办", 70), 1},
		{strings.Repeat("办", 71), 2},
		{strings.Repeat("办", 134), 2},
		{strings.Repeat("办", 135), 3},
		{strings.Repeat("𠮷", 35), 1}, // two units each
		{strings.Repeat("𠮷", 36), 2},
		{strings.Repeat("a", 160), 1},
		{strings.Repeat("a", 161), 2},
		{strings.Repeat("a", 306), 2},
		{strings.Repeat("€", 80), 1}, // two septets each
		{strings.Repeat("€", 81), 2},
		{"【永州政务】应约通知：12月10日(周四)09:30冷水滩区联合踏勘，办件尾号0317，请于12月8日17:30前反馈，详见邮件或平台。电话0746-0000000。编号K7Q2", 2},
	} {
		if got := Segments(c.text); got != c.want {
			t.Errorf("%d characters of %.6q take %d parts, want %d", len([]rune(c.text)), c.text, got, c.want)
		}
	}
}

func TestEveryTextFitsWithTheLongestFields(t *testing.T) { // ICA-103: a template that can pass the cap fails the build
	f := someFacts()
	long := strings.Repeat("𠮷", 100)
	f.District, f.Signature, f.Case, f.Reference = strings.Repeat("永州经济技术开发区管", 3), strings.Repeat("政务", 9), long, "K7Q2K7Q2X"
	f.Phone, f.Department, f.Reason, f.Matter, f.Site = "0746-8350000-100000000", long, long, long, long
	f.Start, f.RespondBy = time.Date(2026, 12, 31, 3, 45, 0, 0, time.UTC), time.Date(2026, 12, 30, 9, 30, 0, 0, time.UTC)
	for _, kind := range []string{"site", "review"} {
		for _, round := range []int{1, 12} {
			f.Kind, f.Round, f.Revisit = kind, round, kind == "site" && round == 1
			eachLetter(t, f, func(lang, purpose string, b Body) {
				if b.SMS != "" && checkText(b.SMS) != nil {
					t.Errorf("%s %s: %d parts: %s", lang, purpose, Segments(b.SMS), b.SMS)
				}
			})
		}
	}
}

func TestTextsThatMustNotGoOut(t *testing.T) { // SEC-22, ICA-102
	for text, code := range map[string]string{
		"": "text_unfit", "第一行\n第二行": "text_unfit", "\u202e倒": "text_unfit",
		"见 https://lianban.example": "text_has_link", "见www.example.cn": "text_has_link",
		strings.Repeat("办", 135): "text_too_long",
	} {
		if err := checkText(text); !fault.Is(err, code) {
			t.Errorf("%.20q: %v, want %s", text, err, code)
		}
	}
}

func TestTextsWaitForTheMorning(t *testing.T) { // ICA-105
	at := func(day, hour, minute int) time.Time {
		return time.Date(2026, 12, day, hour, minute, 0, 0, china)
	}
	for _, c := range []struct {
		name       string
		now, valid time.Time
		until      time.Time // zero: now
	}{
		{"by day", at(10, 9, 30), at(12, 17, 30), time.Time{}},
		{"last minute of the day", at(10, 19, 59), at(12, 17, 30), time.Time{}},
		{"evening", at(10, 20, 0), at(12, 17, 30), at(11, 8, 0)},
		{"after midnight", at(11, 0, 30), at(12, 17, 30), at(11, 8, 0)},
		{"last quiet minute", at(11, 7, 59), at(12, 17, 30), at(11, 8, 0)},
		{"eight o'clock", at(11, 8, 0), at(12, 17, 30), time.Time{}},
		{"due before noon of that day", at(10, 21, 0), at(11, 11, 59), time.Time{}},
		{"due at noon of that day", at(10, 21, 0), at(11, 12, 0), at(11, 8, 0)},
		{"end of the month", at(31, 22, 0), at(36, 17, 30), at(32, 8, 0)},
	} {
		until, quiet := quietUntil(c.now.UTC(), c.valid.UTC())
		if quiet == c.until.IsZero() || !until.Equal(c.until) {
			t.Errorf("%s: until %v, quiet %v; want %v", c.name, until, quiet, c.until)
		}
	}
}

func TestTextQueuedAtNightGoesOutInTheMorning(t *testing.T) { // ICA-105
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.later(13 * time.Hour) // 22:30
		id := w.queue(newMessage(bySMS, func(m *Message) { m.ValidUntil = w.clock().Add(48 * time.Hour) }))
		letter := w.queue(newMessage())
		w.send()
		w.wantState(id, Pending)
		w.wantState(letter, Accepted) // mail does not wait
		w.later(9*time.Hour + 29*time.Minute)
		w.send()
		w.wantState(id, Pending)
		w.later(time.Minute)
		w.send()
		w.wantState(id, Accepted)
	})
}

func TestNumberGetsThreeTextsADayAndTwoEqualOnes(t *testing.T) { // ICA-104, OUT-10
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sms.say(Outcome{Result: Yes})
		states := func(ids ...string) (dropped int) {
			for _, id := range ids {
				if w.message(id).State == Dropped {
					dropped++
				}
			}
			return dropped
		}
		equal := []Message{newMessage(bySMS), newMessage(bySMS), newMessage(bySMS)}
		w.queue(equal...)
		w.send()
		if n := states(equal[0].ID, equal[1].ID, equal[2].ID); n != 1 || w.sms.count() != 2 {
			t.Fatalf("of three equal texts %d were dropped and %d sent; want 1, 2", n, w.sms.count())
		}
		w.body.SMS = "【永州政务】另一条"
		other := []Message{newMessage(bySMS), newMessage(bySMS)}
		w.queue(other...)
		w.queue(newMessage(bySMS, func(m *Message) { m.Address = "+8613900009999" }))
		w.send()
		if n := states(other[0].ID, other[1].ID); n != 1 {
			t.Errorf("of a third and fourth text %d were dropped, want 1", n)
		}
		if w.sms.count() != 4 {
			t.Errorf("%d texts, want 3 to the number and 1 to the other", w.sms.count())
		}
		w.later(24*time.Hour + time.Second)
		next := w.queue(newMessage(bySMS))
		w.send()
		w.wantState(next, Accepted)
	})
}

func TestTextThatSurelyDidNotGoOutCostsNoBudget(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sms.say(Outcome{Result: Retry})
		id := w.queue(newMessage(bySMS))
		for range 4 {
			w.send()
			w.later(time.Hour)
		}
		w.sms.then(nil)
		w.send()
		w.wantState(id, Accepted)
	})
}
