package delivery

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/office"
	"lianban/notify"
)

// parcelWorld is testWorld with two couriers and a second clerk.
type parcelWorld struct {
	*testWorld
	courier, other auth.Actor
	window         string
	seq            int64
}

const password = "Yongzhou-2026-spring"

func newParcelWorld(t testing.TB, d *db.DB) *parcelWorld {
	t.Helper()
	w := &parcelWorld{testWorld: newWorld(t, d)}
	w.Signature = "永州政务"
	window, err := (&office.Desk{DB: d, Now: w.Now}).AddWindow(t.Context(), office.Window{CentreID: w.centre.ID, Number: "3", Phone: "0746-8322222"}, "system:test")
	w.must(err)
	w.window = window.ID
	w.courier = w.addPerson("song", auth.Courier)
	w.other = w.addPerson("fang", auth.Courier)
	w.clerk = w.addPerson("wang", auth.Clerk)
	w.addPerson("zhao", auth.Clerk)
	return w
}

func (w *parcelWorld) addPerson(login string, role auth.Role) auth.Actor {
	w.t.Helper()
	post := auth.Post{Roles: []auth.Role{role}, Centre: w.centre.ID}
	if role == auth.Clerk {
		post.Window = w.window
	}
	p, err := w.Auth.AddPerson(w.t.Context(), auth.System("test"), auth.NewPerson{Login: login, Name: "刘" + login, Post: post, Password: password})
	w.must(err)
	return p.Actor()
}

// shelf is a case with a complete set of one item of each class.
func (w *parcelWorld) shelf(classes ...Class) (string, []string) {
	w.t.Helper()
	s := w.newSet("amr")
	var things []NewItem
	for n, c := range classes {
		thing := NewItem{Class: c, Title: fmt.Sprintf("结果%d", n)}
		if c == ClassSeal {
			thing.Seal = SealFacts{Kind: "公章", Code: "4311030012345", Filing: "备2026", Bag: "F01"}
		}
		things = append(things, thing)
	}
	var ids []string
	for _, i := range w.receiveAll(w.handOver(s.Lines[0], things...)).Items {
		ids = append(ids, i.ItemID)
	}
	return s.CaseID, ids
}

func (w *parcelWorld) sealRequest(classes ...Class) SealRequest {
	caseID, items := w.shelf(classes...)
	return SealRequest{
		CaseID: caseID, Items: items, Way: WayOwnCourier, Bag: "B0001", IDLast4: "123x",
		To: Addressee{Name: "欧阳修", Phone: "13800001234", Address: "冷水滩区梧桐路12号3栋501"},
	}
}

// sealed is a parcel with one certificate.
func (w *parcelWorld) sealed() Parcel {
	w.t.Helper()
	p, err := w.Seal(w.t.Context(), w.clerk, w.sealRequest(ClassCertificate))
	w.must(err)
	return p
}

func (w *parcelWorld) dispatch(p Parcel, to auth.Actor) Parcel {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) (err error) {
		p, _, err = w.Dispatch(w.t.Context(), tx, w.clerk, p.ID, to.ID)
		return err
	}))
	return p
}

// carried is a parcel that the courier has taken over.
func (w *parcelWorld) carried() Parcel {
	w.t.Helper()
	p := w.dispatch(w.sealed(), w.courier)
	out, err := w.TakeOver(w.t.Context(), w.courier, []string{p.Number})
	w.must(err)
	if out[0].Parcel == nil {
		w.t.Fatalf("not taken over: %+v", out)
	}
	return *out[0].Parcel
}

func (w *parcelWorld) parcel(id string) ParcelView {
	w.t.Helper()
	v, err := w.FindParcel(w.t.Context(), w.clerk, id)
	w.must(err)
	return v
}

// texts composes the messages of a purpose and gives what they say.
func (w *parcelWorld) texts(purpose, subject string) (out []string) {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		out = nil
		ms, err := notify.ListBySubject(w.t.Context(), tx, subject, purpose)
		for _, m := range ms {
			if m.State != notify.Pending {
				continue
			}
			m.ComposedAt = w.now()
			b, err := w.Compose(w.t.Context(), tx, m)
			if err != nil {
				return err
			}
			out = append(out, b.SMS)
		}
		return err
	}))
	return out
}

var sixDigits = regexp.MustCompile(`码(\d{6})`)

// code is what the receiver reads in the last text.
func (w *parcelWorld) code(p Parcel) string {
	w.t.Helper()
	texts := w.texts(notify.PurposeCode, CodeSubject(p.ID))
	if len(texts) != 1 {
		w.t.Fatalf("texts with a code: %q", texts)
	}
	return sixDigits.FindStringSubmatch(texts[0])[1]
}

// event is one record of a device, at minutes after the world's clock.
func (w *parcelWorld) event(p Parcel, what EventType, attempt string, payload map[string]any, blobs ...string) json.RawMessage {
	w.t.Helper()
	w.seq++
	if payload == nil {
		payload = map[string]any{}
	}
	body, err := json.Marshal(map[string]any{
		"event_id": newID(), "device_id": "phone1", "seq": w.seq, "courier_id": w.courier.ID, "parcel_id": p.ID, "attempt_id": attempt,
		"type": what, "occurred_device": w.at.Format(time.RFC3339Nano), "payload": payload, "proof_refs": append([]string{}, blobs...),
	})
	w.must(err)
	return body
}

func (w *parcelWorld) send(events ...json.RawMessage) []EventAnswer {
	w.t.Helper()
	out, err := w.Ingest(w.t.Context(), w.courier, Batch{Schema: 1, SentAt: w.at.Format(time.RFC3339Nano), Events: events})
	w.must(err)
	return out
}

// accepted sends events and wants each taken.
func (w *parcelWorld) accepted(events ...json.RawMessage) {
	w.t.Helper()
	for _, a := range w.send(events...) {
		if a.Result != EventAccepted {
			w.t.Fatalf("not accepted: %+v", a)
		}
	}
}

func (w *parcelWorld) later(minutes int) { w.at = w.at.Add(time.Duration(minutes) * time.Minute) }

// picture is a PNG of its own colour, with its hash.
func picture(t testing.TB, n uint8) (string, []byte) {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range img.Pix {
		img.Pix[i] = n
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(out.Bytes())
	return hex.EncodeToString(sum[:]), out.Bytes()
}

// wantNowhere fails if a secret stands in any text of the parcel's tables.
func (w *parcelWorld) wantNowhere(secrets ...string) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		for _, table := range []string{"parcels", "parcel_events", "parcel_event_refusals", "parcel_secrets", "evidence_leaves"} {
			var rows []map[string]any
			if err := q.NewSelect().Table(table).Scan(w.t.Context(), &rows); err != nil {
				if table == "evidence_leaves" {
					continue
				}
				return err
			}
			text := fmt.Sprint(rows)
			for _, s := range secrets {
				if strings.Contains(text, s) {
					w.t.Errorf("%s holds the secret %s: %s", table, s, text)
				}
			}
		}
		return nil
	}))
}
