package api

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"image/png"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/internal/paper/papertest"
	"lianban/notify"
	"lianban/scheduler/slot"
)

// scene holds one object of each kind for the matrix, all of 冷水滩区.
type scene struct {
	*world
	parcel, parcelNumber, sealing, blob  string
	pause                                string
	rating                               string // a low one
	alert                                string // about a lost result of fire
	unlisted, signedFor                  string // found in a transfer, and that
	spoilt                               string // a result of fire on the shelf
	damage                               bagsOf // the question about one, and about another that fire has answered
	courier, paper                       string // who has the parcel, and the code of its receipt
	caseID, draft, visit                 string
	best                                 offer
	task, hold, mail                     string
	setting, calendar, line              string // proposals
	resource, leave                      string // the inspector's own, and a leave of it
	owed, toGive, transfer, number, item string // of the fire brigade
	closure                              string // of fire
	spare, void, destruction             bagsOf // a thing of each side, one that is to be destroyed, and the proposal
	original, here, loan, extra, photo   string // originals that fire has, and the window; one that is lent; found in a bag
	opened, bagged                       string // a bag, and the number of one
	fileCase, fileLine, consent, file    string // a result that goes as a file
	packing, sent                        bagsOf // by who acts: the window's and fire's
	lists                                bagsOf // a registered receiver of a department without accounts, and one of fire
	shuttle                              delivery.RunView
	entries                              bagsOf    // of the ledger, about each side
	longer                               bagsOf    // cases whose extension waits: for the supervisor, and for fire's head
	danger                               string    // that fire found
	rides                                [2]string // visits of one trip
	trip                                 string
	waiting, arriving                    string // paths of links: to a case that waits for a result, and to the parcel's
}

// bagsOf are a bag, or another thing, for each side to act on.
type bagsOf struct{ window, fire string }

// paths gives the path of each side's bag, the window's for all others.
func (b bagsOf) paths(rest string) map[auth.Role]string { return b.under("/bags/", rest) }

// onList is the body that registers a receiver.
func onList(department, name string) map[string]any {
	return map[string]any{"department_id": department, "name": name, "post": "收发室", "ground": "登记函"}
}

// listed registers a receiver of each side's list.
func (s *scene) listed() {
	of := func(role, department string) string {
		var out struct{ ID string }
		s.post(role, "/receivers", onList(department, "何秀英")).is(http.StatusCreated).into(&out)
		return out.ID
	}
	s.lists = bagsOf{window: of("clerk", "431103-amr"), fire: of("head", "431103-fire")}
}

// under is paths for other nouns.
func (b bagsOf) under(noun, rest string) map[auth.Role]string {
	of := func(id string) string { return noun + id + rest }
	return map[auth.Role]string{auth.Inspector: of(b.fire), auth.Head: of(b.fire), auth.Clerk: of(b.window)}
}

// sample is a request that is right but for who sends it. object says that the
// path or body names something that belongs to 冷水滩区.
type sample struct {
	path   string
	body   any
	header map[string]string
	object bool
	byRole map[auth.Role]any // bodies that differ by role
	byPath map[auth.Role]string
}

// apiSamples has one sample for each operation, by its act.
func apiSamples(s *scene) map[string]sample {
	visit := "/visits/" + s.visit
	draft := "/visits/" + s.draft
	part := func(act string) string { return partPath(s.visit, "fire", act) }
	reason := map[string]any{"reason": "核对无误"}
	atWindow := map[string]any{"party": "window", "way": "window"}
	end := map[string]any{"reason_code": "weather", "reason": "大雨"}
	call := map[string]any{"round": 1, "kind": "accept", "channel": "phone", "given_by": "周队长"}
	exchange := func(caller string) map[string]any { // the two who come have the lowest ids
		fire := s.people["fire"]
		return map[string]any{"leaves": fire[0].ID, "comes": fire[2].ID, "reason": "临时参加专项检查", "caller": caller}
	}
	parcel := func(rest string) string { return "/parcels/" + s.parcel + rest }
	return map[string]sample{
		"acceptCase":       {path: "/cases", body: restaurant()},
		"listCases":        {path: "/cases"},
		"listDestructions": {path: "/destructions"}, "listDamages": {path: "/damages"},
		"findCase":     {path: "/cases/" + s.caseID, object: true},
		"caseEffect":   {path: "/cases/" + s.caseID + "/effect", object: true},
		"amendCase":    {path: "/cases/" + s.caseID, object: true, body: map[string]any{"confirm_unknown": true}, header: map[string]string{"If-Match": `"v1"`}},
		"foreseeFacts": {path: "/cases/" + s.caseID + "/foresee", object: true, body: map[string]any{"confirm_unknown": true}, header: map[string]string{"If-Match": `"v1"`}},
		"passCaseOn":   {path: "/cases/" + s.caseID + "/pass-on", object: true, body: map[string]any{}},

		"listMatters": {path: "/matters"}, "findMatter": {path: "/matters/M03"},
		"deriveDepartments": {path: "/matters/M03/derive", body: map[string]any{}},

		"searchSlots": {path: "/slots", object: true, body: map[string]any{"visit_id": s.draft}},
		"planVisit":   {path: "/visits", object: true, body: map[string]any{"case_id": s.caseID, "kind": "site"}},
		"listVisits":  {path: "/visits"},
		"findVisit":   {path: visit, object: true}, "visitTimeline": {path: visit + "/timeline", object: true},
		"printOnceNotice": {path: "/cases/" + s.caseID + "/notice", object: true},
		"printDocument":   {path: visit + "/documents/launch", object: true},
		"visitDeemed":     {path: visit + "/deemed", object: true},
		"holdSlot":        {path: draft + "/hold", object: true, body: s.best},
		"releaseSlot":     {path: draft + "/hold", object: true},
		"bookVisit":       {path: draft + "/book", object: true, body: s.best},
		"retimeVisit": {path: draft + "/retime", object: true, body: map[string]any{
			"start": "2026-11-23T06:00:00Z", "resources": s.best.Resources, "reason_code": "weather", "reason": "大雨",
		}},
		"recordAgreement": {path: draft + "/agreements", object: true, body: map[string]any{
			"party": "applicant", "signer": "李梅", "scan": map[string]any{"name": "a.png", "content": onePixel(s.t)},
		}},
		"checkAgreement": {path: draft + "/agreements/applicant/check", object: true},
		"callRoll":       {path: visit + "/roll-call", object: true},
		"signRecord": {path: visit + "/record-signature", object: true, body: map[string]any{
			"how": "signed", "receiver": "李梅", "at": "2026-11-19T02:00:00Z", "scan": map[string]any{"name": "a.png", "content": onePixel(s.t)},
		}},
		"startVisit": {path: visit + "/start", object: true}, "endSite": {path: visit + "/end-site", object: true},
		"closeVisit": {path: visit + "/close", object: true}, "visitNotHeld": {path: visit + "/not-held", object: true, body: end},
		"cancelVisit": {path: draft + "/cancel", object: true, body: end},

		"noticeOpened": {path: part("opened"), object: true},
		"reply": {
			path: part("reply"), object: true, body: map[string]any{"round": 1, "kind": "accept"},
			byRole: map[auth.Role]any{auth.Clerk: call, auth.Supervisor: call},
		},
		"withdrawDepartment": {
			path: partPath(s.visit, "amr", "withdraw"), object: true, body: map[string]any{"reason_code": "other", "reason": "不再需要"},
		},
		"nearVisits": {path: "/visits/" + s.visit + "/near", object: true},
		"joinTrip":   {path: "/visits/" + s.rides[0] + "/trip", object: true, body: map[string]any{"with": s.rides[1]}},
		"leaveTrip":  {path: "/visits/" + s.visit + "/trip/leave", object: true, body: map[string]any{}},
		"listTrips":  {path: "/trips"},
		"findTrip":   {path: "/trips/" + s.trip, object: true},

		"listSubstitutes": {path: part("substitutes"), object: true},
		"substitute": {
			path: part("substitute"), object: true, body: exchange(""),
			byRole: map[auth.Role]any{auth.Clerk: exchange("值班员"), auth.Supervisor: exchange("值班员")},
		},
		"object": {
			path: part("objection"), object: true, body: map[string]any{"objection": "该场所已列入拆除范围"},
			byRole: map[auth.Role]any{
				auth.Clerk:      map[string]any{"objection": "产权有争议", "channel": "phone", "given_by": "周队长"},
				auth.Supervisor: map[string]any{"objection": "产权有争议", "channel": "phone", "given_by": "周队长"},
			},
		},
		"contestService":    {path: part("contest"), object: true, body: map[string]any{"round": 1, "reason": "收件页当日无法登录"}},
		"decideContest":     {path: part("contest/decide"), object: true, body: map[string]any{"contest_outcome": "rejected", "reason": "记录无误"}},
		"askExtension":      {path: "/cases/" + s.caseID + "/extension", object: true, body: map[string]any{"extension_days": 15, "reason": "须第三方复核检测报告"}},
		"decideExtension":   {path: "/cases/" + s.longer.window + "/extension/decide", byPath: s.longer.under("/cases/", "/extension/decide"), object: true, body: map[string]any{"extension_outcome": "refused", "reason": "可以按期办结"}},
		"withdrawObjection": {path: part("objection/withdraw"), object: true},
		"settleObjection":   {path: part("objection/settle"), object: true, body: reason},
		"enterLeave":        {path: "/leaves", body: map[string]any{"resource_id": s.resource, "start": "2026-12-28T01:00:00Z", "end": "2026-12-28T09:00:00Z"}},
		"planLeave":         {path: "/leaves/" + s.leave},
		"commitLeave": {path: "/leaves/" + s.leave + "/commit", body: map[string]any{
			"plan_lines": []map[string]any{{"visit_id": s.visit, "round": 1, "leave_way": "substitute", "comes": s.resource}},
		}},
		"weighCounter":   {path: part("counter"), object: true},
		"acceptCounter":  {path: part("counter/accept"), object: true, body: map[string]any{"start": "2026-11-23T06:00:00Z", "resources": s.best.Resources}},
		"refuseCounter":  {path: part("counter/refuse"), object: true, body: reason},
		"refuseExcuse":   {path: part("excuse/refuse"), object: true, body: reason},
		"releaseExcused": {path: part("excuse/release"), object: true, body: reason},
		"checkIn": {
			path: visit + "/checkins", object: true, body: map[string]any{"party": "431103-fire", "way": "phone", "certificate": "湘F1"},
			byRole: map[auth.Role]any{auth.Clerk: atWindow, auth.Supervisor: atWindow},
		},
		"leaveSite": {path: visit + "/checkins/" + s.visit + "/left", object: true, body: map[string]any{"agreed": true}},
		"attestAbsence": {
			path: partPath(s.visit, "amr", "absence"), object: true, body: map[string]any{"role": "department"},
			byRole: map[auth.Role]any{auth.Clerk: map[string]any{"role": "window"}, auth.Supervisor: map[string]any{"role": "supervisor"}},
		},
		"withdrawAttestation": {
			path: partPath(s.visit, "amr", "absence/withdraw"), object: true, body: map[string]any{"role": "department", "reason": "看错了"},
		},
		"proposeCorrection": {path: part("attendance"), object: true, body: map[string]any{
			"attendance": "late", "reason": "有到场记录", "scan": map[string]any{"name": "a.png", "content": onePixel(s.t)},
		}},
		"decideCorrection": {path: part("attendance/decide"), object: true, body: map[string]any{"agree": true}},
		"giveList": {path: visit + "/lists/1/given", object: true, body: map[string]any{
			"how": "signed", "receiver": "李梅", "at": s.trust.Now(), "scan": map[string]any{"name": "a.png", "content": onePixel(s.t)},
		}},
		"proposeItem": {path: part("items"), object: true, body: map[string]any{"ground": "changed", "reason": "新增燃气灶", "item": map[string]any{
			"finding": "未设切断阀", "clause": "GB 50028", "verify": "visit", "days": 3,
		}}},
		"addPhoto":        {path: visit + "/items/" + s.visit + "/photos", object: true, body: map[string]any{"photo": map[string]any{"name": "a.png", "content": onePixel(s.t)}}},
		"answerPhoto":     {path: visit + "/photos/" + s.visit + "/answer", object: true, body: map[string]any{"answer": "agreed"}},
		"concludeRectify": {path: visit + "/conclude", object: true},
		"requestRevisit":  {path: visit + "/revisit-requests", object: true, body: map[string]any{"channel": "phone", "person": "李梅"}},
		"planRevisit":     {path: visit + "/revisits", object: true, body: map[string]any{}},
		"decideTerm":      {path: visit + "/term", object: true, body: map[string]any{"revisit": true, "reason": "直接复勘"}},
		"askAgain":        {path: part("another-visit"), object: true, body: reason},
		"seeItems":        {path: part("items-seen"), object: true, body: map[string]any{"item_ids": []string{"none"}}},
		"pairItems":       {path: visit + "/pairs", object: true, body: map[string]any{"pair_kind": "contrary", "item": "none", "other": "none"}},
		"settlePair":      {path: visit + "/pairs/none/settle", object: true, body: map[string]any{"keep": "both", "reason": "双方同意"}},
		"sendPair":        {path: visit + "/pairs/none/send", object: true, body: map[string]any{}},
		"reportDanger":    {path: part("dangers"), object: true, body: map[string]any{"detail": "燃气泄漏"}},
		"clearDanger":     {path: visit + "/dangers/" + s.danger + "/clear", object: true, body: reason},
		"listLedger":      {path: "/ledger"}, "listAttempts": {path: "/attempts"}, "findEntry": {path: "/ledger/" + s.entries.fire, object: true},
		"reportBreach": {path: "/cases/" + s.caseID + "/ledger", object: true, body: map[string]any{
			"class": "K06", "department_id": "431103-urban", "on": "2026-11-17", "detail": "单独上门",
		}},
		"askParty":       {path: "/ledger/" + s.entries.fire + "/ask", object: true},
		"explainBreach":  {path: "/ledger/" + s.entries.window + "/answer", byPath: s.entries.under("/ledger/", "/answer"), object: true, body: map[string]any{"explanation": "属误会"}},
		"decideBreach":   {path: "/ledger/" + s.entries.fire + "/decide", object: true, body: map[string]any{"confirm": true, "reason": "属实"}},
		"decideItem":     {path: visit + "/proposals/" + s.visit + "/decide", object: true, body: map[string]any{"agree": true}},
		"opine":          {path: part("opinion"), object: true, body: map[string]any{"kind": "agree"}},
		"signOpinion":    {path: part("opinions/none/sign"), object: true},
		"dropOpinion":    {path: part("opinions/none/drop"), object: true, body: reason},
		"listChecklists": {path: "/checklists"},
		"publishChecklist": {path: "/checklists", body: map[string]any{
			"matter": "*", "effective_from": "2026-12-01", "file": []byte("item,answer\n疏散通道畅通,yes_no\n"),
		}},
		"readSiteRecord":  {path: part("site-record"), object: true},
		"answerChecklist": {path: part("site-record"), object: true, body: map[string]any{"items": []any{map[string]any{"n": 1, "value": "yes"}}}},
		"signOnPaper": {path: part("opinions/none/paper-signatures"), object: true, body: map[string]any{
			"check_in": "none", "scan": map[string]any{"name": "a.png", "content": onePixel(s.t)},
		}},
		"serveByHand": {path: part("service"), object: true, body: map[string]any{
			"channel": "phone", "receiver": "周队长", "at": s.trust.Now(),
		}},
		"confirmDeemed": {path: partPath(s.visit, "amr", "confirm"), object: true},
		"upholdDeemed":  {path: part("uphold"), object: true, body: reason},
		"reverseDeemed": {path: part("reverse"), object: true, body: reason},
		"waiveOpinion":  {path: part("waive"), object: true, body: reason},

		"listTasks": {path: "/tasks"}, "taskDone": {path: "/tasks/" + s.task + "/done", object: true, body: map[string]any{}},
		"endHold":   {path: "/holds/" + s.hold + "/end", object: true, body: reason},
		"listInbox": {path: "/inbox"}, "listInbound": {path: "/inbound?visit=" + s.visit, object: true},
		"sortInbound":        {path: "/inbound/" + s.mail + "/sort", object: true, body: reason},
		"listMessages":       {path: "/messages?visit=" + s.visit, object: true},
		"printEvidenceIndex": {path: "/evidence/" + s.visit + "/431103-fire/index", object: true},
		"evidenceBundle":     {path: "/evidence/" + s.visit + "/431103-fire", object: true},
		"verifyEvidence":     {path: "/evidence/verify", body: []byte("PK"), header: map[string]string{"Content-Type": "application/zip"}},

		"listSets": {path: "/sets"}, "listHolders": {path: "/sets/holders"}, "listResults": {path: "/results"},
		"findSet": {path: "/cases/" + s.caseID + "/set", object: true}, "listItems": {path: "/cases/" + s.caseID + "/items", object: true},
		"chooseSet":  {path: "/cases/" + s.caseID + "/choice", object: true, body: map[string]any{"choice": "no_answer", "channel": "phone"}},
		"addResult":  {path: "/cases/" + s.caseID + "/results", object: true, body: map[string]any{"department_id": "431103-urban", "ground": "申请人同时申办"}},
		"findResult": {path: "/results/" + s.owed, object: true}, "remindResult": {path: "/results/" + s.owed + "/remind", object: true},
		"waiveResult":       {path: "/results/" + s.owed + "/waive", object: true, body: map[string]any{"ground": "只出具意见"}},
		"consentElectronic": {path: "/cases/" + s.fileCase + "/electronic-consents", object: true, body: consentTo(s.fileLine)},
		"revokeElectronic":  {path: "/electronic-consents/" + s.consent + "/revoke", object: true, body: map[string]any{"channel": "phone"}},
		"supplyFile":        {path: "/results/" + s.fileLine + "/files", object: true, body: aFile()},
		"findFile":          {path: "/files/" + s.file, object: true}, "readFile": {path: "/files/" + s.file + "/content", object: true},
		"sendFile":      {path: "/files/" + s.file + "/send", object: true},
		"recordEntered": {path: "/files/" + s.file + "/entered", object: true, body: map[string]any{"receipt": "回执1"}},
		"changeWay":     {path: "/files/" + s.file + "/change-way", object: true, body: reason},
		"printFetch":    {path: "/files/" + s.file + "/papers", object: true},
		"releaseTransfer": {
			path: "/results/" + s.toGive + "/transfers", object: true, body: handedOver(),
			byRole: map[auth.Role]any{auth.Clerk: s.onSlip(), auth.Supervisor: s.onSlip()},
		},
		"listTransfers": {path: "/transfers"}, "scanTransfer": {path: "/transfers/scan?number=" + s.number},
		"findTransfer":         {path: "/transfers/" + s.transfer, object: true},
		"acceptTransfer":       {path: "/transfers/" + s.transfer + "/accept", object: true, body: map[string]any{"count": 1}},
		"refuseTransfer":       {path: "/transfers/" + s.transfer + "/refuse", object: true, body: reason},
		"findItem":             {path: "/items/" + s.item, object: true},
		"explainTransferExtra": {path: "/transfers/extras/" + s.unlisted + "/explain", object: true, body: map[string]any{"turned_out": "returned", "explanation": "当面取回"}},
		"openTransferBlob":     {path: "/transfers/" + s.signedFor + "/blobs/" + s.photo, object: true},

		"takeInMaterial":    {path: "/cases/" + s.caseID + "/materials", object: true, body: material("431103-fire")},
		"listCaseMaterials": {path: "/cases/" + s.caseID + "/materials", object: true},
		"listMaterials":     {path: "/materials"}, "listLoans": {path: "/loans"}, "findMaterial": {path: "/materials/" + s.original, object: true},
		"stampMaterial": {path: "/materials/" + s.original + "/stamp", object: true, body: map[string]any{"name": "周志强"}},
		"addCopy": {path: "/materials/" + s.here + "/copies", byPath: map[auth.Role]string{
			auth.Inspector: "/materials/" + s.original + "/copies", auth.Head: "/materials/" + s.original + "/copies",
		}, object: true, body: map[string]any{"department_id": "431103-amr", "reason": "模糊"}},
		"lendOriginal": {path: "/materials/" + s.original + "/loans", object: true, body: map[string]any{"borrower_id": "431103-amr", "purpose": "核对"}},
		"cancelLoan":   {path: "/loans/" + s.loan + "/cancel", object: true},
		"proposeDestroy": {
			path: "/items/" + s.spare.window + "/destructions", byPath: s.spare.under("/items/", "/destructions"), object: true,
			body: map[string]any{"reason": "印制错误", "photo_sha256": s.photo},
		},
		"confirmDestroy":  {path: "/destructions/" + s.destruction.window + "/confirm", byPath: s.destruction.under("/destructions/", "/confirm"), object: true},
		"withdrawDestroy": {path: "/destructions/" + s.destruction.window + "/withdraw", byPath: s.destruction.under("/destructions/", "/withdraw"), object: true},
		"reportDamage":    {path: "/items/" + s.spoilt + "/damages", object: true, body: map[string]any{"reason": "打湿", "photos": []string{s.photo}}},
		"decideDamage": {
			path: "/damages/" + s.damage.fire + "/decide", object: true, body: map[string]any{"decision": "keep", "reason": "仍可用"},
			byPath: map[auth.Role]string{ // fire has accounts: the window decides nothing for it
				auth.Clerk: "/damages/" + s.damage.window + "/decide", auth.Supervisor: "/damages/" + s.damage.window + "/decide",
			},
		},
		"openItemBlob": {path: "/items/" + s.void.window + "/blobs/" + s.photo, object: true},
		"shelveItem":   {path: "/items/shelve", body: map[string]any{"number": s.number, "place": "A-03"}},
		"newBag": {
			path: "/bags", body: map[string]any{"goes_to": "431103-amr"},
			byRole: map[auth.Role]any{auth.Inspector: map[string]any{"centre_id": s.centre.ID}, auth.Head: map[string]any{"centre_id": s.centre.ID}},
		},
		"listBags": {path: "/bags"}, "scanBag": {path: "/bags/scan?number=" + s.bagged}, "findBag": {path: "/bags/" + s.sent.window, object: true},
		"putInBag":       {path: "/bags/" + s.packing.window + "/put", byPath: s.packing.paths("/put"), object: true, body: map[string]any{"number": s.number}},
		"takeOutOfBag":   {path: "/bags/" + s.packing.window + "/take-out", byPath: s.packing.paths("/take-out"), object: true, body: map[string]any{"number": s.number}},
		"releaseBag":     {path: "/bags/" + s.packing.window + "/release", byPath: s.packing.paths("/release"), object: true, body: map[string]any{"seal": "F1", "count": 0}},
		"cancelBag":      {path: "/bags/" + s.packing.window + "/cancel", byPath: s.packing.paths("/cancel"), object: true},
		"acceptBag":      {path: "/bags/" + s.sent.window + "/accept", byPath: s.sent.paths("/accept"), object: true, body: map[string]any{"count": 1}},
		"refuseBag":      {path: "/bags/" + s.sent.window + "/refuse", byPath: s.sent.paths("/refuse"), object: true, body: reason},
		"explainExtra":   {path: "/bags/extras/" + s.extra + "/explain", object: true, body: map[string]any{"explanation": "漏扫"}},
		"owedTable":      {path: "/tables/owed"},
		"importResults":  {path: "/tables/results", body: []byte("x"), header: map[string]string{"Content-Type": "text/csv"}},
		"bagTable":       {path: "/bags/" + s.sent.window + "/table", object: true},
		"importBagTable": {path: "/bags/" + s.sent.window + "/table", byPath: s.sent.paths("/table"), object: true, body: []byte("x"), header: map[string]string{"Content-Type": "text/csv"}},
		"listScans":      {path: "/materials/" + s.original + "/scans", object: true},
		"addScan":        {path: "/materials/" + s.original + "/scans", object: true, body: map[string]any{"sha256": s.photo}},
		"openScan":       {path: "/materials/" + s.original + "/scans/" + s.photo, object: true, body: map[string]any{"purpose": "核对"}},
		"listScanViews":  {path: "/materials/" + s.original + "/scan-views", object: true},
		"listRuns":       {path: "/runs"}, "findRun": {path: "/runs/" + s.shuttle.ID, object: true},
		"leaveRun":      {path: "/runs/" + s.shuttle.ID + "/leave", object: true, body: map[string]any{"carrier_id": s.courier}},
		"postponeEntry": {path: "/runs/" + s.shuttle.ID + "/entries/" + s.shuttle.Entries[0].ID + "/postpone", object: true, body: reason},
		"closeRun":      {path: "/runs/" + s.shuttle.ID + "/close", object: true, body: map[string]any{"out": 0, "in": 0, "back": 0}},
		"missRun":       {path: "/runs/" + s.shuttle.ID + "/miss", object: true, body: reason},
		"printRun":      {path: "/runs/" + s.shuttle.ID + "/papers", object: true},
		"openBagBlob":   {path: "/bags/" + s.opened + "/blobs/" + s.photo, object: true},

		"sealParcel": {path: "/parcels", object: true, body: sealing(s.caseID, s.item)}, "listParcels": {path: "/parcels"}, "listRefusals": {path: "/refusals"},
		"findParcel":     {path: parcel(""), object: true},
		"handOverParcel": {path: parcel("/handover"), object: true, body: map[string]any{"courier_id": "nobody"}},
		"newParcelCode":  {path: parcel("/code"), object: true},
		"cancelParcel":   {path: parcel("/cancel"), object: true, body: reason},
		"returnParcel":   {path: parcel("/return"), object: true, body: map[string]any{"bag_state": "intact", "count": 1}},
		"changeFault":    {path: parcel("/attempts/a1/fault"), object: true, body: map[string]any{"fault": "ours", "reason": "x"}},
		"listAlerts":     {path: "/alerts"},
		"settleAlert":    {path: "/alerts/" + s.alert + "/settle", object: true, body: map[string]any{"note": "x"}},
		"shelveParcel":   {path: parcel("/shelve"), object: true, body: map[string]any{"place": "A-03"}},
		"collectParcel":  {path: parcel("/collect"), object: true, body: map[string]any{"receiver": "周志强", "code": "1", "id_last4": "123X", "signature": s.photo}},
		"confirmDelivery": {path: parcel("/events/" + s.sealing + "/confirm"), object: true, body: map[string]any{
			"reason": "x", "questions": []delivery.Question{{Asked: "几件？", Answer: "一件"}, {Asked: "谁签收？", Answer: "本人"}},
		}},
		"declareEventWrong": {path: parcel("/events/" + s.sealing + "/declare"), object: true, body: map[string]any{"kind": "did_not_occur", "reason": "x"}},
		"undoEvent":         {path: parcel("/events/" + s.sealing + "/undo"), object: true},
		"acceptEventTime":   {path: parcel("/events/" + s.sealing + "/accept-time"), object: true, body: reason},
		"holdParcel":        {path: parcel("/hold"), object: true, body: reason},
		"resumeParcel":      {path: parcel("/resume"), object: true, body: reason},
		"recallParcel":      {path: parcel("/recall"), object: true, body: reason},
		"foundParcel":       {path: parcel("/found"), object: true, body: reason},
		"reportHarm":        {path: parcel("/harm"), object: true, body: map[string]any{"what": "lost", "reason": "x"}},
		"writeOffParcel":    {path: parcel("/write-off"), object: true, body: map[string]any{"reason": "x"}},
		"reassignParcel":    {path: parcel("/reassign"), object: true, body: map[string]any{"courier_id": "nobody", "reason": "x"}},
		"postParcel":        {path: parcel("/post"), object: true, body: map[string]any{"waybill": "EE473124829CN"}},
		"askCarrier":        {path: parcel("/ask"), object: true},
		"pauseParcel":       {path: parcel("/pauses"), object: true, body: map[string]any{"reason": "refused"}},
		"endPause":          {path: parcel("/pauses/" + s.pause + "/end"), object: true, body: map[string]any{"note": "x"}},
		"reviewPause":       {path: parcel("/pauses/" + s.pause + "/review"), object: true, body: map[string]any{"note": "x"}},
		"listNewLabels":     {path: "/parcels/labels"},
		"printLabels":       {path: "/parcels/labels", object: true, body: map[string]any{"parcels": []string{s.parcel}}},
		"printParcel":       {path: parcel("/papers/receipt"), object: true},
		"printRound":        {path: "/couriers/" + s.courier + "/papers", object: true},
		"printBag":          {path: "/bags/" + s.sent.window + "/papers", object: true},
		"printNote":         {path: "/materials/" + s.original + "/papers", object: true},
		"printDemand":       {path: "/cases/" + s.caseID + "/demand", object: true},
		"printTaken":        {path: "/cases/" + s.caseID + "/receipt", object: true},
		"mailLink":          {path: "/cases/" + s.caseID + "/link", object: true},
		"printSlip":         {path: "/transfers/" + s.transfer + "/papers", object: true},
		"checkPaper":        {path: "/papers/" + s.paper, object: true},
		"tryAtDoor":         {path: parcel("/door"), object: true, body: map[string]any{}},
		"deliveryReport":    {path: "/reports/delivery", byPath: map[auth.Role]string{auth.Auditor: "/reports/delivery?centre_id=" + s.centre.ID}},
		"findRound":         {path: "/couriers/" + s.courier + "/round", object: true},
		"orderRound":        {path: "/couriers/" + s.courier + "/round/order", object: true, body: map[string]any{"first": []string{}}},
		"listCouriers":      {path: "/couriers"}, "myRound": {path: "/round"},
		"takeOverParcels": {path: "/round/take-over", body: map[string]any{"numbers": []string{"LB0000000000X"}}},
		"ingestEvents":    {path: "/round/events", body: map[string]any{"schema": 1, "events": []any{map[string]any{}}}},
		"putBlob":         {path: "/blobs/" + strings.Repeat("a", 64), body: []byte("x"), header: map[string]string{"Content-Type": "application/octet-stream"}},
		"openBlob":        {path: parcel("/blobs/" + s.blob), object: true},

		"findByLink":     {path: s.waiting},
		"confirmAddress": {path: s.waiting + "/address", body: map[string]any{"address": "湘永路2号"}},
		"chooseWay":      {path: s.waiting + "/way", body: map[string]any{"way": "collect"}},
		"nameAgent":      {path: s.waiting + "/agent", body: map[string]any{"name": "苏小妹", "phone": "13900001111", "tie": "店员"}},
		"dropAgent":      {path: s.waiting + "/agent"},
		"chooseByLink":   {path: s.waiting + "/choice", body: map[string]any{"choice": "wait"}},
		"askSlot":        {path: s.arriving + "/slot", body: map[string]any{"number": s.parcelNumber, "day": "2026-11-20", "band": "am"}},
		"reportMissing":  {path: s.arriving + "/missing", body: map[string]any{"number": s.parcelNumber}},
		"showCode":       {path: s.arriving + "/code", body: map[string]any{"number": s.parcelNumber}},
		"rateByLink":     {path: s.waiting + "/rate", body: map[string]any{"level": 5}},
		"consentByLink":  {path: s.waiting + "/electronic", body: map[string]any{"person": "欧阳修", "method": "slip", "phone": "13800001234"}},
		"revokeByLink":   {path: s.waiting + "/electronic/revoke"},
		"reportByLink": {path: s.waiting + "/report", body: map[string]any{
			"class": "K06", "department_id": "431103-urban", "on": "2026-11-17", "detail": "单独上门",
		}},
		"addPhotoByLink": {path: s.waiting + "/items/" + s.visit + "/photos", object: true, body: map[string]any{"photo": map[string]any{"name": "a.png", "content": onePixel(s.t)}}},

		"rateCase":       {path: "/ratings", body: ratingOf(s.parcelNumber, 5)},
		"listRatings":    {path: "/ratings"},
		"callBackRating": {path: "/ratings/" + s.rating + "/callback", object: true, body: map[string]any{"note": "已致歉并更正"}},

		"listDivisions": {path: "/divisions"}, "listCentres": {path: "/centres"}, "listDepartments": {path: "/departments"},
		"listPeople": {path: "/people"}, "listSettings": {path: "/settings"}, "listProposedSettings": {path: "/settings/proposed"},
		"proposeSetting": {path: "/settings", body: map[string]any{"key": "visit.lead", "value": "3", "reason": "试行"}},
		"approveSetting": {path: "/settings/" + s.setting + "/approve"}, "rejectSetting": {path: "/settings/" + s.setting + "/reject"},
		"listCalendars": {path: "/calendars"}, "importCalendar": {path: "/calendars", body: newCalendar},
		"approveCalendar": {path: "/calendars/" + s.calendar + "/approve"}, "rejectCalendar": {path: "/calendars/" + s.calendar + "/reject"},
		"printAddressForm":      {path: "/departments/431103-fire/addresses/form"},
		"listAddresses":         {path: "/departments/431103-fire/addresses"},
		"proposeAddress":        {path: "/departments/431103-fire/addresses", body: newAddress("fire2@dept.example")},
		"listProposedAddresses": {path: "/addresses/proposed"}, "approveAddress": {path: "/addresses/" + s.line + "/approve"},
		"rejectAddress": {path: "/addresses/" + s.line + "/reject"},
		"listReceivers": {path: "/receivers?department_id=431103-fire"}, "endReceiver": {path: "/receivers/" + s.lists.window + "/end", byPath: s.lists.under("/receivers/", "/end"), body: reason},
		"registerReceiver": {
			path: "/receivers", body: onList("431103-fire", "雷鸣"),
			byRole: map[auth.Role]any{auth.Clerk: onList("431103-amr", "雷鸣"), auth.Supervisor: onList("431103-amr", "雷鸣")},
		},
		"listClosures": {path: "/closures"}, "withdrawClosure": {path: "/closures/" + s.closure + "/withdraw"},
		"addClosure":  {path: "/closures", body: map[string]any{"department_id": "431103-fire", "day": "2026-12-24", "reason": "业务培训"}},
		"addResource": {path: "/resources", body: map[string]any{"kind": "inspector", "name": "赵六", "department_id": "431103-fire"}},
		"addAbsence":  {path: "/resources/" + s.resource + "/absences", body: map[string]any{"start": "2026-12-30T09:00:00+08:00", "end": "2026-12-30T10:00:00+08:00"}},
	}
}

// newCalendar gives 2029 one day off more.
var newCalendar = []byte(`{"years":{"2029":{"status":"provisional","off":["2029-01-02"],"work":[]}}}`)

// handedOver is one certificate of its department.
func handedOver() map[string]any {
	return map[string]any{"decided_on": "2026-11-17", "new": []any{map[string]any{"class": "certificate", "title": "检查合格证"}}}
}

// onSlip is the same from the slip that its department signed.
func (s *scene) onSlip() map[string]any {
	body := handedOver()
	body["paper"], body["giver"], body["signed_at"], body["slip_sha256"] = true, "周志强", s.trust.Now(), s.photo
	return body
}

func newAddress(mail string) map[string]any {
	return map[string]any{"channel": "mail", "value": mail, "contact": "办公室", "form": "送达确认书〔2026〕7号", "signed_on": "2026-11-16"}
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{world: newWorld(t)}
	s.post("head", "/checklists", map[string]any{"matter": "*", "effective_from": "2026-11-18", "file": []byte("item\n疏散通道畅通\n")}).is(http.StatusCreated)
	s.visit = s.newVisit()
	s.caseID = s.newCase()
	s.draft = s.newDraft()
	s.best = s.bestSlot(s.draft)
	ctx := t.Context()
	s.doubt()
	setting, err := s.Office.ProposeSetting(ctx, office.SettingChange{Key: "reply.term", Value: "2", Reason: "试行"}, "person:one")
	s.must(err)
	calendar, err := s.Office.ImportCalendar(ctx, []byte(`{"years":{"2028":{"status":"provisional","off":["2028-01-03"],"work":[]}}}`), "person:one", once.Key{})
	s.must(err)
	line, err := s.Office.ProposeAddress(ctx, office.Address{
		Department: "431103-fire", Channel: office.Mail, Value: "third@dept.example", Contact: "办公室", Form: "8", SignedOn: dayOf("2026-11-16"),
	}, "person:one", once.Key{})
	s.must(err)
	s.setting, s.calendar, s.line = setting.ID, calendar.ID, line.ID
	me, _, err := s.Auth.Session(ctx, s.tokens["inspector"])
	s.must(err)
	own, err := s.Inspection.AddResource(ctx, auth.System("test"), inspection.Resource{
		Kind: inspection.KindInspector, Name: "本人", DepartmentID: "431103-fire", PersonID: me.ID,
	}, once.Key{})
	s.must(err)
	closure, err := s.Office.AddClosure(ctx, office.Closure{Department: "431103-fire", Day: dayOf("2026-12-23"), Reason: "业务培训"}, "person:one", once.Key{})
	s.must(err)
	s.closure = closure.ID
	s.listed()
	s.packed()
	s.rating = s.rated()
	s.alert = s.late()
	s.circulating()
	s.spoiling()
	s.resource = own.ID
	leave, err := s.Inspection.EnterLeave(ctx, auth.System("test"), inspection.Absence{
		ResourceID: own.ID, Start: s.trust.Now().AddDate(0, 1, 0), End: s.trust.Now().AddDate(0, 1, 1),
	}, once.Key{})
	s.must(err)
	s.leave = leave.ID
	s.reported()
	var found struct{ ID string }
	s.post("inspector", partPath(s.visit, "fire", "dangers"), map[string]any{"detail": "线路裸露"}).is(http.StatusCreated).into(&found)
	s.danger = found.ID
	s.riding()
	s.toGive, s.owed = s.owe(s.newCase()), s.owe(s.caseID)
	s.electronic()
	var released struct {
		ID     string
		Number string
		Items  []struct {
			ItemID string `json:"item_id"`
		}
	}
	s.post("inspector", "/results/"+s.owed+"/transfers", handedOver()).is(http.StatusCreated).into(&released)
	s.transfer, s.number, s.item = released.ID, released.Number, released.Items[0].ItemID
	return s
}

// reported are an entry about fire and a complaint about the window.
func (s *scene) reported() {
	s.t.Helper()
	var made struct{ ID string }
	about := map[string]any{"class": "K06", "department_id": "431103-fire", "on": "2026-11-17", "detail": "单独上门"}
	s.post("clerk", "/cases/"+s.caseID+"/ledger", about).is(http.StatusCreated).into(&made)
	s.entries.fire = made.ID
	about["class"], about["department_id"] = "K08", "window"
	s.post("clerk", "/cases/"+s.caseID+"/ledger", about).is(http.StatusCreated).into(&made)
	s.entries.window = made.ID
	s.longer = bagsOf{window: s.longerOf(false), fire: s.longerOf(true)}
}

// longerOf makes a case whose extension waits: of fire alone, or of all.
func (w *world) longerOf(alone bool) string {
	w.t.Helper()
	id := w.newCase()
	if alone {
		w.must(w.db.Write(w.t.Context(), func(tx bun.IDB) error {
			_, err := tx.NewRaw("UPDATE case_departments SET included = ? WHERE case_id = ? AND department_id <> '431103-fire'", false, id).Exec(w.t.Context())
			return err
		}))
	}
	w.post("clerk", "/cases/"+id+"/extension", map[string]any{"extension_days": 5, "reason": "须第三方复核检测报告"}).is(http.StatusOK)
	return id
}

// riding books two visits of one place for one morning, in one trip.
func (s *scene) riding() {
	s.t.Helper()
	for i := range s.rides {
		s.rides[i] = s.newDraft()
		var answer struct{ Offers []slot.Offer }
		s.post("clerk", "/slots", map[string]any{"visit_id": s.rides[i], "from": "2026-11-24", "to": "2026-11-24", "band": "am", "limit": 1}).is(http.StatusOK).into(&answer)
		chosen := offer{Start: answer.Offers[0].Start, Resources: resourcesOf(answer.Offers[0])}
		s.post("clerk", "/visits/"+s.rides[i]+"/book", chosen).is(http.StatusOK)
	}
	s.trip = s.post("clerk", "/visits/"+s.rides[0]+"/trip", map[string]any{"with": s.rides[1]}).is(http.StatusOK).at("id")
}

func sealing(caseID, item string) map[string]any {
	return map[string]any{
		"case_id": caseID, "items": []string{item}, "way": "own_courier", "name": "周志强", "phone": "13800001234", "address": "湘永路1号", "bag": "B1",
	}
}

// electronic is a case whose only result was sent as a file, by its slip, and one
// that may go so.
func (s *scene) electronic() {
	s.t.Helper()
	var made struct{ ID string }
	agreed := func() (caseID, line string) {
		caseID = s.newCase()
		line = s.owe(caseID)
		s.post("clerk", "/cases/"+caseID+"/electronic-consents", consentTo(line)).is(http.StatusCreated).into(&made)
		return caseID, line
	}
	_, line := agreed()
	s.consent = made.ID
	s.post("inspector", "/results/"+line+"/files", aFile()).is(http.StatusCreated).into(&made)
	s.file = made.ID
	s.post("clerk", "/files/"+s.file+"/send", nil).is(http.StatusOK)
	s.fileCase, s.fileLine = agreed()
}

func consentTo(line string) map[string]any {
	return map[string]any{"person": "周志强", "method": "slip", "phone": "13800001234", "results": []string{line}, "channel": "window"}
}

func aFile() map[string]any {
	return map[string]any{
		"class": "certificate", "title": "检查合格证", "decided_on": "2026-11-17", "signature_check": "unchecked",
		"content": []byte("%PDF-1.7\n1 0 obj <</Type/Catalog>> endobj\n%%EOF\n"),
	}
}

// received is a case whose only result lies at the window.
func (s *scene) received() (caseID, item string) {
	s.t.Helper()
	caseID = s.newCase()
	line := s.owe(caseID)
	var released struct {
		ID    string
		Items []struct {
			ItemID string `json:"item_id"`
		}
	}
	s.post("inspector", "/results/"+line+"/transfers", handedOver()).is(http.StatusCreated).into(&released)
	s.post("clerk", "/transfers/"+released.ID+"/accept", map[string]any{"count": 1}).is(http.StatusOK)
	return caseID, released.Items[0].ItemID
}

// packed makes a parcel that the courier of the centre has, with a signature.
func (s *scene) packed() {
	s.t.Helper()
	caseID, item := s.received()
	var p struct{ ID, Number string }
	s.post("clerk", "/parcels", sealing(caseID, item)).is(http.StatusCreated).into(&p)
	s.linked(caseID)
	courier, _, err := s.Auth.Session(s.t.Context(), s.tokens["courier"])
	s.must(err)
	s.post("clerk", "/parcels/"+p.ID+"/handover", map[string]any{"courier_id": courier.ID}).is(http.StatusOK)
	s.post("courier", "/round/take-over", map[string]any{"numbers": []string{p.Number}}).is(http.StatusOK)
	var view struct {
		Steps []struct {
			EventID string `json:"event_id"`
		}
	}
	s.get("clerk", "/parcels/"+p.ID).is(http.StatusOK).into(&view)
	s.parcel, s.parcelNumber, s.sealing = p.ID, p.Number, view.Steps[0].EventID
	s.courier = courier.ID
	receipt := s.post("clerk", "/parcels/"+p.ID+"/papers/receipt", nil).is(http.StatusOK)
	s.paper = papertest.QR(s.t, papertest.Read(s.t, receipt.body)[0].Pixels(300))
	s.blob = s.signed(courier.ID)
	s.post("clerk", "/parcels/"+p.ID+"/pauses", map[string]any{
		"reason": "applicant_asked", "given_by": "欧阳修", "channel": "phone", "slot": s.trust.Now().Add(24 * time.Hour),
	}).is(http.StatusCreated)
	var paused struct{ Pauses []struct{ ID string } }
	s.get("clerk", "/parcels/"+p.ID).is(http.StatusOK).into(&paused)
	s.pause = paused.Pauses[0].ID
}

// linked makes the links, on paper: to a case with a parcel, and to one that waits.
func (s *scene) linked(parcels string) {
	s.t.Helper()
	waits := s.newCase()
	s.owe(waits)
	for caseID, path := range map[string]*string{waits: &s.waiting, parcels: &s.arriving} {
		receipt := s.post("clerk", "/cases/"+caseID+"/receipt", nil).is(http.StatusOK)
		img := papertest.Read(s.t, receipt.body)[0].Pixels(300)
		below := img.Bounds()
		below.Min.Y = below.Max.Y / 4 // under the code of the paper itself
		_, token, ok := strings.Cut(papertest.QR(s.t, img.SubImage(below)), "/a/")
		if !ok {
			s.t.Fatal("the receipt carries no link")
		}
		*path = "/applicant/" + token
	}
}

// late is an alert of a result of fire that was lost.
func (s *scene) late() (alert string) {
	s.t.Helper()
	caseID, item := s.received()
	var p struct{ ID string }
	s.post("clerk", "/parcels", sealing(caseID, item)).is(http.StatusCreated).into(&p)
	s.post("clerk", "/parcels/"+p.ID+"/harm", map[string]any{"what": "lost", "reason": "货架上没有"}).is(http.StatusOK)
	s.must(s.Delivery.Watch(s.t.Context()))
	list, err := s.Delivery.ListAlerts(s.t.Context(), auth.System("test"), delivery.AlertQuery{Kind: delivery.AlertItemLost})
	s.must(err)
	return list[0].ID
}

// spoiling leaves a result of fire on the shelf, asks about two others, and finds
// something unlisted in a transfer.
func (s *scene) spoiling() {
	s.t.Helper()
	_, s.spoilt = s.received()
	ask := func() (id string) {
		_, item := s.received()
		var x struct{ ID string }
		s.post("clerk", "/items/"+item+"/damages", map[string]any{"reason": "茶水打湿", "photos": []string{s.photo}}).is(http.StatusCreated).into(&x)
		return x.ID
	}
	var released, signed struct {
		ID     string
		Extras []struct{ ID string }
	}
	s.post("inspector", "/results/"+s.owe(s.newCase())+"/transfers", handedOver()).is(http.StatusCreated).into(&released)
	s.signedFor = released.ID
	s.post("clerk", "/transfers/"+s.signedFor+"/accept", map[string]any{
		"count": 1, "extras": []any{map[string]any{"title": "副本", "photo_sha256": s.photo}},
	}).is(http.StatusOK).into(&signed)
	s.unlisted = signed.Extras[0].ID
	s.damage = bagsOf{window: ask(), fire: ask()}
	s.post("inspector", "/damages/"+s.damage.window+"/decide", map[string]any{"decision": "keep", "reason": "仍可用"}).is(http.StatusOK)
}

// rated is a case whose papers were collected, and the applicant dissatisfied.
func (s *scene) rated() (rating string) {
	s.t.Helper()
	caseID, item := s.received()
	pickUp := sealing(caseID, item)
	pickUp["way"] = "window"
	var p struct{ ID, Number string }
	s.post("clerk", "/parcels", pickUp).is(http.StatusCreated).into(&p)
	s.post("supervisor", "/parcels/"+p.ID+"/collect", map[string]any{
		"receiver": "周志强", "why": "短信未到，已核对证件", "id_last4": "123X", "signature": s.photoOf("clerk"),
	}).is(http.StatusOK)
	s.post("", "/ratings", ratingOf(p.Number, 1)).is(http.StatusCreated)
	var given struct{ Items []struct{ ID string } }
	s.get("supervisor", "/ratings").is(http.StatusOK).into(&given)
	return given.Items[0].ID
}

func ratingOf(number string, level int) map[string]any {
	return map[string]any{"number": number, "phone_last4": "1234", "level": level}
}

// signed is a signature that an event of the parcel names.
func (s *scene) signed(courier string) string {
	s.t.Helper()
	var out bytes.Buffer
	s.must(png.Encode(&out, image.NewGray(image.Rect(0, 0, 4, 4))))
	sum := fmt.Sprintf("%x", sha256.Sum256(out.Bytes()))
	s.do(request{as: "courier", method: http.MethodPost, path: prefix + "/blobs/" + sum, body: out.Bytes(),
		header: map[string]string{"Content-Type": "application/octet-stream"}}).is(http.StatusOK)
	var answers struct{ Items []struct{ Result string } }
	s.post("courier", "/round/events", map[string]any{"schema": 1, "sent_at": s.now(), "events": []any{map[string]any{
		"event_id": uuid.Must(uuid.NewV7()), "device_id": "phone", "seq": 1, "courier_id": courier, "parcel_id": s.parcel,
		"type": "note", "occurred_device": s.now(), "payload": map[string]any{"reason": "门口"}, "proof_refs": []string{sum},
	}}}).is(http.StatusOK).into(&answers)
	if answers.Items[0].Result != "accepted" {
		s.t.Fatalf("the event was not taken: %+v", answers)
	}
	return sum
}

// owe lets the fire brigade owe a case its result.
func (s *scene) owe(caseID string) (line string) {
	s.t.Helper()
	ctx := s.t.Context()
	c, err := s.Inspection.FindCase(ctx, auth.System("test"), caseID)
	s.must(err)
	s.must(s.db.Write(ctx, func(tx bun.IDB) error {
		leaves, err := delivery.Expect(ctx, tx, delivery.Expectation{
			CaseID: c.ID, CaseNumber: c.Number, MatterCode: c.MatterCode, MatterName: c.MatterName, Applicant: c.Applicant.Name, CentreID: c.CentreID,
			Owed: []delivery.Owed{{DepartmentID: "431103-fire", Department: "消防", Permit: "检查合格证"}}, By: auth.System("test"), At: s.now(),
		})
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	}))
	lines, err := s.Delivery.ListLines(ctx, auth.System("test"), delivery.LineQuery{CaseID: c.ID})
	s.must(err)
	return lines[0].ID
}

// doubt makes a mail that waits for a person, with its hold and its task.
func (s *scene) doubt() {
	s.t.Helper()
	s.answerMail("fire", "不同意，请改期")
	var v struct {
		Participants []struct {
			System string
			Holds  []struct{ ID, Reason, Source string }
		}
		Tasks []struct{ ID, Kind, Subject string }
	}
	s.get("clerk", "/visits/"+s.visit).is(http.StatusOK).into(&v)
	for _, p := range v.Participants {
		for _, h := range p.Holds {
			if h.Reason == "mail_waiting" {
				s.hold, s.mail = h.ID, h.Source
			}
		}
	}
	for _, task := range v.Tasks {
		if task.Subject == s.mail {
			s.task = task.ID
		}
	}
	if s.hold == "" || s.mail == "" || s.task == "" {
		s.t.Fatalf("no doubt was raised: %+v", v)
	}
}

// answerMail lets a department write to the address its notice came from.
func (w *world) answerMail(system, text string) {
	w.t.Helper()
	for _, m := range w.mail.sent {
		if m.Purpose != notify.PurposeNotice || m.Channel != notify.Mail || !strings.HasPrefix(m.Address, system+"@") {
			continue
		}
		_, to, ok := strings.Cut(string(m.Body), "Reply-To: <")
		if !ok {
			w.t.Fatalf("no answer address in %s", m.Body)
		}
		to, _, _ = strings.Cut(to, ">")
		raw := "From: " + m.Address + "\r\nTo: " + to + "\r\nSubject: answer\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n"
		w.must(w.Notify.Receive(w.t.Context(), notify.Envelope{ReceivedAt: w.trust.Now(), MailFrom: m.Address, Rcpt: to, Peer: "test"}, []byte(raw)))
		return
	}
	w.t.Fatalf("no notice went to %s", system)
}

// matrixActors are all who try: nobody, every role at its own and at another
// place, and the four keys:
// of the district, of the city above it, of another district, without a scope.
var matrixActors = []string{
	"", "clerk", "clerk-elsewhere", "supervisor", "supervisor-elsewhere", "inspector", "inspector-elsewhere",
	"head", "head-elsewhere", "courier", "auditor", "admin", "security", "key", "key-city", "key-elsewhere", "key-without",
}

// expected is what the registry promises: 0 for "may", or the status.
func expected(line Route, as string, object bool) int {
	who, elsewhere := line.Who, strings.HasSuffix(as, "-elsewhere")
	hidden := func() int {
		if object {
			return http.StatusNotFound
		}
		return http.StatusForbidden
	}
	switch {
	case who.Public:
		return 0
	case as == "":
		return http.StatusUnauthorized
	case strings.HasPrefix(as, "key"):
		if line.Scope == "" || as == "key-without" {
			return http.StatusForbidden
		}
		if elsewhere && (object || line.Act == "acceptCase") { // SEC-9
			return hidden()
		}
		return 0
	}
	role := roleOf(as)
	switch {
	case slices.Contains(who.Roles, role), slices.Contains(who.Own, role) && !elsewhere:
		return 0
	case object && slices.Contains(who.See, role) && !elsewhere:
		return http.StatusForbidden
	}
	return hidden()
}

// PRO-12, SEC-1, SEC-3: every route answers every role as its line says. A route
// without a sample has not been looked at and fails.
func TestEveryRouteAnswersEveryRoleAsTheRegistrySays(t *testing.T) {
	s := newScene(t)
	samples := apiSamples(s)
	for _, line := range s.Routes() {
		sample, ok := samples[line.Act]
		if !strings.HasPrefix(line.Path, prefix) {
			continue
		}
		if !ok {
			t.Errorf("%s has no sample", line.Act)
			continue
		}
		for _, as := range matrixActors {
			want := expected(line, as, sample.object)
			got := s.try(line, sample, as)
			denied := got.status == http.StatusUnauthorized || got.status == http.StatusForbidden || got.status == http.StatusNotFound
			if want != 0 && got.status != want || want == 0 && denied || got.status == http.StatusBadRequest || got.status >= 500 {
				t.Errorf("%-20s %-22s want %d, got %d %s", line.Act, as, want, got.status, got.body[:min(len(got.body), 200)])
			}
		}
	}
}

func (s *scene) try(line Route, sample sample, as string) *reply {
	body := sample.body
	if b, ok := sample.byRole[roleOf(as)]; ok {
		body = b
	}
	path := sample.path
	if p, ok := sample.byPath[roleOf(as)]; ok {
		path = p
	}
	header := map[string]string{"Idempotency-Key": freshKey()}
	maps.Copy(header, sample.header)
	if line.Rate.place { // everybody here has one address: whether a route is too fast is not what is asked
		s.clock.forward(line.Rate.every)
	}
	return s.do(request{as: as, method: line.Method, path: prefix + path, body: body, header: header})
}

// STK-37: what the mux knows is what the registry lists.
func TestEveryOperationStandsInTheRegistryOnce(t *testing.T) {
	w := newWorld(t)
	acts, paths := map[string]bool{}, map[string]bool{}
	for _, line := range w.Routes() {
		if acts[line.Act] || paths[line.Method+" "+line.Path] {
			t.Errorf("%s stands twice", line.Act)
		}
		acts[line.Act], paths[line.Method+" "+line.Path] = true, true
		if strings.HasPrefix(line.Path, prefix) && (line.Title.zh == "" || line.Title.en == "") {
			t.Errorf("%s has no title in both languages", line.Act)
		}
	}
	for path, item := range w.doc.OpenAPI().Paths {
		for method, op := range map[string]any{"GET": item.Get, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op != nil && !paths[method+" "+path] && !isNil(op) {
				t.Errorf("%s %s is in the document, not in the registry", method, path)
			}
		}
	}
}

// onePixel is the smallest scan.
func onePixel(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
