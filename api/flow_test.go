package api

import (
	"archive/zip"
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/scheduler/slot"
)

// restaurant is "我要开饭店", 120 m² with a sign: amr, fire and urban come.
func restaurant() map[string]any {
	return map[string]any{
		"matter_code": "M03",
		"applicant":   map[string]any{"name": "湘味轩餐饮店", "phone": "138 0000 1234"},
		"site":        map[string]any{"division": "431103", "address": "冷水滩区梧桐路88号", "lat": 26.43, "lon": 111.61},
		"answers": map[string]any{
			"floor_area_m2": 120, "outdoor_sign": true, "near_cultural_relic": false,
			"has_kitchen_flue": false, "central_air_conditioning": false, "fit_out": false,
		},
	}
}

func (w *world) newCase() string {
	w.t.Helper()
	return w.post("clerk", "/cases", restaurant()).is(http.StatusCreated).at("id")
}

// newDraft is a case with a draft visit.
func (w *world) newDraft() string {
	w.t.Helper()
	return w.post("clerk", "/visits", map[string]any{"case_id": w.newCase(), "kind": "site"}).is(http.StatusCreated).at("id")
}

// offer is the best time for a draft, and who comes.
type offer struct {
	Start     time.Time `json:"start"`
	Resources []string  `json:"resources"`
}

func (w *world) bestSlot(visit string) offer {
	w.t.Helper()
	var answer struct{ Offers []slot.Offer }
	w.post("clerk", "/slots", map[string]any{"visit_id": visit, "limit": 1}).is(http.StatusOK).into(&answer)
	if len(answer.Offers) == 0 {
		w.t.Fatal("no offer")
	}
	out := offer{Start: answer.Offers[0].Start}
	for _, ids := range answer.Offers[0].People {
		out.Resources = append(out.Resources, ids...)
	}
	return out
}

// newVisit is a visit booked at the best offer, its notices sent.
func (w *world) newVisit() string {
	w.t.Helper()
	draft := w.newDraft()
	w.post("clerk", "/visits/"+draft+"/book", w.bestSlot(draft)).is(http.StatusOK)
	w.tick()
	return draft
}

func partPath(visit, system, act string) string {
	return "/visits/" + visit + "/participants/431103-" + system + "/" + act
}

// part is one department's part as the window sees it.
func (w *world) part(visit, system string) map[string]any {
	w.t.Helper()
	var v struct{ Participants []map[string]any }
	w.get("clerk", "/visits/"+visit).is(http.StatusOK).into(&v)
	for _, p := range v.Participants {
		if p["system"] == system {
			return p
		}
	}
	w.t.Fatalf("%s does not take part", system)
	return nil
}

// The main job through the interface: fire accepts, city management declines,
// market regulation stays silent and is deemed to consent; the visit is closed
// and its evidence verifies (plan 三(三)3-四).
func TestTheMainJobWalksThroughTheInterface(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { newWorldOn(t, d).mainJob() })
}

func (w *world) mainJob() {
	t := w.t
	w.account("urban", postOf("431103-urban"))
	visit := w.newVisit()
	w.post("inspector", partPath(visit, "fire", "reply"), map[string]any{"round": 1, "kind": "accept"}).is(http.StatusOK)
	w.post("urban", partPath(visit, "urban", "reply"), map[string]any{"round": 1, "kind": "accept"}).is(http.StatusOK)
	due, err := time.Parse(time.RFC3339, w.part(visit, "amr")["respond_by"].(string))
	w.must(err)
	w.until(due.Add(11 * time.Minute))
	if got := w.part(visit, "amr")["consent"]; got != "deemed" {
		t.Fatalf("market regulation is %v", got)
	}
	if got := w.get("auditor", "/visits/"+visit+"/deemed").is(http.StatusOK).at("items.0.reason"); got != "no_reply" {
		t.Errorf("deemed for %q", got)
	}
	start, err := time.Parse(time.RFC3339, w.get("clerk", "/visits/"+visit).at("start_at"))
	w.must(err)
	w.until(start)
	w.post("clerk", "/visits/"+visit+"/start", nil).is(http.StatusOK)
	w.post("inspector", partPath(visit, "fire", "opinion"), map[string]any{"kind": "agree", "text": "符合要求"}).is(http.StatusOK)
	w.twice(request{as: "urban", method: http.MethodPost, path: prefix + partPath(visit, "urban", "opinion"), body: map[string]any{"kind": "agree"}})
	w.post("clerk", "/visits/"+visit+"/end-site", nil).is(http.StatusOK)
	w.clock.forward(time.Second)
	signed := map[string]any{"how": "signed", "receiver": "李梅", "at": w.trust.Now().Format(time.RFC3339), "scan": map[string]any{"name": "a.png", "content": onePixel(t)}}
	w.post("inspector", "/visits/"+visit+"/record-signature", signed).is(http.StatusConflict) // nobody of fire has checked in
	w.twice(request{as: "clerk", method: http.MethodPost, path: prefix + "/visits/" + visit + "/record-signature", body: signed})
	if got := w.get("clerk", "/visits/"+visit).is(http.StatusOK).at("signed_record.receiver"); got != "李梅" {
		t.Errorf("signed by %q", got)
	}
	if got := w.twice(request{as: "clerk", method: http.MethodPost, path: prefix + "/visits/" + visit + "/close"}).at("result"); got != "passed" {
		t.Errorf("result %q", got)
	}
	w.verify(visit)
	for _, secret := range []string{"13800001234", "湘味轩", "梧桐路", w.tokens["clerk"]} { // PRO-15
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("%q stands in the log", secret)
		}
	}
}

// verify downloads the bundle of market regulation and has it checked.
func (w *world) verify(visit string) {
	w.t.Helper()
	bundle := w.get("auditor", "/evidence/"+visit+"/431103-amr").is(http.StatusOK)
	if _, err := zip.NewReader(bytes.NewReader(bundle.body), int64(len(bundle.body))); err != nil {
		w.t.Fatal(err)
	}
	got := w.do(request{
		as: "inspector", method: http.MethodPost, path: prefix + "/evidence/verify", body: bundle.body,
		header: map[string]string{"Content-Type": "application/zip"},
	}).is(http.StatusOK)
	if got.at("result") != "PASS" {
		w.t.Errorf("verdict %s", got.body)
	}
}

// notCreating are the POSTs without an Idempotency-Key: what they do is settled
// by what they find, so a repeat does no harm.
var notCreating = map[string]string{
	"importResults": "a repeat finds its lines in the register", "importBagTable": "a bag is signed for once",
	"orderRound":  "the same order twice is the same order",
	"searchSlots": "reads", "deriveDepartments": "reads", "foreseeFacts": "reads", "verifyEvidence": "reads",
	"holdSlot":     "a visit holds one slot; the same choice again is the same hold",
	"noticeOpened": "opened is opened",
	"startVisit":   "moves the visit, from one state only", "callRoll": "called once", "endSite": "moves the visit", "cancelVisit": "moves the visit", "visitNotHeld": "moves the visit",
	"signOpinion": "one person signs once", "dropOpinion": "moves the opinion",
	"confirmDeemed": "moves the department's part", "upholdDeemed": "moves the department's part", "reverseDeemed": "two persons, each once", "waiveOpinion": "two persons, each once",
	"checkAgreement": "checked once", "leaveTrip": "left once",
	"commitLeave": "each line names the round it changes: a repeat finds it changed",
	"leaveSite":   "left once", "withdrawAttestation": "taken back once", "decideCorrection": "decided once", "decideItem": "decided once", "decideTerm": "decided once", "answerPhoto": "answered once", "decideBreach": "decided once", "askParty": "asked once", "clearDanger": "cleared once, or by two persons", "settlePair": "settled once", "sendPair": "sent once", "seeItems": "seen again is seen", "explainBreach": "answered once",
	"taskDone": "a task is done once", "endHold": "a hold ends once",
	"approveAddress": "decided once", "rejectAddress": "decided once", "approveCalendar": "decided once", "rejectCalendar": "decided once",
	"approveSetting": "decided once", "rejectSetting": "decided once", "withdrawClosure": "withdrawn once", "endReceiver": "ended once",
	"revokeElectronic": "withdrawn once", "sendFile": "each link ends the one before", "recordEntered": "moves the file", "changeWay": "moves the file", "printFetch": "each slip ends the one before",
	"waiveResult": "moves the line", "acceptTransfer": "signed once", "refuseTransfer": "refused once",
	"handOverParcel": "the same courier again is the same hand-over", "takeOverParcels": "signed once", "newParcelCode": "three at most, each voids the last",
	"cancelParcel": "moves the parcel", "returnParcel": "moves the parcel", "collectParcel": "moves the parcel", "confirmDelivery": "moves the parcel",
	"declareEventWrong": "what is wrong stays wrong", "undoEvent": "what was taken back is not taken back again", "acceptEventTime": "accepted is accepted",
	"printLabels": "each copy is entered and says which it is", "printParcel": "each copy says which it is", "printRound": "each copy says which it is", "printSlip": "each copy says which it is", "printDemand": "each copy says which it is", "printBag": "each copy says which it is", "printNote": "each copy says which it is", "printTaken": "each link ends the one before", "mailLink": "each link ends the one before",
	"pauseParcel": "one pause stands at a time", "endPause": "a pause ends once", "reviewPause": "reviewed once",
	"holdParcel": "moves the parcel", "resumeParcel": "moves the parcel", "recallParcel": "moves the parcel", "foundParcel": "moves the parcel",
	"reportHarm": "moves the parcel", "settleAlert": "settled once", "changeFault": "the last one counts", "writeOffParcel": "moves the parcel", "reassignParcel": "the same courier again is the same hand-over",
	"rateCase": "a case is rated once", "callBackRating": "called back once",
	"confirmAddress": "the last one counts", "chooseWay": "the last one counts", "nameAgent": "the last one counts", "chooseByLink": "the same again changes nothing",
	"askSlot": "the same time again changes nothing", "reportMissing": "while it is open nothing is added", "showCode": "three at most, each voids the last",
	"rateByLink": "a case is rated once", "revokeByLink": "withdrawn once",
	"tryAtDoor":     "each try counts, as it does at the door",
	"stampMaterial": "stamped once", "cancelLoan": "moves the loan", "confirmDestroy": "confirmed once", "decideDamage": "decided once", "withdrawDestroy": "withdrawn once", "shelveItem": "the same place again is the same place", "shelveParcel": "the same place again is the same place",
	"putInBag": "what is in it is in it", "takeOutOfBag": "what is out is out", "cancelBag": "moves the bag", "releaseBag": "given away once",
	"acceptBag": "signed once", "refuseBag": "refused once", "explainExtra": "explained once", "explainTransferExtra": "explained once",
	"addScan": "the same image is the same scan", "openScan": "each look is written down",
	"leaveRun": "leaves once", "postponeEntry": "moved once", "closeRun": "closed once", "missRun": "moves the run", "printRun": "each copy says which it is",
	"postParcel": "moves the parcel, from one state only", "askCarrier": "asks; the number itself waits half an hour",
	"ingestEvents": "each event has an id of its own", "putBlob": "known by its content",
}

// STK-43, design §6: whoever adds a POST says whether it creates.
func TestEveryPostThatCreatesTakesAnIdempotencyKey(t *testing.T) {
	for _, line := range newWorld(t).Routes() {
		if line.Method != http.MethodPost || !strings.HasPrefix(line.Path, prefix) {
			continue
		}
		_, has := line.in.FieldByName("Key")
		if _, harmless := notCreating[line.Act]; has == harmless {
			t.Errorf("%s: takes a key is %v, stands in notCreating is %v", line.Act, has, harmless)
		}
	}
}

// onSite are the acts that need a visit under way, or one that is over.
var onSite = []string{"opine", "closeVisit", "checkIn", "attestAbsence", "proposeCorrection", "giveList", "proposeItem", "requestRevisit", "planRevisit", "askAgain", "addPhoto", "addPhotoByLink", "concludeRectify", "signOnPaper", "answerChecklist", "pairItems", "signRecord"}

// STK-43, INS-604: the second click gets the first answer and makes nothing;
// the key of one request is refused for another. Opinions and closing are
// clicked twice in the main job.
func TestRepeatedKeyBringsTheFirstAnswerOfEveryAct(t *testing.T) {
	s := newScene(t)
	s.must(s.Office.RejectCalendar(t.Context(), s.calendar, "person:two")) // one waits at a time
	tried := 0
	for _, line := range s.Routes() {
		// A required department is withdrawn by a supervisor, not by the first role of the line.
		if line.in == nil || line.Act == "withdrawDepartment" || slices.Contains(onSite, line.Act) {
			continue
		}
		if field, has := line.in.FieldByName("Key"); !has || field.Tag.Get("header") != "Idempotency-Key" {
			continue
		}
		tried++
		sample := apiSamples(s)[line.Act]
		role := actorFor(line)
		body := sample.body
		if line.Act == "planVisit" {
			body = map[string]any{"case_id": s.newCase(), "kind": "site"}
		}
		if s.waits(line.Act, &sample) {
			body = sample.body
		}
		if line.Act == "sealParcel" {
			body = sealing(s.received())
		}
		s.twice(request{as: role, method: line.Method, path: prefix + sample.path, body: body, header: sample.header})
	}
	if tried < 13 {
		t.Errorf("%d acts tried", tried)
	}
	s.withoutKey()
}

// waits makes a visit in which fire's answer waits for the act, and reports whether
// the act is of that kind.
func (w *world) waits(act string, s *sample) bool {
	w.t.Helper()
	kind := map[string]string{
		"acceptCounter": "counter", "refuseCounter": "counter", "refuseExcuse": "excuse", "releaseExcused": "excuse",
		"withdrawObjection": "objection", "settleObjection": "objection", "decideContest": "contest", "contestService": "service",
		"decideExtension": "extension",
	}[act]
	if kind == "" {
		return false
	}
	if kind == "extension" {
		s.path = "/cases/" + w.longerOf(true) + "/extension/decide"
		return true
	}
	visit := w.newVisit()
	_, rest, _ := strings.Cut(s.path, "/431103-fire/")
	s.path = partPath(visit, "fire", rest)
	if kind == "objection" {
		w.post("inspector", partPath(visit, "fire", "objection"), map[string]any{"objection": "产权有争议"}).is(http.StatusOK)
		return true
	}
	if kind == "service" { // which has just been proved
		return true
	}
	if kind == "contest" {
		w.post("inspector", partPath(visit, "fire", "contest"), map[string]any{"round": 1, "reason": "当日停电"}).is(http.StatusOK)
		return true
	}
	answer := map[string]any{"round": 1, "kind": kind, "reason": "当日有会"}
	if kind == "counter" {
		answer["proposals"] = []string{"2026-11-24T15:00:00+08:00"}
	}
	w.post("inspector", partPath(visit, "fire", "reply"), answer).is(http.StatusOK)
	if act == "acceptCounter" {
		var weighed struct{ Items []map[string]any }
		w.get("clerk", partPath(visit, "fire", "counter")).is(http.StatusOK).into(&weighed)
		s.body = map[string]any{"start": weighed.Items[0]["start"], "resources": weighed.Items[0]["resources"]}
	}
	return true
}

// twice sends a request two times under one key, the second time for the first
// answer only, and gives it.
func (w *world) twice(r request) *reply {
	w.t.Helper()
	r.header = maps.Clone(r.header)
	if r.header == nil {
		r.header = map[string]string{}
	}
	r.header["Idempotency-Key"] = freshKey()
	first := w.do(r)
	leaves, messages := w.counts()
	second := w.do(r)
	moreLeaves, moreMessages := w.counts()
	if first.status >= 300 || second.status != first.status || string(second.body) != string(first.body) {
		w.t.Errorf("%s: %d %s, then %d %s", r.path, first.status, first.body, second.status, second.body)
	}
	if first.header.Get("Idempotency-Replayed") != "" || second.header.Get("Idempotency-Replayed") != "true" {
		w.t.Errorf("%s: replayed %q, then %q", r.path, first.header.Get("Idempotency-Replayed"), second.header.Get("Idempotency-Replayed"))
	}
	if moreLeaves != leaves || moreMessages != messages {
		w.t.Errorf("%s left %d leaves and %d messages more", r.path, moreLeaves-leaves, moreMessages-messages)
	}
	return first
}

// withoutKey: a key belongs to one request, and has to be sent (SEC-9).
func (w *world) withoutKey() {
	w.t.Helper()
	plan := request{
		as: "clerk", method: http.MethodPost, path: prefix + "/visits", body: map[string]any{"case_id": w.newCase(), "kind": "site"},
		header: map[string]string{"Idempotency-Key": freshKey()},
	}
	w.do(plan).is(http.StatusCreated)
	plan.body = map[string]any{"case_id": w.newCase(), "kind": "site"}
	w.do(plan).refused(http.StatusConflict, "idempotency_mismatch")
	delete(plan.header, "Idempotency-Key")
	path := prefix + "/cases/" + w.newCase()
	amend := request{as: "key", method: http.MethodPatch, path: path, body: map[string]any{}, header: map[string]string{"If-Match": `"v1"`}}
	pass := request{as: "key", method: http.MethodPost, path: path + "/pass-on", body: map[string]any{}}
	for _, r := range []request{plan, amend, pass} {
		p := w.do(r).refused(http.StatusUnprocessableEntity, "fields_invalid")
		if len(p.Errors) != 1 || p.Errors[0].Name != "Idempotency-Key" || p.Errors[0].Code != "required" {
			w.t.Errorf("%s: %+v", r.path, p.Errors)
		}
	}
	amend.as, pass.as = "clerk", "clerk" // a person's own page has no need of one
	w.do(amend).is(http.StatusOK)
	w.do(pass).is(http.StatusNoContent)
}

// INS-602: of two clicks on one time one wins, the other is given alternatives.
func TestTakenSlotComesWithAlternatives(t *testing.T) {
	w := newWorld(t)
	one, two := w.newDraft(), w.newDraft()
	slot := w.bestSlot(one)
	w.post("clerk", "/visits/"+one+"/book", slot).is(http.StatusOK)
	p := w.post("clerk", "/visits/"+two+"/book", slot).refused(http.StatusConflict, "slot_taken")
	if offers, _ := p.Details["alternatives"].([]any); len(offers) != 3 {
		t.Errorf("alternatives %v", p.Details)
	}
}

// STK-41, STK-44
func TestVersionsGuardACase(t *testing.T) {
	w := newWorld(t)
	id := w.newCase()
	path := "/cases/" + id
	seen := w.get("clerk", path).is(http.StatusOK)
	tag := seen.header.Get("ETag")
	patch := func(match string) *reply {
		h := map[string]string{}
		if match != "" {
			h["If-Match"] = match
		}
		return w.do(request{
			as: "clerk", method: http.MethodPatch, path: prefix + path, header: h,
			body: map[string]any{"answers": map[string]any{"floor_area_m2": 350.5}},
		})
	}
	if tag != `"v1"` {
		t.Fatalf("ETag %q", tag)
	}
	unchanged := w.do(request{as: "clerk", method: http.MethodGet, path: prefix + path, header: map[string]string{"If-None-Match": `W/"v0", ` + tag}})
	if unchanged.is(http.StatusNotModified); len(unchanged.body) != 0 {
		t.Errorf("304 with a body: %s", unchanged.body)
	}
	patch("").refused(http.StatusPreconditionRequired, "precondition_missing")
	for _, bad := range []string{`"v9"`, `W/"v1"`, `v1`, `"v1", "v2"`, `"v01"`, `"x"`} {
		patch(bad).refused(http.StatusPreconditionFailed, "precondition_failed")
	}
	changed := patch(tag).is(http.StatusOK)
	if changed.header.Get("ETag") != `"v2"` || changed.at("answers.floor_area_m2") != "350.5" {
		t.Errorf("%s %s", changed.header.Get("ETag"), changed.body)
	}
	patch(tag).refused(http.StatusPreconditionFailed, "precondition_failed")
}

// STK-44: what has no version is compared by its content.
func TestUnchangedAnswerIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	ask := func(tag string) *reply {
		return w.do(request{as: "clerk", method: http.MethodGet, path: prefix + "/tasks", header: map[string]string{"If-None-Match": tag}})
	}
	first := ask("").is(http.StatusOK)
	ask(first.header.Get("ETag")).is(http.StatusNotModified)
	w.post("clerk", "/cases/"+w.newCase()+"/pass-on", map[string]any{}).is(http.StatusNoContent)
	ask(first.header.Get("ETag")).is(http.StatusOK)
}

// STK-44: pages by cursor, with a Link header, over rows that come in between.
func TestCursorPagesShowEveryRowOnce(t *testing.T) {
	w := newWorld(t)
	visit := w.newVisit()
	w.newDraft()
	for _, id := range []string{w.newVisit(), w.newVisit()} {
		w.post("inspector", partPath(id, "fire", "reply"), map[string]any{"round": 1, "kind": "decline", "reason": "出警"}).is(http.StatusOK)
	}
	for _, c := range []struct{ as, path string }{
		{"clerk", "/cases"}, {"clerk", "/visits"}, {"inspector", "/inbox"}, {"clerk", "/tasks"}, {"security", "/people"},
		{"clerk", "/messages?visit=" + visit},
	} {
		whole := w.get(c.as, c.path).is(http.StatusOK).ids()
		if len(whole) < 2 {
			t.Errorf("%s has %d rows", c.path, len(whole))
		}
		if paged := w.pages(c.as, c.path); !slices.Equal(whole, paged) {
			t.Errorf("%s: whole %v\npaged %v", c.path, whole, paged)
		}
		w.get(c.as, link(c.path, "cursor", "x y")).refused(http.StatusUnprocessableEntity, "fields_invalid")
		w.get(c.as, link(c.path, "limit", "201")).refused(http.StatusUnprocessableEntity, "fields_invalid")
	}
	whole := w.get("clerk", "/cases").is(http.StatusOK).ids()
	first := w.get("clerk", "/cases?limit=2").is(http.StatusOK)
	w.newCase() // newer than what was seen
	rest := w.get("clerk", "/cases?cursor="+first.at("next")).is(http.StatusOK)
	if got := append(first.ids(), rest.ids()...); !slices.Equal(got, whole) {
		t.Errorf("a case came in between: %v, want %v", got, whole)
	}
}

// pages reads a list two rows at a time, following its Link headers.
func (w *world) pages(as, path string) (ids []string) {
	w.t.Helper()
	path = prefix + link(path, "limit", "2")
	for path != "" {
		got := w.do(request{as: as, method: http.MethodGet, path: path}).is(http.StatusOK)
		next := got.header.Get("Link")
		if (got.at("next") == "") != (next == "") {
			w.t.Errorf("next %q, Link %q", got.at("next"), next)
		}
		ids = append(ids, got.ids()...)
		path, _, _ = strings.Cut(strings.TrimPrefix(next, "<"), ">")
	}
	return ids
}

// link adds a parameter to a path.
func link(path, name, value string) string {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return path + sep + name + "=" + url.QueryEscape(value)
}

// ids of the rows of a list.
func (r *reply) ids() []string {
	r.t.Helper()
	var page struct{ Items []struct{ ID string } }
	r.into(&page)
	out := make([]string, len(page.Items))
	for i, item := range page.Items {
		out[i] = item.ID
	}
	return out
}
