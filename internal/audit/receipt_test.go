package audit

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

func reply(kind string) Leaf {
	leaf := newLeaf("reply_received", fireStream)
	leaf.Fields = map[string]any{
		"visit": "v1", "round": 1, "reply": "r1", "kind": kind, "outcome": "applied",
		"received_at": time.Date(2026, 3, 4, 9, 29, 59, 999e6, time.UTC),
	}
	return leaf
}

func receiptFor(t *testing.T, desk *Desk, n int) []byte {
	t.Helper()
	e := streamOf(t, desk.DB, fireStream)[n]
	var receipt []byte
	err := desk.DB.Read(t.Context(), func(q bun.IDB) (err error) {
		receipt, err = desk.Receipt(t.Context(), q, e)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func TestReplyGetsASignedReceiptTheSameEveryTime(t *testing.T) { // EV-9, INS-809
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		desk := newDesk(t, d)
		silence(t, desk)
		record(t, d, reply("decline"))
		text := receiptFor(t, desk, 2)
		if err := desk.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if again := receiptFor(t, desk, 2); !bytes.Equal(text, again) {
			t.Errorf("another receipt for the same reply:\n%s\n%s", text, again)
		}
		r, err := VerifyReceipt(text, desk.Key.Public)
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind != "decline" || r.Outcome != "applied" || r.Stream != fireStream || r.Round != 1 || r.Seq != 4 ||
			r.Checkpoint.Size != 1 || !r.ReceivedAt.Equal(streamOf(t, d, fireStream)[2].Time("received_at")) {
			t.Errorf("receipt says %+v", r)
		}
	})
}

func TestNoByteOfAReceiptCanBeChanged(t *testing.T) { // EV-9
	desk := newDesk(t, dbtest.SQLite(t))
	silence(t, desk)
	record(t, desk.DB, reply("decline"))
	text := receiptFor(t, desk, 2)
	for i := range text {
		for bit := range 8 {
			forged := bytes.Clone(text)
			forged[i] ^= 1 << bit
			if _, err := VerifyReceipt(forged, desk.Key.Public); err == nil {
				t.Fatalf("byte %d changed:\n%s", i, forged)
			}
		}
	}
	// nor does the key's signature turn another text into a receipt
	body := string(text[:bytes.Index(text, []byte("\n\n"))+1])
	for _, other := range []string{
		strings.Replace(body, "round 1", "round 01", 1),
		strings.Replace(body, "kind decline", "kind decline\nkind accept", 1),
		strings.Replace(body, "reply r1\n", "", 1),
		strings.Replace(body, " v1", " v2", 1),
		body + "more x\n",
	} {
		signed, err := desk.Key.sign(other)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyReceipt(signed, desk.Key.Public); err == nil {
			t.Errorf("accepted %q", other)
		}
	}
}

func TestReceiptIsGivenForRecordedRepliesOnly(t *testing.T) { // EV-9
	desk := newDesk(t, dbtest.SQLite(t))
	silence(t, desk)
	half := reply("accept")
	delete(half.Fields, "received_at")
	record(t, desk.DB, half)
	for _, e := range streamOf(t, desk.DB, fireStream) {
		err := desk.DB.Read(t.Context(), func(q bun.IDB) error {
			_, err := desk.Receipt(t.Context(), q, e)
			return err
		})
		if err == nil {
			t.Errorf("a receipt for leaf %d, %s", e.Seq, e.Type)
		}
	}
}

func TestReceiptRefutesALogThatHidesTheReply(t *testing.T) { // EV-9, EV-11.13, PRO-5
	desk := newDesk(t, dbtest.SQLite(t))
	request := silence(t, desk)
	before := filesOf(t, makeBundle(t, desk, request))
	record(t, desk.DB, reply("decline"))
	honest := filesOf(t, makeBundle(t, desk, request))

	with := func(receipt []byte) VerifyOptions {
		return VerifyOptions{Keys: []string{desk.Key.Public}, Receipts: [][]byte{receipt}}
	}
	receipt := receiptFor(t, desk, 2)
	check := func(name string, files map[string][]byte, receipt []byte, want Result, code string) {
		t.Helper()
		if result, codes := verdict(t, files, with(receipt)); result != want || !strings.Contains(codes, code) {
			t.Errorf("%s: %s %s", name, result, codes)
		}
	}
	check("honest log", honest, receipt, Pass, "")
	check("bundle without the reply", before, receipt, Conflict, "receipt_conflict")
	check("receipt spoiled", honest, receipt[1:], Fail, "receipt_signature")

	// another history under the same key: the reply became an acceptance
	forked := &Desk{DB: dbtest.SQLite(t), Key: desk.Key, Now: desk.Now}
	request = silence(t, forked)
	record(t, forked.DB, reply("accept"))
	check("reply altered", filesOf(t, makeBundle(t, forked, request)), receipt, Conflict, "receipt_conflict")

	// what the receipt says is not what its leaf says
	lie, err := VerifyReceipt(receipt, desk.Key.Public)
	if err != nil {
		t.Fatal(err)
	}
	lie.Kind = "accept"
	signed, err := desk.Key.sign(lie.text())
	if err != nil {
		t.Fatal(err)
	}
	check("receipt unlike its leaf", honest, signed, Conflict, "receipt_conflict")

	lie.Kind, lie.Checkpoint.Root = "decline", Hash{}
	if signed, err = desk.Key.sign(lie.text()); err != nil {
		t.Fatal(err)
	}
	check("receipt on another tree", honest, signed, Conflict, "checkpoint_fork")

	lie.Stream = "case/c1/amr"
	if signed, err = desk.Key.sign(lie.text()); err != nil {
		t.Fatal(err)
	}
	check("receipt of another department", honest, signed, Fail, "receipt_foreign")
}
