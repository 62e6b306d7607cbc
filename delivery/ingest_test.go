package delivery

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/notify"
)

// DEL-503, DEL-506, DEL-507: what is refused, what is known, and that nothing is
// refused for its time.
func TestEventsAreRefusedForFormAndOwnerAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		foreign := w.sealed()
		w.later(10)
		note := w.event(p, EventNote, "", map[string]any{"reason": "a"})
		change := func(body json.RawMessage, name string, value any) json.RawMessage {
			m := map[string]any{}
			w.must(json.Unmarshal(body, &m))
			m[name] = value
			out, err := json.Marshal(m)
			w.must(err)
			return out
		}
		old := change(w.event(p, EventNote, "", nil), "occurred_device", "2001-01-01T00:00:00+08:00")
		future := change(w.event(p, EventNote, "", nil), "occurred_device", "2099-01-01T00:00:00+08:00")
		got := w.send(note, note, change(note, "payload", map[string]any{"reason": "b", "code": "775533"}), []byte(`{"code":"775533",`),
			w.event(foreign, EventNote, "", nil), change(w.event(p, EventNote, "", nil), "parcel_id", "none"),
			change(w.event(p, EventNote, "", nil), "courier_id", w.other.ID), w.event(p, EventReturned, "", nil),
			change(w.event(p, EventNote, "", nil), "occurred_device", "2026-11-24T10:00:00"), old, future,
			w.event(p, EventDelivered, "a1", map[string]any{"outcome": "recipient", "CODE": "775533", "receiver": "x\x00y"}))
		want := []string{"accepted", "duplicate", "event_id_conflict", "event_malformed", "not_found", "not_found", "event_malformed", "event_malformed",
			"event_offset_missing", "accepted", "accepted", "accepted"}
		for i, a := range got {
			if a.Result+a.Code != want[i] && a.Code != want[i] {
				t.Errorf("%d: %+v, want %s", i, a, want[i])
			}
		}
		if again := w.send(note); again[0].Result != EventDuplicate {
			t.Errorf("a day later: %+v", again)
		}
		if v := w.parcel(p.ID); v.State != ParcelUnverified || len(v.Missing) == 0 {
			t.Errorf("a claim without proof: %s %v", v.State, v.Missing)
		}
		w.wantNowhere("775533")
		_, err := w.Ingest(t.Context(), w.clerk, Batch{Schema: 1, Events: []json.RawMessage{note}})
		w.refused(err, "not_a_courier")
		_, err = w.Ingest(t.Context(), w.courier, Batch{Schema: 1})
		w.refused(err, "batch_size")
		if out := func() []EventAnswer {
			out, err := w.Ingest(t.Context(), w.courier, Batch{Schema: 9, Events: []json.RawMessage{note}})
			w.must(err)
			return out
		}(); out[0].Code != "event_schema_unknown" {
			t.Errorf("schema: %+v", out)
		}
	})
}

// DEL-602, DEL-422: the window settles what lacks proof; SIM-15: a supervisor
// accepts a time; DEL-526: a correction takes an event out.
func TestWindowSettlesWhatIsInDoubt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.carried()
		_ = w.code(p)
		w.later(5)
		given := w.event(p, EventDelivered, "a1", map[string]any{"outcome": "recipient", "receiver": "欧阳修", "code": "no"})
		w.later(300)
		w.accepted(given)
		v := w.parcel(p.ID)
		last := v.Steps[len(v.Steps)-1]
		if v.State != ParcelUnverified || last.Quality != QualityC || last.Checked.Code != MatchWrong || v.Verdict.Result != ResultPending {
			t.Fatalf("claimed: %s %+v %+v", v.State, last, v.Verdict)
		}
		_, err := w.AcceptTime(ctx, w.clerk, p.ID, last.ID, "x")
		w.refused(err, "not_supervisor")
		_, err = w.AcceptTime(ctx, w.boss, p.ID, last.ID, "地下室无信号")
		w.must(err)
		_, err = w.Confirm(ctx, w.clerk, asked(p.ID, "none", "x"))
		w.refused(err, "not_found")
		_, err = w.Confirm(ctx, w.clerk, asked(p.ID, last.ID, " "))
		w.refused(err, "reason_missing")
		w.refusesFewerThanTwoQuestions(p, last.ID)
		out, err := w.Confirm(ctx, w.clerk, asked(p.ID, last.ID, "电话核实，本人已收"))
		w.must(err)
		logged := func(s StepView) bool {
			return s.Type == EventProofConfirmed && slices.Contains(s.facts().Asked, Question{"收到的是什么？", "营业执照一件"})
		}
		if !slices.ContainsFunc(w.parcel(p.ID).Steps, logged) {
			t.Error("what was asked and answered is not with the event")
		}
		if out.State != ParcelDelivered || out.Result != ResultMet || w.sound()[AtReceiver] != 1 {
			t.Fatalf("confirmed: %+v", out)
		}
		out, err = w.Declare(ctx, w.clerk, p.ID, last.ID, DidNotOccur, "并未送到")
		w.must(err)
		if out.State != ParcelHandedOver || w.sound()[AtCourier] != 1 {
			t.Errorf("declared wrong: %s", out.State)
		}
		_, err = w.Declare(ctx, w.clerk, p.ID, last.ID, "oops", "x")
		w.refused(err, "error_kind")
		_, err = w.Declare(ctx, w.clerk, p.ID, v.Steps[0].ID, DidNotOccur, "x")
		w.refused(err, "event_not_meant")
	})
}

// asked is a call of the window with the two questions that DEL-612 asks for.
func asked(parcelID, eventID, reason string) Verification {
	return Verification{parcelID, eventID, reason, []Question{{"收到的是什么？", "营业执照一件"}, {"由谁签收？", "本人"}}}
}

// DEL-612: the window asks two different questions and has both answers.
func (w *parcelWorld) refusesFewerThanTwoQuestions(p Parcel, event string) {
	w.t.Helper()
	for name, said := range map[string][]Question{
		"none":       nil,
		"one":        {{"由谁签收？", "本人"}},
		"the same":   {{"由谁签收？", "本人"}, {"由谁签收？ ", "张三"}},
		"unanswered": {{"由谁签收？", "本人"}, {"收到的是什么？", " "}},
		"three":      {{"a", "1"}, {"b", "2"}, {"c", "3"}},
	} {
		_, err := w.Confirm(w.t.Context(), w.clerk, Verification{p.ID, event, "电话核实", said})
		if !fault.Is(err, "questions_two") {
			w.t.Errorf("%s: %v", name, err)
		}
	}
}

// day is a whole day of several parcels: failures, a reschedule, deliveries.
func (w *parcelWorld) day() (events []json.RawMessage, parcels []Parcel) {
	for n := range 7 {
		p := w.carried()
		code := w.code(p)
		parcels = append(parcels, p)
		w.later(2)
		events = append(events, w.event(p, EventStarted, "a1", nil))
		w.later(2)
		if n%2 == 0 {
			events = append(events, w.event(p, EventFailed, "a1", map[string]any{"outcome": "not_home"}))
		}
		if n == 6 { // nothing more that day
			continue
		}
		if n%2 == 0 {
			w.later(2)
			events = append(events, w.event(p, EventRescheduled, "a1", map[string]any{"slot": "15:00"}), w.event(p, EventStarted, "a2", nil))
			w.later(2)
		}
		if n < 5 {
			events = append(events, w.event(p, EventDelivered, "a2", map[string]any{"outcome": "recipient", "receiver": "欧阳修", "code": code}))
		}
	}
	return events, parcels
}

// scrambled is a day as a bad network brings it: in any order, a fifth of it
// twice.
func scrambled(events []json.RawMessage, random *rand.Rand) []json.RawMessage {
	random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for range len(events) / 5 {
		events = slices.Insert(events, random.IntN(len(events)), events[random.IntN(len(events))])
	}
	return events
}

// DEL-520, DEL-522, DEL-527: a day that comes in three times over, each time in
// another order, a fifth of it doubled, cut anywhere and all of it received at
// one instant, comes to the same states, and to the same messages.
func TestDayArrivesInAnyOrderAndComesToTheSame(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		var want string
		for replay := range 4 {
			start := w.at
			events, parcels := w.day()
			if replay == 0 {
				w.send(events...)
				want = w.came(parcels)
				w.at = start.Add(24 * time.Hour)
				continue
			}
			random := rand.New(rand.NewPCG(uint64(replay), 7))
			for rest := scrambled(events, random); len(rest) > 0; {
				n := min(1+random.IntN(7), len(rest))
				w.send(rest[:n]...)
				rest = rest[n:]
			}
			if got := w.came(parcels); got != want {
				t.Errorf("replay %d:\n%s\nwant:\n%s", replay, got, want)
			}
			w.at = start.Add(24 * time.Hour)
		}
		if strings.Count(want, "sent: "+notify.PurposeDelivered) != 5 || strings.Count(want, "sent: "+notify.PurposeAttempt) != 1 {
			t.Errorf("messages of a day:\n%s", want)
		}
	})
}

// came is what a day amounts to, without ids: states, attempts, and each message
// that waits to be sent.
func (w *parcelWorld) came(parcels []Parcel) string {
	var out strings.Builder
	for _, p := range parcels {
		v := w.parcel(p.ID)
		fmt.Fprintf(&out, "%s %d %d %s", v.State, v.Attempts, v.Exceptions, v.Slot)
		for _, a := range v.Tries {
			fmt.Fprintf(&out, " [%s %s %v %s]", a.AttemptID, a.Outcome, a.Delivered, a.Fault)
		}
		for _, purpose := range []string{notify.PurposeAttempt, notify.PurposeDelivered} {
			for _, said := range w.texts(purpose, p.ID) {
				fmt.Fprintf(&out, "\n sent: %s %s", purpose, strings.ReplaceAll(said, v.Number, "LB"))
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

// DEL-601, DEL-604: a photo is what its bytes are.
func TestBlobIsRefusedForHashSizeAndKind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		sum, body := picture(t, 9)
		_, err := w.PutBlob(ctx, w.courier, sum, append(body, 0))
		w.refused(err, "blob_hash")
		_, err = w.PutBlob(ctx, w.courier, sum, make([]byte, MaxProof+1))
		w.refused(err, "blob_size")
		_, err = w.PutBlob(ctx, w.courier, "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9", []byte("hello world"))
		w.refused(err, "blob_type")
		placed := slices.Concat(body[:33], []byte("\x00\x00\x00\x04eXIf26.4crc!"), body[33:]) // behind the header
		digest := sha256.Sum256(placed)
		_, err = w.PutBlob(ctx, w.courier, hex.EncodeToString(digest[:]), placed)
		w.refused(err, "blob_place")
		if b, err := w.PutPhoto(ctx, w.courier, placed); err != nil || b.SHA256 != sum {
			t.Errorf("a form's photo is kept as %+v (%v)", b, err)
		}
		_, err = w.PutBlob(ctx, w.auditor, sum, body)
		w.refused(err, "not_a_courier")
		for range 2 {
			_, err = w.PutBlob(ctx, w.courier, sum, body)
			w.must(err)
		}
		p := w.carried()
		w.accepted(w.event(p, EventDelivered, "a1", map[string]any{"outcome": "recipient", "receiver": "x", "signature": sum}, sum))
		b, got, err := w.OpenBlob(ctx, w.clerk, p.ID, sum)
		if err != nil || b.Media != "image/png" || string(got) != string(body) {
			t.Errorf("opened: %+v %v", b, err)
		}
		for _, by := range []auth.Actor{w.courier, w.elsewhere(), w.inspector("amr")} {
			_, _, err := w.OpenBlob(ctx, by, p.ID, sum)
			w.refused(err, "not_found")
		}
		_, _, err = w.OpenBlob(ctx, w.clerk, w.sealed().ID, sum)
		w.refused(err, "not_found")
		pixel := []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\r\x00\x00\x00/\x00\x00\x00\x10\a\x10\x11\x11\x88\x88\xfe\a\x00")
		webp := sha256.Sum256(pixel)
		kept, err := w.PutBlob(ctx, w.courier, hex.EncodeToString(webp[:]), pixel)
		if err != nil || kept.Media != "image/webp" || kept.Width != 1 || kept.Height != 1 {
			t.Errorf("a WebP is %+v: %v", kept, err)
		}
		_, _, err = w.OpenBlob(ctx, w.clerk, p.ID, kept.SHA256) // of no event
		w.refused(err, "not_found")
	})
}

// DEL-108, SEC-3: who sees what.
func TestParcelIsSeenByItsWindowAndItsCourierAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.carried()
		for _, by := range []auth.Actor{w.other, w.elsewhere(), w.inspector("amr")} {
			_, err := w.FindParcel(ctx, by, p.ID)
			w.refused(err, "not_found")
			if list, err := w.ListParcels(ctx, by, ParcelQuery{}); err != nil || len(list) != 0 {
				t.Errorf("%s lists %d, %v", by.ID, len(list), err)
			}
		}
		if v, err := w.FindParcel(ctx, w.auditor, p.ID); err != nil || v.Receiver.Phone == p.Receiver.Phone {
			t.Errorf("the auditor sees %+v, %v", v.Receiver, err)
		}
		round, err := w.MyRound(ctx, w.courier)
		if err != nil || len(round) != 1 || round[0].Phone == p.Receiver.Phone || round[0].Address != p.Receiver.Address || len(round[0].Missing) == 0 {
			t.Errorf("round: %+v %v", round, err)
		}
		if rest, err := w.MyRound(ctx, w.other); err != nil || len(rest) != 0 {
			t.Errorf("of another: %+v %v", rest, err)
		}
		_, err = w.MyRound(ctx, w.clerk)
		w.refused(err, "not_a_courier")
		if list, err := w.Couriers(ctx, w.clerk); err != nil || len(list) != 2 || list[0].Load+list[1].Load != 1 {
			t.Errorf("couriers: %+v %v", list, err)
		}
		w.at = w.at.Add(48 * time.Hour)
		for c, n := range map[PromiseColour]int{ColourRed: 1, ColourAmber: 0, ColourGreen: 0, "": 1} {
			list, err := w.ListParcels(ctx, w.clerk, ParcelQuery{Colour: c, Open: true, Search: p.Number[4:9]})
			if err != nil || len(list) != n || n > 0 && list[0].Colour != ColourRed {
				t.Errorf("%s: %+v %v", c, list, err)
			}
		}
		if v, err := w.Track(ctx, p.Number, "1234"); err != nil || v.State != ParcelHandedOver || len(v.Steps) != 2 {
			t.Errorf("tracked: %+v %v", v, err)
		}
		_, err = w.Track(ctx, "LBYZ0001A7K3G", "1234")
		w.refused(err, "not_found")
	})
}

// DEL-1201: five wrong tries close a number for a quarter of an hour, and what
// is closed looks like what is wrong.
func TestGuessingTheTelephoneOfAParcelIsStopped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.sealed()
		for _, guess := range []string{"", "0000", "1111", "2222", "3333", "4444", "1234"} { // "" is no try
			_, err := w.Track(t.Context(), p.Number, guess)
			w.refused(err, "not_found")
		}
		w.at = w.at.Add(codeLock)
		if _, err := w.Track(t.Context(), p.Number, "1234"); err != nil {
			t.Error("still closed:", err)
		}
	})
}

// DEL-210, DEL-213: who may be given a parcel.
func TestParcelGoesToACourierOfTheCentre(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.sealed()
		give := func(by auth.Actor, to string) error {
			return d.Write(ctx, func(tx bun.IDB) error { _, _, err := w.Dispatch(ctx, tx, by, p.ID, to); return err })
		}
		w.refused(give(w.clerk, w.clerk.ID), "courier_unknown")
		w.refused(give(w.clerk, "none"), "courier_unknown")
		w.refused(give(w.elsewhere(), w.courier.ID), "not_found")
		w.refused(give(w.auditor, w.courier.ID), "not_receiving_window")
		w.must(give(w.clerk, w.other.ID))
		w.must(give(w.clerk, w.courier.ID)) // given to somebody else before anybody took it
		if out, err := w.TakeOver(ctx, w.other, []string{p.Number}); err != nil || out[0].Code != "not_found" {
			t.Errorf("%+v %v", out, err)
		}
		_, err := w.TakeOver(ctx, w.courier, []string{p.Number})
		w.must(err)
		w.refused(give(w.clerk, w.other.ID), "parcel_state")
	})
}
