package audit

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

func BenchmarkRecordThreeLeaves(b *testing.B) {
	d := dbtest.SQLite(b)
	for b.Loop() {
		err := d.Write(b.Context(), func(tx bun.IDB) error {
			return Record(b.Context(), tx, newLeaf("deemed", fireStream), newLeaf("deemed", commonStream), newLeaf("clock_ok", "system"))
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// grown gives a log of n leaves with a checkpoint every hundredth of it and one
// short case in the middle.
func grown(b *testing.B, n int) (*Desk, BundleRequest) {
	desk := newDesk(b, dbtest.SQLite(b))
	var request BundleRequest
	for i := range 100 {
		if i == 50 {
			request = silence(b, desk)
		}
		fill(b, desk.DB, i, n/100)
		if err := desk.Checkpoint(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	return desk, request
}

func fill(b *testing.B, d *db.DB, part, n int) {
	const batch = 1000
	for done := 0; done < n; done += batch {
		leaves := make([]Leaf, min(batch, n-done))
		for i := range leaves {
			leaves[i] = newLeaf("notice_composed", fmt.Sprintf("case/p%d-%d/fire", part, (done+i)/14))
			leaves[i].Fields = map[string]any{"visit": "v1", "round": 1, "department": "d-fire"}
		}
		record(b, d, leaves...)
	}
}

// Aim: bundle made and verified within 200 ms each (reliability.md section 10).
func BenchmarkMillionLeaves(b *testing.B) {
	if testing.Short() {
		b.Skip("fills a log of 1,000,000 leaves")
	}
	desk, request := grown(b, 1_000_000)
	bundle := makeBundle(b, desk, request)
	b.Run("bundle", func(b *testing.B) {
		for b.Loop() {
			if err := desk.Bundle(context.Background(), &bytes.Buffer{}, request); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify bundle", func(b *testing.B) {
		for b.Loop() {
			if result, codes := verdict(b, filesOf(b, bundle), pinned(desk)); result != Pass {
				b.Fatal(result, codes)
			}
		}
	})
	b.Run("record", func(b *testing.B) {
		for b.Loop() {
			record(b, desk.DB, newLeaf("deemed", fireStream), newLeaf("deemed", commonStream), newLeaf("clock_ok", "system"))
		}
	})
	b.Run("checkpoint", func(b *testing.B) {
		for b.Loop() {
			record(b, desk.DB, newLeaf("clock_ok", "system"))
			if err := desk.Checkpoint(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify since last checkpoint", func(b *testing.B) {
		for b.Loop() {
			if err := desk.VerifySince(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify log", func(b *testing.B) {
		for b.Loop() {
			if err := desk.Verify(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
