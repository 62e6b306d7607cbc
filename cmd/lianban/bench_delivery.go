package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/notify"
)

// delivery measures taking in what couriers report, and the pages of a city
// that has reported for years (DEL-1504).
func (b *bench) delivery() error {
	return b.directory(func(dir string) error {
		s, err := b.benchWorld(dir, "")
		if err != nil {
			return err
		}
		c := &carrying{b: b, s: s}
		return s.close(errors.Join(c.ingest(), c.pages(), b.foldTwelve()))
	})
}

// carrying is a courier at work.
type carrying struct {
	b   *bench
	s   *stage
	n   int   // cases so far
	seq int64 // of the phone
}

// A round: 25 parcels, nobody there at the first try. Each parcel has twelve
// events, two of them the window's, as in the field (DEL-1503: 8 to 14).
const (
	stops       = 25
	roundEvents = 10 * stops
	batchOf     = 50
	perSecond   = 200 // single events
)

// ingest sends what the phone records, in batches and one by one, in the order
// of the road.
func (c *carrying) ingest() error {
	rounds := 8
	if c.b.small {
		rounds = 1
	}
	var drained, singles []json.RawMessage
	for range rounds {
		drained, singles = append(drained, c.round()...), append(singles, c.round()...)
	}
	commit := c.b.rawCommit(c.s)
	if c.s.err != nil {
		return c.s.err
	}
	took := timed(func() {
		for batch := range slices.Chunk(drained, batchOf) {
			c.s.fail("ingest", c.send(batch...))
		}
	})
	times := c.paced(singles)
	return errors.Join(c.s.err, c.b.report(figure{
		Bench: "delivery", Case: "an event, in batches of 50", N: len(drained), Value: millis(took) / float64(len(drained)), Unit: "ms",
		Baseline: "raw one-row commit", Against: millis(commit), Limit: 1, // 1,000 a second
	}), c.b.report(figure{
		Bench: "delivery", Case: fmt.Sprintf("single events, %d a second, p99", perSecond), N: len(times), Value: millis(quantile(times, 0.99)), Unit: "ms",
		Baseline: "median", Against: millis(median(times)), Limit: 100,
	}))
}

// paced sends events one by one, each at its moment whether or not those before
// have been answered, and gives how long after its moment each was on disk.
func (c *carrying) paced(events []json.RawMessage) []time.Duration {
	times := make([]time.Duration, len(events))
	var answered sync.WaitGroup
	begin := wall()
	for n, e := range events {
		due := begin.Add(time.Duration(n) * time.Second / perSecond)
		time.Sleep(due.Sub(wall()))
		answered.Go(func() {
			err := c.send(e)
			if times[n] = wall().Sub(due); err != nil {
				times[n] = time.Hour // far over the limit
			}
		})
	}
	answered.Wait()
	return times
}

func (c *carrying) send(events ...json.RawMessage) error {
	_, err := c.s.delivery.Ingest(c.s.ctx, c.s.people["courier"], delivery.Batch{Schema: delivery.EventSchema, SentAt: c.moment(), Events: events})
	return err
}

func (c *carrying) moment() string { return c.s.dial.Now().Format(time.RFC3339Nano) }

// round takes parcels out and gives the events of their road.
func (c *carrying) round() (events []json.RawMessage) {
	codes := map[string]string{}
	var order []string
	for range stops {
		id, code := c.carried()
		codes[id], order = code, append(order, id)
	}
	add := func(id string, what delivery.EventType, attempt string, payload map[string]any) {
		events = append(events, c.event(id, what, attempt, payload))
	}
	for _, attempt := range []string{"a1", "a2"} {
		for _, id := range order {
			add(id, delivery.EventStarted, attempt, nil)
		}
		for _, id := range order {
			add(id, delivery.EventArrived, attempt, nil)
			add(id, delivery.EventContactRevealed, "", nil)
			if attempt == "a1" {
				add(id, delivery.EventFailed, attempt, map[string]any{"outcome": delivery.NotHome})
				add(id, delivery.EventRescheduled, "", map[string]any{"slot": "15:00"})
				continue
			}
			add(id, delivery.EventNote, "", map[string]any{"reason": "已电话联系"})
			add(id, delivery.EventDelivered, attempt, map[string]any{"outcome": delivery.ToRecipient, "receiver": "欧阳修", "code": codes[id]})
		}
	}
	return events
}

func (c *carrying) event(parcel string, what delivery.EventType, attempt string, payload map[string]any) json.RawMessage {
	c.seq++
	c.s.dial.skipTo(c.s.dial.Now().Add(time.Millisecond))
	if payload == nil {
		payload = map[string]any{}
	}
	body, err := json.Marshal(map[string]any{
		"event_id": uuid.Must(uuid.NewV7()), "device_id": "phone", "seq": c.seq, "courier_id": c.s.people["courier"].ID, "parcel_id": parcel,
		"attempt_id": attempt, "type": what, "occurred_device": c.moment(), "payload": payload, "proof_refs": []string{},
	})
	c.s.fail("write an event", err)
	return body
}

var codeInText = regexp.MustCompile(`码(\d{6})`)

// carried lets a parcel with one licence go all the way into the courier's
// hands and gives the code that its receiver was sent.
func (c *carrying) carried() (id, code string) {
	if c.s.err != nil {
		return "", ""
	}
	s, clerk, department := c.s, c.s.clerk("lst"), c.s.officer("lst/amr")
	c.n++
	caseID := fmt.Sprintf("bench-%d", c.n)
	s.fail("expect a result", s.db.Write(s.ctx, func(tx bun.IDB) error {
		leaves, err := delivery.Expect(s.ctx, tx, delivery.Expectation{
			CaseID: caseID, CaseNumber: caseID, MatterCode: "M03", MatterName: "我要开饭店", Applicant: "测量", CentreID: clerk.Centre, By: clerk, At: s.dial.Now(),
			Owed: []delivery.Owed{{DepartmentID: department.Department, Department: "市场监管局", Permit: "营业执照"}},
		})
		return errors.Join(err, audit.Record(s.ctx, tx, leaves...))
	}))
	set, err := s.delivery.FindSet(s.ctx, clerk, caseID)
	if s.fail("find the set", err); s.err != nil {
		return "", ""
	}
	given, err := s.delivery.Release(s.ctx, department, delivery.ReleaseRequest{
		LineID: set.Lines[0].ID, DecidedOn: s.day.String(), New: []delivery.NewItem{{Class: delivery.ClassCertificate, Title: "营业执照正本"}},
	})
	if s.fail("hand a result over", err); s.err != nil {
		return "", ""
	}
	_, err = s.delivery.Accept(s.ctx, clerk, delivery.AcceptRequest{TransferID: given.ID, Count: 1})
	s.fail("receive a result", err)
	p, err := s.delivery.Seal(s.ctx, clerk, delivery.SealRequest{
		CaseID: caseID, Items: []string{given.Items[0].ItemID}, Way: delivery.WayOwnCourier, Bag: caseID,
		To: delivery.Addressee{Name: "欧阳修", Phone: "13800001234", Address: "冷水滩区梧桐路12号"},
	})
	s.fail("seal", err)
	return p.ID, c.handOver(p)
}

func (c *carrying) handOver(p delivery.Parcel) (code string) {
	s := c.s
	if s.err != nil {
		return ""
	}
	s.fail("give to the courier", s.db.Write(s.ctx, func(tx bun.IDB) error {
		_, leaves, err := s.delivery.Dispatch(s.ctx, tx, s.clerk("lst"), p.ID, s.people["courier"].ID)
		return errors.Join(err, audit.Record(s.ctx, tx, leaves...))
	}))
	_, err := s.delivery.TakeOver(s.ctx, s.people["courier"], []string{p.Number})
	s.fail("take over", err)
	s.fail("send the code", s.db.Write(s.ctx, func(tx bun.IDB) error {
		text, err := s.delivery.Compose(s.ctx, tx, notify.Message{
			Purpose: notify.PurposeCode, Lang: "zh", ComposedAt: s.dial.Now(), Facts: fmt.Appendf(nil, `{"parcel":%q}`, p.ID),
		})
		if found := codeInText.FindStringSubmatch(text.SMS); found != nil {
			code = found[1]
		}
		return err
	}))
	return code
}

// pages measures the board and the page of one parcel on a database that holds
// many. The rows are copies that the database made of two parcels, an open one
// and one at the end of its road with its twelve events.
func (c *carrying) pages() error {
	open, events := 10_000, 10_000_000
	if c.b.small {
		open, events = 50, 1_200
	}
	road := c.round()
	ended, err := c.s.delivery.FindParcel(c.s.ctx, c.s.clerk("lst"), parcelOf(road[0]))
	c.s.fail("find a parcel", err)
	waiting, _ := c.carried()
	for batch := range slices.Chunk(road, batchOf) {
		c.s.fail("ingest", c.send(batch...))
	}
	page := func() { _, err := c.s.delivery.FindParcel(c.s.ctx, c.s.clerk("lst"), ended.ID); c.s.fail("read", err) }
	alone := c.b.often(page)
	c.copies(ended.ID, events/12)
	c.copies(waiting, open)
	clerk := c.s.clerk("lst")
	board := c.b.often(func() {
		_, err := c.s.delivery.ListParcels(c.s.ctx, clerk, delivery.ParcelQuery{Open: true, Limit: 200})
		c.s.fail("list", err)
	})
	amber := c.b.often(func() {
		_, err := c.s.delivery.ListParcels(c.s.ctx, clerk, delivery.ParcelQuery{Open: true, Colour: delivery.ColourAmber, Limit: 200})
		c.s.fail("list", err)
	})
	full := c.b.often(page)
	return errors.Join(c.s.err, c.b.report(figure{
		Bench: "delivery", Case: fmt.Sprintf("board of %d open parcels", open), N: events, Value: millis(board), Unit: "ms",
		Baseline: "amber ones only", Against: millis(amber), Limit: 300,
	}), c.b.report(figure{
		Bench: "delivery", Case: fmt.Sprintf("parcel page, %d events stored", events), N: events, Value: millis(full), Unit: "ms",
		Baseline: "before the copies", Against: millis(alone), Limit: 50,
	}))
}

func parcelOf(event json.RawMessage) string {
	var e struct {
		ParcelID string `json:"parcel_id"`
	}
	_ = json.Unmarshal(event, &e)
	return e.ParcelID
}

func (c *carrying) copies(parcel string, n int) {
	const each = 10_000
	for first := 0; first < n && c.s.err == nil; first += each {
		c.s.fail("copy", c.s.db.Write(c.s.ctx, func(tx bun.IDB) error {
			return delivery.Copy(c.s.ctx, tx, delivery.Copies{ParcelID: parcel, First: first, N: min(each, n-first)})
		}))
	}
}

// foldTwelve measures what every act on a parcel ends with: its state from its
// events.
func (b *bench) foldTwelve() error {
	begin := wall().UTC().Truncate(time.Millisecond)
	var events []delivery.StoredEvent
	for n, what := range []delivery.EventType{
		delivery.EventSealed, delivery.EventHandedOver, delivery.EventStarted, delivery.EventArrived, delivery.EventContactRevealed, delivery.EventFailed,
		delivery.EventRescheduled, delivery.EventStarted, delivery.EventArrived, delivery.EventContactRevealed, delivery.EventNote, delivery.EventDelivered,
	} {
		e := delivery.StoredEvent{EventID: fmt.Sprint(n), DeviceID: "phone", Seq: int64(n), CourierID: "courier", Type: what, ProofComplete: true}
		if what != delivery.EventNote && what != delivery.EventContactRevealed {
			e.AttemptID = fmt.Sprint("a", n/7)
		}
		e.Claimed = begin.Add(time.Duration(n) * time.Minute)
		e.Effective, e.Quality = e.Claimed, delivery.QualityA
		events = append(events, e)
	}
	slices.Reverse(events)
	one := events[:1]
	took, single := b.often(func() { delivery.Fold(events) }), b.often(func() { delivery.Fold(one) })
	return b.report(figure{
		Bench: "delivery", Case: "fold of 12 events", N: len(events), Value: micros(took), Unit: "µs", Baseline: "of one", Against: micros(single), Limit: 10,
	})
}
