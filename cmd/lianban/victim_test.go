package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// victimDay is where the time of a city that gets killed begins: a year with
// all its holidays known lies ahead.
var victimDay = workday.Date{Year: 2026, Month: time.January, Day: 30}

// victim is the process of TestNothingIsLostOrHalfDoneWhenTheProcessIsKilled:
// clerks, departments and sweeps work side by side while the time flies.
func victim() {
	if err := suffer(os.Getenv("VICTIM_DIR"), os.Getenv("VICTIM_SEED")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func suffer(dir, seed string) error {
	number, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return err
	}
	v, err := openVictim(context.Background(), dir)
	if err != nil {
		return err
	}
	if err := errors.Join(v.beat(), v.notify.Recover(v.ctx)); err != nil {
		return err
	}
	if err := v.write(note{Op: "up", ID: seed, Left: len(v.unfinished)}); err != nil {
		return err
	}
	fmt.Println("up")
	failed := make(chan error)
	for i, work := range []func(*rand.Rand) error{v.book, v.book, v.reply, v.send, v.deem, v.live} {
		random := rand.New(rand.NewPCG(number, uint64(i))) //nolint:gosec // chance for a test
		go func() {
			for {
				if err := work(random); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

// victimWorld is a city with a diary.
type victimWorld struct {
	*stage
	*diary
	unfinished []note // bookings that nobody knows the end of
	retrying   sync.Mutex
}

// openVictim opens the city that the test made and finds its people again.
func openVictim(ctx context.Context, dir string) (*victimWorld, error) {
	a := &app{console: console{out: io.Discard, err: io.Discard}, ctx: ctx, lang: "zh", cfg: testConfig(dir)}
	w, err := a.newWorldOn(victimDay, db.Open)
	if err != nil {
		return nil, err
	}
	w.dial.skipTo(w.dial.Now().Add(victimStep)) // acts may be later than the last check of the clock
	v := &victimWorld{stage: &stage{world: w, ctx: ctx}}
	if v.diary, err = openDiary(dir); err != nil {
		return nil, err
	}
	post := recorder{v.diary, w.notify.Channels[notify.SMS]}
	w.notify.Channels = map[string]notify.Channel{notify.Mail: post, notify.SMS: post}
	if v.unfinished, err = unfinished(dir); err != nil {
		return nil, err
	}
	return v, w.db.Read(ctx, func(q bun.IDB) error { return v.recall(ctx, q) })
}

func (v *victimWorld) recall(ctx context.Context, q bun.IDB) error {
	people, err := auth.ListPeople(ctx, q, auth.PersonQuery{})
	if err != nil {
		return err
	}
	for _, p := range people {
		v.people[p.Login] = p.Actor()
	}
	departments, err := office.ListDepartments(ctx, q, office.DepartmentQuery{})
	for _, d := range departments {
		v.departments[strings.Replace(d.ID, "-", "/", 1)] = d
	}
	return err
}

// recorder takes every letter and text as the department's own server would,
// and writes down what it took.
type recorder struct {
	*diary
	canaries notify.Channel
}

func (r recorder) Send(ctx context.Context, m notify.Message) notify.Outcome {
	if m.Purpose == "canary" {
		return r.canaries.Send(ctx, m)
	}
	sum := sha256.Sum256(m.Body)
	if err := r.write(note{Op: "sent", ID: m.ID, Sum: hex.EncodeToString(sum[:])}); err != nil {
		return notify.Outcome{Result: notify.Retry}
	}
	return notify.Outcome{Result: notify.Yes, Source: "own_mx", Line: "250 queued", Peer: "mx.example"}
}

// book first asks again for what a kill left unanswered, under the same key;
// then it takes a new case in.
func (v *victimWorld) book(random *rand.Rand) error {
	if n, ok := v.takeUnfinished(); ok {
		return v.try(n, "bad_move")
	}
	s := &stage{world: v.world, ctx: v.ctx}
	area := []string{"lst", "ll"}[random.IntN(2)]
	matter := []string{"M03", "M15", "M16", "M22", "M25"}[random.IntN(5)]
	c := s.accept(scenario{
		area, matter, fmt.Sprintf("测试店%d", random.IntN(1e6)), "13807461299", fmt.Sprintf("湘江路%d号", random.IntN(500)),
		26.4398, 111.6087, "floor_area_m2=120 outdoor_sign=yes",
	})
	if s.err != nil {
		return s.err
	}
	draft, err := v.inspection.Plan(v.ctx, v.clerk(area), inspection.PlanRequest{CaseID: c.ID, Kind: inspection.KindSite})
	if err != nil {
		return err
	}
	offer, err := s.best(draft.ID, area)
	if errors.Is(err, errNoRoom) {
		return nil
	}
	if err != nil {
		return err
	}
	n := note{Op: "intend", ID: draft.ID, Area: area, Slot: choiceOf(offer)}
	if err := v.write(n); err != nil {
		return err
	}
	return v.try(n, "")
}

func (v *victimWorld) takeUnfinished() (n note, ok bool) {
	v.retrying.Lock()
	defer v.retrying.Unlock()
	if len(v.unfinished) == 0 {
		return n, false
	}
	n, v.unfinished = v.unfinished[0], v.unfinished[1:]
	return n, true
}

// try books. A refusal is an answer, too, but for the one that may not come.
func (v *victimWorld) try(n note, never string) error {
	clerk := v.clerk(n.Area)
	_, err := v.inspection.Book(v.ctx, clerk, inspection.BookRequest{
		VisitID: n.ID, Choice: n.Slot, Once: once.Key{Actor: clerk.String(), Value: n.ID, Print: "book"},
	})
	refusal, refused := fault.From(err)
	switch {
	case err == nil:
		return v.write(note{Op: "booked", ID: n.ID})
	case refused && refusal.Code != never:
		return v.write(note{Op: "refused", ID: n.ID, Code: refusal.Code})
	}
	return fmt.Errorf("book %s: %w", n.ID, err)
}

// reply answers one invitation of one department; most stay silent.
func (v *victimWorld) reply(random *rand.Rand) error {
	keys := make([]string, 0, len(officers))
	for key := range officers {
		keys = append(keys, key)
	}
	who := v.officer(keys[random.IntN(len(keys))])
	inbox, err := v.inspection.Inbox(v.ctx, who, inspection.InboxQuery{})
	if err != nil {
		return err
	}
	for _, line := range inbox {
		if line.Consent != inspection.ConsentAwaiting || random.IntN(3) > 0 {
			continue
		}
		kind := []inspection.ReplyKind{inspection.ReplyAccept, inspection.ReplyDecline}[random.IntN(2)]
		r, err := v.inspection.Reply(v.ctx, who, inspection.ReplyRequest{
			ParticipantID: line.ID, Round: line.Round, Kind: kind, Reason: "另有公务", Channel: "portal",
		})
		if _, refused := fault.From(err); refused {
			return nil
		}
		if err != nil {
			return err
		}
		return v.write(note{Op: "answered", ID: line.ID, Visit: line.VisitID, Kind: kind, Done: r.Outcome})
	}
	return nil
}

func (v *victimWorld) send(*rand.Rand) error {
	return errors.Join(v.notify.SendDue(v.ctx), v.notify.AskUnknown(v.ctx))
}

func (v *victimWorld) deem(*rand.Rand) error {
	return errors.Join(v.inspection.DeemDue(v.ctx), v.inspection.RemindDue(v.ctx), v.inspection.EscalateDue(v.ctx), v.audit.Checkpoint(v.ctx))
}

// victimStep is how far the time leaps. With a kill between two heartbeats
// three of them still lie within inbound.max_gap.
const victimStep = 10 * time.Minute

// live lets ten minutes pass at a time, with the ways in alive, slowly enough
// for the letters to keep up; nights are skipped.
func (v *victimWorld) live(*rand.Rand) error {
	<-time.After(40 * time.Millisecond)
	now := v.dial.Now()
	next := v.step(now)
	if next.Sub(now) == demoStep {
		next = now.Add(victimStep)
	}
	v.dial.skipTo(next)
	return v.beat()
}

func (v *victimWorld) beat() error {
	return errors.Join(
		v.clock.Check(v.ctx), v.notify.Beat(v.ctx, notify.Portal, v.dial.Now(), true), v.notify.SendCanary(v.ctx),
	)
}

// note is one line of what a victim meant to do, or was told to be done.
type note struct {
	Op    string                  `json:"op"` // up, intend, booked, refused, answered, sent
	ID    string                  `json:"id"`
	Visit string                  `json:"visit,omitempty"`
	Area  string                  `json:"area,omitempty"`
	Slot  inspection.SlotChoice   `json:"slot,omitzero"`
	Code  string                  `json:"code,omitempty"`
	Kind  inspection.ReplyKind    `json:"kind,omitempty"`
	Done  inspection.ReplyOutcome `json:"done,omitempty"`
	Sum   string                  `json:"sum,omitempty"`
	Left  int                     `json:"left,omitempty"` // bookings that the kill before cut off
}

// diary is written by victims and outlives them. A kill may tear its last note,
// which is then as good as never written: what was intended was not begun, and what
// was answered is asked again under the same key.
type diary struct {
	mu   sync.Mutex
	file *os.File
}

func openDiary(dir string) (*diary, error) {
	file, err := os.OpenFile(dir+"/diary.jsonl", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.WriteString("\n") // ends a torn note
	return &diary{file: file}, err
}

func (d *diary) write(n note) error {
	line, err := json.Marshal(n)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err = d.file.Write(append(line, '\n'))
	return err
}

func readDiary(dir string) (all []note, err error) {
	content, err := os.ReadFile(dir + "/diary.jsonl")
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for line := range strings.Lines(string(content)) {
		var n note
		if json.Unmarshal([]byte(line), &n) == nil {
			all = append(all, n)
		}
	}
	return all, err
}

// unfinished are the bookings that were asked for and never answered.
func unfinished(dir string) (open []note, err error) {
	all, err := readDiary(dir)
	ended := map[string]bool{}
	for _, n := range all {
		if n.Op == "booked" || n.Op == "refused" {
			ended[n.ID] = true
		}
	}
	for _, n := range all {
		if n.Op == "intend" && !ended[n.ID] {
			open = append(open, n)
		}
	}
	return open, err
}
