package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/note"
)

const (
	receiptHeader = "lianban receipt v1" // with spaces, so that it cannot be the origin of a checkpoint
	replyPrefix   = "reply_"             // leaf types reply_received, reply_late, reply_revised
)

// Receipt is what the log signs under a reply (EV-9): whoever holds it refutes a
// false Deemed alone and offline, and a log that later hides the reply is
// convicted by its own signature.
type Receipt struct {
	Stream     string // of the reply's leaf, names the case and the department: "case/<id>/<department>"
	StreamSeq  int64
	Seq        int64
	Leaf       Hash
	Visit      string
	Round      int64
	Reply      string // id of the reply
	Kind       string // what was answered, as the leaf says it: "decline"
	Outcome    string // what came of it, as the leaf says it: "late"
	ReceivedAt time.Time
	Checkpoint Checkpoint // the last one before the leaf; Size 0 if there was none; without Note
}

// Receipt signs the receipt for a reply, given its committed entry: a type that
// begins with "reply_", and the fields visit, round, reply, kind, outcome and
// received_at. All it says is read from that entry and from the log before it,
// so every call gives the same bytes, on the page and in the mail alike.
// It refuses any other entry.
func (d *Desk) Receipt(ctx context.Context, q bun.IDB, e Entry) ([]byte, error) {
	r, err := receiptOf(e)
	if err != nil {
		return nil, err
	}
	if r.Checkpoint, err = upTo(ctx, q, e.Seq); err != nil {
		return nil, err
	}
	return d.Key.sign(r.text())
}

// receiptOf reads the receipt's statements from the entry of a reply.
func receiptOf(e Entry) (Receipt, error) {
	r := Receipt{
		Stream: e.Stream, StreamSeq: e.StreamSeq, Seq: e.Seq, Leaf: e.Hash,
		Visit: e.Text("visit"), Round: e.Int("round"), Reply: e.Text("reply"),
		Kind: e.Text("kind"), Outcome: e.Text("outcome"), ReceivedAt: e.Time("received_at"),
	}
	if !strings.HasPrefix(e.Type, replyPrefix) || r.Visit == "" || r.Round < 1 ||
		r.Reply == "" || r.Kind == "" || r.Outcome == "" || r.ReceivedAt.IsZero() {
		return r, fmt.Errorf("leaf %d of type %s does not say all that a receipt states", e.Seq, e.Type)
	}
	return r, nil
}

// text is the signed text: a header, then one "name value" line each. Values
// come out of leaves and hold no line breaks.
func (r Receipt) text() string {
	checkpoint := "none"
	if c := r.Checkpoint; c.Size > 0 {
		checkpoint = fmt.Sprintf("%s %d %s", c.Origin, c.Size, c.Root)
	}
	return fmt.Sprintf(receiptHeader+"\nstream %s\nstream_seq %d\nleaf %d %s\nvisit %s\nround %d\n"+
		"reply %s\nkind %s\noutcome %s\nreceived_at %s\ncheckpoint %s\n",
		r.Stream, r.StreamSeq, r.Seq, r.Leaf, r.Visit, r.Round,
		r.Reply, r.Kind, r.Outcome, Instant(r.ReceivedAt), checkpoint)
}

// VerifyReceipt reads a receipt and checks that one of the verifier keys signed
// it. What it states is then the log's own word; Bundle.Verify compares it with
// the log's record.
func VerifyReceipt(b []byte, public ...string) (Receipt, error) {
	keys, err := keyring(public...)
	if err != nil {
		return Receipt{}, err
	}
	return openReceipt(b, keys)
}

func openReceipt(b []byte, keys note.Verifiers) (Receipt, error) {
	text, _, err := openNote(b, keys)
	if err != nil {
		return Receipt{}, fmt.Errorf("receipt: %w", err)
	}
	r, err := parseReceipt(text)
	if err == nil && r.text() != text {
		err = errors.New("not in canonical form")
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("receipt: %w", err)
	}
	return r, nil
}

// parseReceipt is lenient where the caller's comparison with Receipt.text is
// not: what is missing or doubled there shows up as another text.
func parseReceipt(text string) (Receipt, error) {
	lines := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		lines[name] = value
	}
	r := Receipt{
		Stream: lines["stream"], Visit: lines["visit"], Reply: lines["reply"],
		Kind: lines["kind"], Outcome: lines["outcome"],
	}
	seq, leaf, _ := strings.Cut(lines["leaf"], " ")
	var errs [6]error
	r.Seq, errs[0] = parseNumber(seq)
	r.Leaf, errs[1] = parseHash(leaf)
	r.StreamSeq, errs[2] = parseNumber(lines["stream_seq"])
	r.Round, errs[3] = parseNumber(lines["round"])
	r.ReceivedAt, errs[4] = time.Parse(instantForm, lines["received_at"])
	if c := lines["checkpoint"]; c != "none" {
		r.Checkpoint, errs[5] = parseCheckpoint(strings.ReplaceAll(c, " ", "\n") + "\n")
	}
	return r, errors.Join(errs[:]...)
}
