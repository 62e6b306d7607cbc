package delivery

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
)

// Rebuilt says what Rebuild found.
type Rebuilt struct {
	Parcels int
	Differ  []string // numbers of parcels whose rows did not say what their events do
}

// rebuildBatch is how many parcels one transaction makes anew.
const rebuildBatch = 200

// Rebuild makes the row of every parcel anew from its events, pauses and photos,
// and names those that differed: the row is a projection for lists and holds
// nothing of its own (DEL-520). Without repair it only compares. It tells nobody
// and moves no item; each repaired row leaves a leaf.
func (d *Desk) Rebuild(ctx context.Context, repair bool) (out Rebuilt, err error) {
	d = d.still()
	run := d.DB.Read
	if repair {
		run = d.DB.Write
	}
	for after := ""; ; {
		var n int
		var differ []string
		last := after
		err := run(ctx, func(q bun.IDB) (err error) {
			n, differ, last, err = d.rebuildSome(ctx, q, after, repair)
			return err
		})
		if err != nil {
			return out, err
		}
		out.Parcels, out.Differ = out.Parcels+n, append(out.Differ, differ...)
		if n < rebuildBatch {
			return out, nil
		}
		after = last
	}
}

func (d *Desk) rebuildSome(ctx context.Context, q bun.IDB, after string, repair bool) (n int, differ []string, last string, err error) {
	parcels, err := parcelsAfter(ctx, q, after, rebuildBatch, repair)
	if err != nil || len(parcels) == 0 {
		return 0, nil, after, err
	}
	reading := make([]Parcel, len(parcels))
	for i, p := range parcels {
		reading[i] = p
		reading[i].Pauses = 1 // the row's count is what is in doubt
	}
	f, err := readFolding(ctx, q, reading)
	if err != nil {
		return 0, nil, after, err
	}
	var leaves []audit.Leaf
	for _, p := range parcels {
		want, err := d.anew(ctx, q, p, f)
		if err != nil {
			return 0, nil, after, err
		}
		if p.saysTheSame(want) {
			continue
		}
		differ = append(differ, p.Number)
		if !repair {
			continue
		}
		if err := updateParcel(ctx, q, &want); err != nil {
			return 0, nil, after, err
		}
		leaves = append(leaves, d.parcelLeaf("parcel_rebuilt", want, auth.System("rebuild"), map[string]any{"before": string(p.State)}))
	}
	return len(parcels), differ, parcels[len(parcels)-1].ID, audit.Record(ctx, q, leaves...)
}

// anew is the row as the events give it, judged at the instant at which the last
// of them was known: later nothing has looked at it.
func (d *Desk) anew(ctx context.Context, q bun.IDB, p Parcel, f folding) (Parcel, error) {
	at := p.SealedAt
	for _, e := range f.events[p.ID] {
		at = laterTime(at, e.ReceivedAt)
		for _, sum := range e.Proofs {
			at = laterTime(at, f.have[sum].PutAt)
		}
	}
	for _, o := range f.pauses[p.ID] {
		at = laterTime(laterTime(at, o.RecordedAt), o.EndedAt)
	}
	then := *d
	then.Now = func() time.Time { return at }
	g := f.fold(p)
	p.Pauses = len(f.pauses[p.ID])
	if err := then.projected(ctx, q, &p, f, g); err != nil {
		return p, err
	}
	cal, err := f.calendar(ctx, q, p)
	if err != nil {
		return p, err
	}
	marks, err := p.Promise.Marks(cal, f.pausesAt(p, g), time.Time{})
	p.HandOverBy, p.ArriveBy = marks.HandOverBy, marks.ArriveBy
	return p, err
}

// saysTheSame compares what the fold gives.
func (p Parcel) saysTheSame(o Parcel) bool {
	return p.State == o.State && p.Since.Equal(o.Since) && p.Slot == o.Slot && p.HandedOverAt.Equal(o.HandedOverAt) &&
		p.DeliveredAt.Equal(o.DeliveredAt) && p.Attempts == o.Attempts && p.Exceptions == o.Exceptions && p.Result == o.Result &&
		p.DueAt.Equal(o.DueAt) && p.HandOverBy.Equal(o.HandOverBy) && p.ArriveBy.Equal(o.ArriveBy) && p.Pauses == o.Pauses &&
		p.Dwell == o.Dwell && p.ClosedQuality == o.ClosedQuality && p.FailedFirst == o.FailedFirst && p.FailedFault == o.FailedFault &&
		p.Area == o.Area && p.TriedHour == o.TriedHour
}
