package inspection

import (
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
)

// together are counts that every act moves in one commit (PRO-3): a joint
// visit of three departments with two people each, told by inbox and mail. The
// right side may name a type of leaf.
var together = []struct{ rows, rowsOrLeaf string }{
	{"1 FROM rounds JOIN visits v ON v.id = visit_id AND v.round = n AND v.start_at = rounds.start_at", "1 FROM visits WHERE state <> 'draft'"},
	{"3 FROM visits WHERE state <> 'draft'", "1 FROM participants"},
	{"1 FROM participants", "1 FROM participants p JOIN visits v ON v.id = visit_id AND v.round = p.round"},
	{"6 FROM visits WHERE state <> 'draft'", "1 FROM bookings"},
	{"1 FROM bookings", "1 FROM bookings b JOIN visits v ON v.id = visit_id AND v.round = b.round AND v.start_at = b.start_at"},
	{"3 FROM rounds", "1 FROM notices"},
	{"2 FROM notices", "1 FROM messages WHERE purpose = 'notice'"},
	{"1 FROM notices", "1 FROM deadlines WHERE kind = 'remind_visit'"},
	{"1 FROM notices", "1 FROM deadlines WHERE kind = 'escalate'"},
	{"0 FROM visits", "1 FROM deadlines d JOIN participants p ON p.id = subject AND d.round < p.round WHERE d.state = 'pending'"},
	{"1 FROM participants WHERE served_at IS NOT NULL", "1 FROM services s JOIN participants p ON p.id = participant_id AND p.round = s.round WHERE class = 'B'"},
	{"1 FROM participants WHERE served_at IS NOT NULL", "1 FROM deadlines d JOIN participants p ON p.id = subject AND p.round = d.round WHERE kind = 'reply'"},
	{"1 FROM replies r JOIN participants p ON p.id = participant_id AND p.round = r.round", "1 FROM participants WHERE consent IN ('accepted', 'declined')"},
	{"2 FROM replies", "1 FROM messages WHERE purpose = 'receipt'"},
	{"1 FROM inbound", "1 FROM holds WHERE reason = 'mail_waiting'"},
	{"1 FROM inbound WHERE state = 'held'", "1 FROM holds WHERE reason = 'mail_waiting' AND ended_at IS NULL"},
	{"1 FROM inbound WHERE state = 'held'", "1 FROM tasks WHERE kind = 'read_mail' AND done_at IS NULL"},
	{"1 FROM deemed", "1 FROM participants WHERE consent = 'deemed' AND opinion = 'deemed'"},
	{"2 FROM deemed", "1 FROM messages WHERE purpose = 'deemed'"},
	{"1 FROM deemed", "1 FROM deadlines WHERE kind = 'reply' AND state = 'done' AND subject IN (SELECT participant_id FROM deemed)"},
	{"1 FROM joint_opinions", "1 FROM visits WHERE state = 'closed'"},
	{"1 FROM joint_opinions", "1 FROM cases WHERE state = 'visited'"},
	{"1 FROM messages WHERE channel = 'mail' AND state = 'accepted'", "submitted by mail"},
	{"1 FROM rounds WHERE n = 1", "visit_offered"},
	{"1 FROM rounds WHERE n > 1", "visit_retimed"},
	{"3 FROM rounds WHERE n > 1", "round_void"},
	{"1 FROM notices", "invited"},
	{"1 FROM services", "arrived"},
	{"1 FROM replies", "reply_received"},
	{"1 FROM inbound", "mail_received"},
	{"1 FROM deemed", "deemed"},
	{"1 FROM joint_opinions", "joint_opinion"},
}

// whole finds an act that is half done.
func (w *testWorld) whole(when string) {
	w.t.Helper()
	leaves := w.leafCounts()
	var columns []string
	difference := make([]int, len(together))
	dest := make([]any, len(together))
	for i, pair := range together {
		right := fmt.Sprint(leaves[pair.rowsOrLeaf])
		if strings.Contains(pair.rowsOrLeaf, " FROM ") {
			right = sumOf(pair.rowsOrLeaf)
		}
		columns = append(columns, sumOf(pair.rows)+" - "+right)
		dest[i] = &difference[i]
	}
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		return q.NewRaw("SELECT "+strings.Join(columns, ", ")).Scan(w.t.Context(), dest...)
	}))
	for i, d := range difference {
		if d != 0 {
			w.t.Fatalf("%s: %d more of %q than of %q", when, d, together[i].rows, together[i].rowsOrLeaf)
		}
	}
}

// sumOf turns "3 FROM rounds" into a number.
func sumOf(what string) string {
	factor, rest, _ := strings.Cut(what, " ")
	return "(SELECT " + factor + " * count(*) " + rest + ")"
}

// leafCounts counts the leaves of all cases by type.
func (w *testWorld) leafCounts() map[string]int {
	w.t.Helper()
	out := map[string]int{}
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		var streams []string
		err := q.NewSelect().Table("evidence").ColumnExpr("DISTINCT stream").Where("stream LIKE 'case/%'").Scan(w.t.Context(), &streams)
		for _, stream := range streams {
			entries, err := audit.Stream(w.t.Context(), q, stream)
			if err != nil {
				return err
			}
			for _, e := range entries {
				out[e.Type]++
				if e.Type == "submitted" {
					out["submitted by "+e.Text("channel")]++
				}
			}
		}
		return err
	}))
	return out
}
