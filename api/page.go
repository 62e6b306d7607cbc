package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"lianban/api/web"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/scheduler/slot"
)

// site is what people see in a browser. Every act is a plain form: it answers
// with a redirect and one line of what was done, or with the same page again,
// what was typed in it and the refusal beside it.
type site struct {
	*Server
	set *web.Pages
}

// pages registers what people see; see the files page_*.go.
func (s *Server) pages() error {
	set, err := web.New()
	if err != nil {
		return err
	}
	p := &site{Server: s, set: set}
	s.refusePage = p.refusePage
	s.route(Route{Method: http.MethodGet, Path: web.AssetsAt, Act: "pageAsset", Who: anyone, Rate: assetRate}, p.refusePage, http.HandlerFunc(web.Assets))
	p.loginPages()
	p.deskPages()
	p.casePages()
	p.visitPages()
	p.sitePages()
	p.rectifyPages()
	p.recordSignPages()
	p.signPages()
	p.checklistPages()
	p.boardPages()
	p.partPages()
	p.substitutePages()
	p.objectionPages()
	p.contestPages()
	p.extensionPages()
	p.leavePages()
	p.dangerPages()
	p.pairPages()
	p.ledgerPages()
	p.tripPages()
	p.inboxPages()
	p.answerPages()
	p.parcelPages()
	p.pausePages()
	p.paperPages()
	p.troublePages()
	p.alertPages()
	p.roundPages()
	p.trackPages()
	p.applicantPages()
	p.ratingPages()
	p.figuresPages()
	p.queuePages()
	p.resultPages()
	p.electronicPages()
	p.transferPages()
	p.materialPages()
	p.materialScanPages()
	p.bagPages()
	p.runPages()
	p.tablePages()
	p.scanPages()
	p.evidencePages()
	p.officePages()
	p.closurePages()
	p.receiverPages()
	p.demoPages()
	return nil
}

// assetRate lets a cold browser fetch what a page needs at once.
var assetRate = rateClass{name: "asset", every: apiRate.every, burst: 200, place: true}

// view is one request for a page, or for an act of one.
type view struct {
	w     http.ResponseWriter
	r     *http.Request
	x     *exchange
	by    auth.Actor
	here  string    // address of the page, also while a form of it is answered in place
	tried web.Tried // the form that was refused

	foreseen *foreseen // what a change of facts would do, to be confirmed
	state    int       // status of the answer, 0 means 200
	plain    bool      // without script (DEL-1203)

	instead []slot.Offer // of a time that was taken
}

type handler func(v *view) error

// on puts a line into the registry with its page behind it.
func (p *site) on(line Route, h handler) {
	p.route(line, p.refusePage, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &view{w: w, r: r, x: exchangeOf(r), by: exchangeOf(r).by, here: r.URL.RequestURI()}
		v.choose()
		err := line.Who.lets(v.by)
		if err == nil {
			err = v.read()
		}
		if err == nil {
			err = h(v)
		}
		if err != nil {
			p.refusePage(w, r, err)
		}
	}))
}

// lets keeps pages to the roles of their line. What somebody may do there is
// still decided by the package that owns the noun.
func (w Who) lets(by auth.Actor) error {
	if w.Public || slices.ContainsFunc(by.Roles, w.May) {
		return nil
	}
	if w.Else == http.StatusNotFound {
		return notFound()
	}
	return fault.Refuse(fault.Forbidden, "not_your_page",
		"该页面不属于您的岗位；如需使用，请联系安全管理员", "this page is not part of your post; ask the security administrator if you need it")
}

// choose keeps language and size of the text that a link asks for.
func (v *view) choose() {
	if v.r.Method != http.MethodGet {
		return
	}
	query := v.r.URL.Query()
	if lang := query.Get("lang"); slices.Contains(web.Languages, lang) {
		v.x.lang = lang
		v.keep(langCookie, lang)
	}
	if text := query.Get("text"); text == "large" || text == "normal" {
		v.keep(textCookie, text)
		v.r.AddCookie(&http.Cookie{Name: textCookie, Value: text})
	}
	query.Del("lang")
	query.Del("text")
	v.here = (&url.URL{Path: v.r.URL.Path, RawQuery: query.Encode()}).String()
}

// textCookie keeps whether somebody wants large text.
const textCookie = "text"

// keep stores a choice of the reader's for a year.
func (v *view) keep(name, value string) {
	http.SetCookie(v.w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode})
}

// longest is the most characters of one entry of a form.
const longest = 4000

// read reads the form and refuses what no person can have typed into it; what
// has not the form of an id is no id (SEC-3).
func (v *view) read() error {
	for _, name := range []string{"id", "part", "hold", "danger", "department", "code", "checkin"} {
		if value := v.r.PathValue(name); value != "" && !idForm.MatchString(value) {
			return notFound()
		}
	}
	_ = v.r.PostFormValue(csrfField) // parses the form, whatever its kind
	for _, values := range v.r.PostForm {
		for _, value := range values {
			if utf8.RuneCountInString(value) > longest {
				return fault.Refuse(fault.Invalid, "entry_too_long",
					"有一项内容超过 %d 字，请缩短后重试", "one entry is longer than %d characters; shorten it and try again", longest)
			}
		}
	}
	return nil
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (v *view) ctx() context.Context     { return v.r.Context() }
func (v *view) id() string               { return v.r.PathValue("id") }
func (v *view) form(name string) string  { return clean(v.r.PostFormValue(name)) }
func (v *view) query(name string) string { return clean(v.r.URL.Query().Get(name)) }

// clean drops what cannot be stored or shown: control characters but line
// breaks, those that turn the direction of what follows, and bytes that are no
// text.
func clean(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "")))
}

// say gives a text of the catalogue in the reader's language.
func (p *site) say(v *view, key string, args ...any) string { return p.set.Say(v.x.lang, key, args...) }

// show answers with a page.
func (p *site) show(v *view, name string, data any) error {
	frame, err := p.frame(v)
	if err != nil {
		return err
	}
	frame.Data = data
	body, err := p.set.Render(name, frame)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if v.state != 0 {
		v.w.WriteHeader(v.state)
	}
	_, _ = v.w.Write(body) // a reader who is gone cannot be told
	return nil
}

// form names one form of a page.
type form struct{ act, on string }

// done ends an act: on success it goes to a page with one line about it; a
// refusal that the form can show brings the page again, made by again.
func (p *site) done(v *view, err error, f form, again handler) error {
	if err == nil {
		return nil
	}
	refused := p.problem(v.ctx(), v.x, err)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.Forbidden:
	default:
		return err
	}
	v.x.code, v.state = refused.Code, refused.Status
	v.tried = web.Tried{Act: f.act, On: f.on, Code: refused.Code, Text: refused.Detail, Fields: v.fieldsOf(refused), Form: v.r.PostForm}
	return again(v)
}

// fieldsOf tells each field of the form what is wrong with it.
func (v *view) fieldsOf(refused Problem) map[string]string {
	out := map[string]string{}
	for _, f := range refused.Errors {
		out[f.Name] = f.Text
	}
	names := strings.Fields(fieldOfCode[refused.Code])
	if field, ok := refused.Details["field"]; ok { // of several that one refusal may mean
		names = []string{fmt.Sprint(field)}
	}
	if item, ok := refused.Details["item"]; ok { // of several things on one form
		names = append([]string{fmt.Sprint("note-", item)}, names...)
	}
	for _, name := range names {
		if len(names) == 1 || v.r.PostForm.Has(name) { // of a choice nothing is sent before one is made
			out[name] = refused.Detail
			break
		}
	}
	return out
}

// fieldOfCode is the field of a form that a refusal is about: the first of
// these names that the form has.
var fieldOfCode = map[string]string{
	"site_division_missing": "division", "division_unknown": "division",
	"mobile_invalid": "phone", "phone_invalid": "phone", "mail_invalid": "email", "point_invalid": "lat",
	"credit_code_invalid": "uscc", "credit_code_check": "uscc", "id_number_invalid": "id_no",
	"reason_missing": "reason why note objection detail", "receiver_missing": "receiver given_by caller", "service_time": "at", "received_time": "received_at",
	"proposals": "proposal1", "proposal_impossible": "proposal1", "excuse_category": "category", "opinion_items": "finding1", "bundle_unreadable": "bundle",
	"password_weak": "fresh", "password_reused": "fresh", "password_differs": "again",
	"door_code_wrong": "code", "signature_blank": "signature", "door_id_wrong": "id_last4", "rating_level": "level", "closure_past": "day", "closure_exists": "day",
	"scan_missing": "scan", "scan_not_uploaded": "scan", "blob_type": "scan", "blob_size": "scan", "scan_purpose": "purpose", "scan_type": "scan", "scan_size": "scan",
	"name_missing": "name person", "contest_time": "served_at said_at", "extension_days": "extension_days", "extension_document": "approval_number", "contest_outcome": "contest_outcome", "certificate_missing": "certificate", "came_time": "came_at",
	"code_wrong": "code", "ground_missing": "text opinion_text", "deferral_ground": "ground",
	"count_differs": "count", "decision_date": "decided_on", "giver_missing": "giver", "choice_giver": "given_by", "partial_reason": "partial_why",
	"addressee_incomplete": "name", "consent_incomplete": "consent_by", "id_last4_form": "id_last4", "bag_missing": "bag", "piece_bag": "bag2", "piece_doubled": "item", "piece_many": "item",
	"receiver_unregistered": "receiver", "receiver_incomplete": "name", "receiver_registered": "name",
	"carrier_not_allowed": "way", "window_only": "item", "wish_window_only": "way", "way_unsupported": "way", "item_not_here": "item", "parcel_empty": "item", "parcel_no_receiver": "item",
	"parcel_owners_differ": "item", "second_person_missing": "second_login", "second_person_same": "second_login",
	"sign_in_failed": "second_login", "courier_unknown": "courier", "batch_size": "numbers", "own_number_invalid": "number",
	"waybill_number": "waybill", "waybill_doubt": "waybill", "waybill_taken": "waybill", "harm_photo": "photo", "return_seal": "bag_state", "return_count": "count", "fault_side": "fault", "write_off_second": "second_login", "courier_same": "courier",
	"checklist_date": "from", "checklist_line": "file", "checklist_empty": "file", "critical_unmet": "text",
	"pause_asked": "given_by", "pause_slot": "slot", "pause_notice": "evidence",
	"table_size": "file", "table_zip": "file", "table_encoding": "file", "table_header": "file", "table_line": "file", "table_rows": "file", "table_empty": "file", "table_gone": "file",
	"carrier_unknown": "carrier", "run_counts": "out",
	"electronic_consent_incomplete": "person", "electronic_address": "address", "electronic_scope": "lines", "electronic_line": "lines",
	"electronic_signature": "signature", "electronic_size": "decided_on", "electronic_digits": "last4",
	"item_verify": "verify1", "absent_by_photo": "verify1 answer", "item_days": "days1 days", "ask_channel": "channel", "photo_answer": "answer", "add_ground": "ground", "given_time": "at", "signed_time": "at", "witness_absent": "witness1", "given_how": "how", "witnesses": "witness1",
	"written_opinion": "opinion", "not_booked": "leaves", "below_minimum": "comes", "substitute_outside": "comes", "substitute_unfit": "comes", "slot_taken": "comes",
	"pair_kind": "kind", "pair_departments": "theirs", "pair_exists": "theirs", "item_left_out": "mine", "keep_unknown": "keep",
	"breach_class": "class", "breach_party": "party", "breach_date": "on", "breach_reported": "on",
	"choice_by_link": "choice", "wish_way": "way", "agent_incomplete": "name", "extra_incomplete": "extra_title1", "opinion_kind": "kind",
	"outcome_unknown": "outcome", "outcome_text_missing": "reason", "outcome_evidence_missing": "call_note",
	"call_missing": "call_note", "id_missing": "id_last4", "signature_missing": "signature", "questions_two": "answer1",
}

// refusePage answers a refusal with a page of its own: what is wrong, what to
// do, and under which number the log has it. Who is not signed in is asked to.
func (p *site) refusePage(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r)
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		x.code = "client_gone"
		return
	}
	refused := p.problem(r.Context(), x, err)
	x.code = refused.Code
	if refused.Status == http.StatusUnauthorized && r.URL.Path != "/login" {
		http.Redirect(w, r, loginFor(r, refused.Code), http.StatusSeeOther)
		return
	}
	v := &view{w: w, r: r, x: x, by: x.by, here: "/", state: refused.Status}
	if r.Method == http.MethodGet {
		v.here = r.URL.RequestURI()
	}
	if refused.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(refused.retry.Seconds()+0.999))))
	}
	shown := p.show(v, "error", errorPage{Title: refused.Title, Text: refused.Detail, Code: refused.Code, Request: x.id, Back: backOf(r)})
	if shown != nil { // even the frame cannot be made: say it without
		p.Log.ErrorContext(r.Context(), "no page for a refusal", "req", x.id, "error", shown)
		http.Error(w, refused.Detail+"\n"+refused.Code+" "+x.id, refused.Status)
	}
}

type errorPage struct{ Title, Text, Code, Request, Back string }

// loginFor is the sign-in page that comes back to where somebody wanted to go.
func loginFor(r *http.Request, code string) string {
	query := url.Values{}
	if r.Method == http.MethodGet && r.URL.Path != "/" {
		query.Set("back", r.URL.RequestURI())
	}
	if code == "session_expired" {
		query.Set("why", code)
	}
	if len(query) == 0 {
		return "/login"
	}
	return "/login?" + query.Encode()
}

// backOf is the page that a form was sent from, if the form says so.
func backOf(r *http.Request) string {
	if r.Method == http.MethodPost {
		return inside(r.PostFormValue("back"))
	}
	return ""
}

// inside is an address if it leads to a page of ours, else nothing: a link must
// not send anybody elsewhere.
func inside(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(address, "/") ||
		strings.HasPrefix(address, "//") || strings.ContainsAny(address, "\\\r\n\t") {
		return ""
	}
	return address
}
