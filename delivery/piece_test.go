package delivery

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"pgregory.net/rapid"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/paper/papertest"
	"lianban/notify"
)

// DEL-402
func TestASendingIsDeliveredWhenAllItsPiecesAre(t *testing.T) {
	var all []ParcelState
	for _, row := range ParcelStates {
		if !slices.Contains(advance, row.State) {
			t.Errorf("%s has no place in the order", row.State)
		}
		all = append(all, row.State)
	}
	for _, other := range all {
		if other != ParcelDelivered && LeastAdvanced(ParcelDelivered, other) != other {
			t.Errorf("one delivered and one %s count as %s", other, LeastAdvanced(ParcelDelivered, other))
		}
	}
	if got := LeastAdvanced(ParcelOut, ParcelLost, ParcelArrived); got != ParcelLost {
		t.Errorf("one is lost and the whole is %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		states := rapid.SliceOfN(rapid.SampledFrom(all), 1, 6).Draw(t, "states")
		whole := LeastAdvanced(states...)
		if !slices.Contains(states, whole) {
			t.Fatalf("%v as one is %s, which none is", states, whole)
		}
		if delivered := !slices.ContainsFunc(states, func(s ParcelState) bool { return s != ParcelDelivered }); (whole == ParcelDelivered) != delivered {
			t.Fatalf("%v as one is %s", states, whole)
		}
		other := slices.Clone(states)
		slices.Reverse(other)
		if LeastAdvanced(other...) != whole {
			t.Fatalf("%v depends on the order", states)
		}
	})
}

// DEL-402, DEL-201, DEL-1104: each piece has its own number, seal, events and
// label n/N; the page of each shows all.
func TestPiecesAreSealedTogetherAndDeliveredEachForItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		r := w.sealRequest(ClassCertificate, ClassApproval)
		whole := r.Items
		for code, change := range map[string]func(r *SealRequest){
			"piece_bag":     func(r *SealRequest) { r.Items, r.More = whole[:1], []PieceRequest{{whole[1:], "B0001"}} },
			"piece_doubled": func(r *SealRequest) { r.More = []PieceRequest{{whole[1:], "B0002"}} },
			"piece_many":    func(r *SealRequest) { r.More = make([]PieceRequest, MostPieces) },
			"item_not_here": func(r *SealRequest) { r.Items, r.More = whole[:1], []PieceRequest{{[]string{"none"}, "B0002"}} },
		} {
			bad := r
			change(&bad)
			_, err := w.Seal(ctx, w.clerk, bad)
			w.refused(err, code)
		}
		r.Items, r.More = whole[:1], []PieceRequest{{whole[1:], "B0002"}}
		first, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		v := w.parcel(first.ID)
		if len(v.Sending) != 2 || v.Whole != ParcelSealed || v.Piece != 1 || v.Pieces != 2 || len(v.Items) != 1 {
			t.Fatalf("%+v", v)
		}
		second := w.parcel(v.Sending[1].ParcelID)
		if second.Bag != "B0002" || second.Piece != 2 || second.Receiver.Name != first.Receiver.Name || second.Number == first.Number {
			t.Errorf("%+v", second.Parcel)
		}
		labels, err := w.PrintLabels(ctx, w.clerk, []string{first.ID, second.ID})
		w.must(err)
		if text := papertest.Flat(papertest.Read(t, labels.PDF)); !strings.Contains(text, "第1/2件") || !strings.Contains(text, "第2/2件") {
			t.Error(text)
		}
		codes := w.codes(first)
		if len(codes) != 2 || codes[1] == codes[2] {
			t.Fatalf("codes: %v", codes)
		}
		out := func() (all bool) {
			w.must(d.Write(ctx, func(tx bun.IDB) (err error) {
				all, err = AllOut(ctx, tx, first.CaseID)
				return err
			}))
			return all
		}
		w.dispatch(second.Parcel, w.other)
		if out() {
			t.Error("the case is out while its first piece lies at the window")
		}
		w.dispatch(first, w.courier)
		if !out() {
			t.Error("the case is not out though couriers have both pieces")
		}
		_, err = w.TakeOver(ctx, w.courier, []string{first.Number})
		w.must(err)
		p := w.parcel(first.ID).Parcel
		w.accepted(w.event(p, EventStarted, "a1", nil), w.event(p, EventDelivered, "a1", map[string]any{"outcome": ToRecipient, "receiver": "欧阳修", "code": codes[1]}))
		if v := w.parcel(first.ID); v.State != ParcelDelivered || v.Whole != ParcelSealed {
			t.Errorf("one of two delivered: %s, as one %s", v.State, v.Whole)
		}
		seen, err := w.Track(ctx, second.Number, "1234")
		if w.must(err); seen.State != ParcelSealed || len(seen.Sending) != 2 || seen.Sending[0].State != ParcelDelivered || seen.Sending[0].ParcelID != "" || seen.Piece != 2 {
			t.Errorf("%+v", seen.Sending)
		}
		alone := w.sealed()
		if v := w.parcel(alone.ID); v.Sending != nil || v.Pieces != 1 {
			t.Errorf("a parcel alone: %+v", v.Sending)
		}
	})
}

var pieceCode = regexp.MustCompile(`\d{6}`)

// codes are what the receiver of a sending reads, by piece, all in one text.
func (w *parcelWorld) codes(first Parcel) map[int]string {
	w.t.Helper()
	texts := w.texts(notify.PurposeCode, CodeSubject(first.SendingID))
	if len(texts) != 1 || notify.Segments(texts[0]) > 2 {
		w.t.Fatalf("texts with codes: %q", texts)
	}
	out := map[int]string{}
	_, told, _ := strings.Cut(texts[0], "依次")
	for i, code := range pieceCode.FindAllString(strings.Split(told, "，")[0], -1) {
		out[i+1] = code
	}
	return out
}

// pieces is a sending of n pieces that the courier has taken over.
func (w *parcelWorld) pieces(n int) (out []Parcel, codes map[int]string) {
	w.t.Helper()
	r := w.sealRequest(slices.Repeat([]Class{ClassApproval}, n)...)
	for i, id := range r.Items[1:] {
		r.More = append(r.More, PieceRequest{Items: []string{id}, Bag: fmt.Sprintf("B1%d", i)})
	}
	r.Items = r.Items[:1]
	first, err := w.Seal(w.t.Context(), w.clerk, r)
	w.must(err)
	codes = w.codes(first)
	for _, one := range w.parcel(first.ID).Sending {
		w.dispatch(w.parcel(one.ParcelID).Parcel, w.courier)
		took, err := w.TakeOver(w.t.Context(), w.courier, []string{one.Number})
		w.must(err)
		out = append(out, *took[0].Parcel)
	}
	return out, codes
}

// DEL-402, DEL-522: in whatever order and batches the events of several pieces
// come in, each piece and the whole come to the same.
func TestPiecesComeToTheSameInAnyOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		var want [2]string
		for replay := range 6 {
			start, all := w.at, replay%2 // every other time the third piece arrives too
			parcels, codes := w.pieces(3)
			var events []json.RawMessage
			add := func(n int, what EventType, attempt string, payload map[string]any) {
				w.later(2)
				events = append(events, w.event(parcels[n], what, attempt, payload))
			}
			arrives := func(n int, attempt string) {
				add(n, EventStarted, attempt, nil)
				add(n, EventDelivered, attempt, map[string]any{"outcome": ToRecipient, "receiver": "欧阳修", "code": codes[n+1]})
			}
			arrives(0, "a1")
			add(1, EventStarted, "a1", nil)
			add(1, EventFailed, "a1", map[string]any{"outcome": NotHome})
			arrives(1, "a2")
			if all == 1 {
				arrives(2, "a1")
			} else {
				add(2, EventStarted, "a1", nil)
			}
			w.at = start.Add(3 * time.Hour)
			if random := rand.New(rand.NewPCG(uint64(replay), 402)); replay > 1 {
				events = scrambled(events, random)
				for len(events) > 0 {
					n := min(1+random.IntN(4), len(events))
					w.send(events[:n]...)
					events = events[n:]
				}
			}
			if len(events) > 0 {
				w.accepted(events...)
			}
			whole := w.parcel(parcels[1].ID).Whole
			if whole != map[int]ParcelState{0: ParcelOut, 1: ParcelDelivered}[all] {
				t.Errorf("replay %d: the whole is %s", replay, whole)
			}
			got := fmt.Sprint(whole, "\n", w.came(parcels))
			if replay < 2 {
				want[all] = got
			}
			if got != want[all] {
				t.Errorf("replay %d:\n%s\nwant:\n%s", replay, got, want[all])
			}
			w.at = start.Add(24 * time.Hour)
		}
		if !strings.Contains(want[1], "（第2/3件）") {
			t.Errorf("a text does not say which piece: %s", want[1])
		}
	})
}

// DEL-402, DEL-805: a piece that came back and is sent again takes its own place;
// the whole has arrived when the last parcel of each piece has.
func TestPieceThatIsSentAgainTakesItsPlace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		parcels, codes := w.pieces(2)
		w.later(5)
		w.accepted(w.event(parcels[0], EventStarted, "a1", nil),
			w.event(parcels[0], EventDelivered, "a1", map[string]any{"outcome": ToRecipient, "receiver": "欧阳修", "code": codes[1]}),
			w.event(parcels[1], EventReturning, "", map[string]any{"reason": "收件人改期"}))
		_, err := w.AcceptReturn(ctx, w.clerk, ReturnRequest{ParcelID: parcels[1].ID, Seal: BagIntact, Count: 1})
		w.must(err)
		if v := w.parcel(parcels[0].ID); v.Whole != ParcelReturned {
			t.Errorf("one came back: %s", v.Whole)
		}
		r := w.sealRequest(ClassApproval)
		r.CaseID, r.RedeliveryOf, r.Items, r.Bag = parcels[1].CaseID, parcels[1].ID, nil, "B9"
		for _, i := range w.parcel(parcels[1].ID).Items {
			r.Items = append(r.Items, i.ID)
		}
		again, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		v := w.parcel(parcels[0].ID)
		if again.Piece != 2 || again.Pieces != 2 || len(v.Sending) != 2 || v.Sending[1].Number != again.Number || v.Whole != ParcelSealed {
			t.Errorf("%d/%d, %+v as one %s", again.Piece, again.Pieces, v.Sending, v.Whole)
		}
		w.dispatch(again, w.courier)
		_, err = w.TakeOver(ctx, w.courier, []string{again.Number})
		w.must(err)
		w.later(5)
		w.accepted(w.event(again, EventStarted, "b1", nil), w.event(again, EventDelivered, "b1", map[string]any{"outcome": ToRecipient, "receiver": "欧阳修", "code": w.code(again)}))
		if v := w.parcel(parcels[0].ID); v.Whole != ParcelDelivered {
			t.Errorf("all arrived: %s", v.Whole)
		}
		w.sound()
	})
}

// DEL-402, DEL-108: a courier sees of a sending the pieces that are the
// courier's own, and takes each over by its own scan.
func TestCourierSeesOwnPiecesOnly(t *testing.T) {
	w := newParcelWorld(t, dbtest.SQLite(t))
	r := w.sealRequest(ClassCertificate, ClassApproval)
	r.Items, r.More = r.Items[:1], []PieceRequest{{r.Items[1:], "B0002"}}
	first, err := w.Seal(t.Context(), w.clerk, r)
	w.must(err)
	second := w.parcel(w.parcel(first.ID).Sending[1].ParcelID).Parcel
	w.dispatch(first, w.courier)
	w.dispatch(second, w.other)
	v, err := w.FindParcel(t.Context(), w.courier, first.ID)
	if w.must(err); len(v.Sending) != 1 || v.Sending[0].Number != first.Number {
		t.Errorf("%+v", v.Sending)
	}
	took, err := w.TakeOver(t.Context(), w.courier, []string{second.Number})
	if w.must(err); took[0].Parcel != nil {
		t.Error("another courier's piece was taken over")
	}
}

// ICA-103, ICA-104: the codes of the largest sending fit one text.
func TestCodesOfAllPiecesFitOneText(t *testing.T) {
	w := newParcelWorld(t, dbtest.SQLite(t))
	if _, codes := w.pieces(MostPieces); len(codes) != MostPieces {
		t.Errorf("%v", codes)
	}
}
