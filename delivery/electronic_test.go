package delivery

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/paper/papertest"
	"lianban/notify"
)

// aPDF is a small PDF that says text.
func aPDF(text string) []byte {
	return fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%% %s\ntrailer\n<< /Root 1 0 R >>\n%%%%EOF\n", text)
}

func consentFor(s Set, lines ...ResultLine) ElectronicConsentRequest {
	r := ElectronicConsentRequest{CaseID: s.CaseID, Person: "欧阳修", Method: ByMail, Address: "ouyang@example.com", Phone: "13800001234", Channel: ChannelWindow}
	for _, l := range lines {
		r.Lines = append(r.Lines, l.ID)
	}
	return r
}

func (w *testWorld) consent(r ElectronicConsentRequest) ElectronicConsent {
	w.t.Helper()
	c, err := w.ConsentElectronic(w.t.Context(), w.clerk, r)
	w.must(err)
	return c
}

func supplyOf(l ResultLine) SupplyRequest {
	return SupplyRequest{LineID: l.ID, Class: ClassCertificate, Title: "食品经营许可证", DecidedOn: "2026-11-23", Signature: SignatureUnchecked, Body: aPDF("许可")}
}

// fileSent is a file of the only line of a new case, sent under a consent.
func (w *testWorld) fileSent(method ElectronicMethod) (Set, ElectronicFile) {
	w.t.Helper()
	s := w.newSet("amr")
	r := consentFor(s, s.Lines...)
	r.Method = method
	w.consent(r)
	f, err := w.Supply(w.t.Context(), w.inspector("amr"), supplyOf(s.Lines[0]))
	w.must(err)
	f, err = w.SendFile(w.t.Context(), w.clerk, f.ID)
	w.must(err)
	return s, f
}

// bodies composes what waits to be said of a subject on a channel.
func (w *testWorld) bodies(purpose, subject, channel string) (out []notify.Body) {
	w.t.Helper()
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		out = nil
		ms, err := notify.ListBySubject(w.t.Context(), tx, subject, purpose)
		for _, m := range ms {
			if m.State != notify.Pending || m.Channel != channel {
				continue
			}
			m.ComposedAt = w.now()
			b, err := w.Compose(w.t.Context(), tx, m)
			if err != nil {
				return err
			}
			out = append(out, b)
		}
		return err
	}))
	return out
}

// token is what the recipient reads in the mail.
func (w *testWorld) token(f ElectronicFile) string {
	w.t.Helper()
	mails := w.bodies(notify.PurposeFile, f.ID, notify.Mail)
	if len(mails) != 1 {
		w.t.Fatalf("%d mails", len(mails))
	}
	_, rest, _ := strings.Cut(mails[0].Text, w.Site+"/e/")
	return strings.Fields(rest)[0]
}

// DEL-240
func TestWithoutTheRecipientsConsentNoFileIsTaken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		s := w.newSet("amr", "fire")
		amr, fire := w.line(s.CaseID, "amr"), w.line(s.CaseID, "fire")
		_, err := w.Supply(ctx, w.inspector("amr"), supplyOf(amr))
		w.refused(err, "electronic_no_consent")

		good := consentFor(s, amr)
		for code, change := range map[string]func(r *ElectronicConsentRequest){
			"electronic_consent_incomplete": func(r *ElectronicConsentRequest) { r.Phone = "1234" },
			"electronic_address":            func(r *ElectronicConsentRequest) { r.Address = "nobody" },
			"electronic_scope":              func(r *ElectronicConsentRequest) { r.Lines = nil },
			"electronic_line":               func(r *ElectronicConsentRequest) { r.Lines = []string{"x"} },
			"text_invalid":                  func(r *ElectronicConsentRequest) { r.Person = "欧\x00" },
		} {
			r := good
			change(&r)
			_, err := w.ConsentElectronic(ctx, w.clerk, r)
			w.refused(err, code)
		}
		_, err = w.ConsentElectronic(ctx, w.inspector("amr"), good)
		w.refused(err, "not_receiving_window")
		_, err = w.ConsentElectronic(ctx, w.elsewhere(), good)
		w.refused(err, "not_found")
		c := w.consent(good)
		if _, err := w.Supply(ctx, w.inspector("fire"), supplyOf(fire)); !fault.Is(err, "electronic_no_consent") {
			t.Errorf("a line outside the scope: %v", err)
		}
		f, err := w.Supply(ctx, w.inspector("amr"), supplyOf(amr))
		w.must(err)
		if w.line(s.CaseID, "amr").State != LineExpected {
			t.Error("a file that was not sent counts as complete")
		}
		_, err = w.RevokeElectronic(ctx, w.clerk, c.ID, ChannelPhone)
		w.must(err)
		_, err = w.RevokeElectronic(ctx, w.clerk, c.ID, ChannelPhone)
		w.refused(err, "electronic_revoked")
		_, err = w.Supply(ctx, w.inspector("amr"), supplyOf(amr))
		w.refused(err, "electronic_no_consent")
		_, err = w.SendFile(ctx, w.clerk, f.ID)
		w.refused(err, "electronic_over")
		if got := w.leaves(s.CaseID); !strings.Contains(got, "electronic_consent_given electronic_supplied electronic_consent_revoked electronic_withdrawn") {
			t.Error(got)
		}
	})
}

// DEL-210, DEL-211
func TestASealIsNeverSentAsAFile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.newSet("amr")
		w.consent(consentFor(s, s.Lines...))
		r := supplyOf(s.Lines[0])
		r.Class = ClassSeal
		_, err := w.Supply(t.Context(), w.inspector("amr"), r)
		w.refused(err, "carrier_not_allowed")
		f, err := w.Supply(t.Context(), w.inspector("amr"), supplyOf(s.Lines[0]))
		w.must(err)
		if f.Ground.Rule != "G06" || f.Ground.Version != 1 {
			t.Errorf("the ground is not kept: %+v", f.Ground)
		}
	})
}

// DEL-241, SEC-15
func TestOnlyAPlainPDFIsTaken(t *testing.T) {
	for name, tt := range map[string]struct {
		body []byte
		code string
	}{
		"empty":             {nil, "electronic_size"},
		"too big":           {append(aPDF("x"), make([]byte, MaxElectronic)...), "electronic_size"},
		"a picture":         {[]byte("\x89PNG\r\n\x1a\n"), "electronic_type"},
		"a page":            {[]byte("<html>%PDF-1.7 %%EOF"), "electronic_type"},
		"cut off":           {aPDF("x")[:40], "electronic_type"},
		"script":            {aPDF("\n<< /S /JavaScript >>"), "electronic_active"},
		"hidden script":     {aPDF("\n<< /S /J#61vaScript >>"), "electronic_active"},
		"starts a program":  {aPDF("\n<< /Launch<<>> >>"), "electronic_active"},
		"carries a file":    {aPDF("\n<< /EmbeddedFiles 3 0 R >>"), "electronic_active"},
		"encrypted":         {aPDF("\n<< /Encrypt 3 0 R >>"), "electronic_active"},
		"a name that fits":  {aPDF("\n<< /JSON 1 >>"), ""},
		"plain":             {aPDF("许可"), ""},
		"with an empty end": {append(aPDF("x"), "\r\n \x00"...), ""},
	} {
		if err := checkPDF(tt.body); tt.code == "" && err != nil || tt.code != "" && !fault.Is(err, tt.code) {
			t.Errorf("%s: %v, want %q", name, err, tt.code)
		}
	}
}

func FuzzCheckPDFNeverPanics(f *testing.F) {
	f.Add([]byte("%PDF-1.7 /J#"))
	f.Fuzz(func(_ *testing.T, body []byte) {
		_ = checkPDF(append(append([]byte("%PDF-1.7\n"), body...), "%%EOF"...))
	})
}

// DEL-241: what is known of the signature is said as it is.
func TestASignatureCountsAsCheckedOnlyWithWhoCheckedIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.newSet("amr")
		w.consent(consentFor(s, s.Lines...))
		for _, change := range []func(r *SupplyRequest){
			func(r *SupplyRequest) { r.Signature = "" }, func(r *SupplyRequest) { r.Signature = SignatureValid },
		} {
			r := supplyOf(s.Lines[0])
			change(&r)
			_, err := w.Supply(t.Context(), w.inspector("amr"), r)
			w.refused(err, "electronic_signature")
		}
		r := supplyOf(s.Lines[0])
		r.DecidedOn = "2026-12-01"
		_, err := w.Supply(t.Context(), w.inspector("amr"), r)
		w.refused(err, "decision_date")
		r = supplyOf(s.Lines[0])
		r.Title = ""
		_, err = w.Supply(t.Context(), w.inspector("amr"), r)
		w.refused(err, "item_incomplete")
		_, err = w.Supply(t.Context(), w.inspector("fire"), supplyOf(s.Lines[0]))
		w.refused(err, "not_found")
		f, err := w.Supply(t.Context(), w.clerk, supplyOf(s.Lines[0])) // the window, with what the department sent it
		w.must(err)
		if f.Signature.In("zh") != "未核验" || f.Issuer == "" || len(f.SHA256) != 64 {
			t.Errorf("%+v", f)
		}
		_, err = w.Supply(t.Context(), w.clerk, supplyOf(s.Lines[0]))
		w.refused(err, "electronic_standing")
	})
}

// DEL-242: sent alone is not served; the case is out when the file was fetched
// after identification. DEL §3: the line is complete meanwhile, with its ground.
func TestAFileIsServedWhenItIsFetchedAfterIdentification(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.Site = "https://lianban.example"
		s, f := w.fileSent(ByMail)
		l := w.line(s.CaseID, "amr")
		if l.State != LineWaived || l.Ground != electronicGround || !l.ServedAt.IsZero() || len(w.set(s.CaseID).Blocking) != 0 {
			t.Fatalf("the line of a sent file: %+v", l)
		}
		if got := w.leaves(s.CaseID); strings.Contains(got, "case_results_out") || strings.Contains(got, "electronic_served") {
			t.Fatal("sent counts as served: " + got)
		}
		if w.set(s.CaseID).Ceiling == nil {
			t.Error("art. 44 stands still while nobody has opened the file")
		}
		boards, err := w.ListSets(ctx, w.clerk, SetQuery{})
		if w.must(err); len(boards) != 1 || boards[0].File(l.ID) == nil {
			t.Errorf("the board leaves out what nobody has opened: %+v", boards)
		}
		token := w.token(f)
		_, _, err = w.FetchFile(ctx, token, "0000")
		w.refused(err, "electronic_digits")
		seen, err := w.OpenFile(ctx, token, "1234")
		if w.must(err); seen.State != FileSent {
			t.Error("looking at the page is not fetching the file")
		}
		_, body, err := w.FetchFile(ctx, token, "1234")
		if w.must(err); !bytes.Equal(body, aPDF("许可")) {
			t.Error("another file")
		}
		_, _, err = w.FetchFile(ctx, token, "1234")
		w.must(err)
		f, err = w.FindFile(ctx, w.clerk, f.ID)
		if w.must(err); f.State != FileServed || f.ServedHow != ServedOpened || f.Opens != 2 {
			t.Errorf("%+v", f)
		}
		if got := w.leaves(s.CaseID); strings.Count(got, "electronic_served") != 1 || strings.Count(got, "case_results_out") != 1 {
			t.Error(got)
		}
		if w.set(s.CaseID).Ceiling != nil {
			t.Error("art. 44 goes on after service")
		}
		_, err = w.ChangeWay(ctx, w.clerk, f.ID, "换一种方式")
		w.refused(err, "electronic_over")
	})
}

// DEL-242: while one file of a case waits, the case is not out.
func TestACaseIsNotOutWhileOneOfItsFilesWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.newSet("amr", "fire")
		w.consent(consentFor(s, s.Lines...))
		var sent []ElectronicFile
		for _, l := range s.Lines {
			f, err := w.Supply(t.Context(), w.inspector(l.DepartmentID), supplyOf(l))
			w.must(err)
			f, err = w.SendFile(t.Context(), w.clerk, f.ID)
			w.must(err)
			sent = append(sent, f)
		}
		for n, f := range sent {
			_, _, err := w.FetchFile(t.Context(), w.token(f), "1234")
			w.must(err)
			if out := strings.Contains(w.leaves(s.CaseID), "case_results_out"); out != (n == 1) {
				t.Errorf("out is %v after %d of two", out, n+1)
			}
		}
	})
}

// DEL-241, DEL-1201
func TestTheLinkEndsAndLocksLikeTheTrackingPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		_, f := w.fileSent(ByMail)
		token := w.token(f)
		w.must(w.KnowsFile(ctx, token))
		w.refused(w.KnowsFile(ctx, "x"), "electronic_link")
		for range 5 {
			_, err := w.OpenFile(ctx, token, "9999")
			w.refused(err, "electronic_digits")
		}
		_, err := w.OpenFile(ctx, token, "1234")
		w.refused(err, "electronic_digits")
		w.at = w.at.Add(15 * time.Minute)
		_, err = w.OpenFile(ctx, token, "1234")
		w.must(err)
		again := w.token(f) // a mail that is written again has a new link
		_, err = w.OpenFile(ctx, token, "1234")
		w.refused(err, "electronic_link")
		w.at = f.ExpiresAt.Add(-time.Millisecond)
		_, err = w.OpenFile(ctx, again, "1234")
		w.must(err)
		w.at = f.ExpiresAt
		w.refused(w.KnowsFile(ctx, again), "electronic_expired")
		_, _, err = w.FetchFile(ctx, again, "1234")
		w.refused(err, "electronic_expired")
		if days := f.ExpiresAt.Sub(morning).Hours() / 24; days < 30 || days > 31 {
			t.Errorf("the link lasts %.1f days", days)
		}
	})
}

// DEL-1201: number and last four show the status of a file and nothing else.
func TestTrackingShowsThatAFileWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		_, f := w.fileSent(ByMail)
		_, err := w.Track(t.Context(), f.Number, "0000")
		w.refused(err, "not_found")
		v, err := w.Track(t.Context(), f.Number, "1234")
		if w.must(err); len(v.Files) != 1 || v.Files[0].State != FileSent || v.Files[0].Until.IsZero() || v.State != "" {
			t.Errorf("%+v", v)
		}
		for range 5 {
			_, err = w.Track(t.Context(), f.Number, "0000")
			w.refused(err, "not_found")
		}
		_, err = w.Track(t.Context(), f.Number, "1234")
		w.refused(err, "not_found")
	})
}

// DEL-241, DEL-1202
func TestTheTextCarriesNeitherFileNorLink(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.Site = "https://lianban.example"
		_, f := w.fileSent(ByMail)
		texts := w.bodies(notify.PurposeFile, f.ID, notify.SMS)
		if len(texts) != 1 || strings.Contains(texts[0].SMS, "http") || strings.Contains(texts[0].SMS, f.Title) || !strings.Contains(texts[0].SMS, f.Number) {
			t.Errorf("%+v", texts)
		}
		if token := w.token(f); len(token) < 26 {
			t.Errorf("a token of %d signs", len(token))
		}
	})
}

// DEL-242: another way is chosen before service; then the result is owed on
// paper again and the link is dead.
func TestAFileThatWasNotServedGivesWayToPaper(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		s, f := w.fileSent(ByMail)
		token := w.token(f)
		_, err := w.ChangeWay(ctx, w.clerk, f.ID, " ")
		w.refused(err, "reason_missing")
		_, err = w.ChangeWay(ctx, w.inspector("amr"), f.ID, "换")
		w.refused(err, "not_receiving_window")
		_, err = w.ChangeWay(ctx, w.clerk, f.ID, "申请人打不开")
		w.must(err)
		_, err = w.OpenFile(ctx, token, "1234")
		w.refused(err, "electronic_link")
		l := w.line(s.CaseID, "amr")
		if l.State != LineExpected || l.ElectronicID != "" || l.Ground != "" || l.RemindAt.IsZero() {
			t.Errorf("%+v", l)
		}
		if len(w.bodies(notify.PurposeFile, f.ID, notify.SMS)) != 0 {
			t.Error("a text still goes out")
		}
		w.receiveAll(w.handOver(l, certificate("食品经营许可证")))
	})
}

// DEL-242 (电子签名法 art. 11)
func TestWhatEnteredTheNamedSystemIsServed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		s, f := w.fileSent(BySystem)
		_, err := w.RecordEntered(ctx, w.clerk, f.ID, "")
		w.refused(err, "reason_missing")
		_, err = w.PrintFetch(ctx, w.clerk, f.ID)
		w.refused(err, "electronic_over")
		f, err = w.RecordEntered(ctx, w.clerk, f.ID, "政务服务网回执 2026112400017")
		if w.must(err); f.State != FileServed || f.ServedHow != ServedEntered {
			t.Errorf("%+v", f)
		}
		if !strings.Contains(w.leaves(s.CaseID), "case_results_out") {
			t.Error("the case is not out")
		}
		_, g := w.fileSent(ByMail)
		_, err = w.RecordEntered(ctx, w.clerk, g.ID, "回执")
		w.refused(err, "electronic_over")
	})
}

// DEL-241, DEL-1116: the slip's code is the link, and a new slip ends the old one.
func TestTheSlipCarriesTheLinkAsACode(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.Site = "https://lianban.example"
		_, f := w.fileSent(BySlip)
		if len(w.bodies(notify.PurposeFile, f.ID, notify.Mail)) != 0 {
			t.Error("a mail goes out")
		}
		first, err := w.PrintFetch(t.Context(), w.clerk, f.ID)
		w.must(err)
		second, err := w.PrintFetch(t.Context(), w.clerk, f.ID)
		w.must(err)
		text := papertest.Flat(papertest.Read(t, second.PDF))
		if !strings.Contains(text, "补打1") || !strings.Contains(text, f.Number) || strings.Contains(text, "13800001234") {
			t.Error(text)
		}
		if bytes.Equal(first.PDF, second.PDF) {
			t.Error("both slips carry one link")
		}
	})
}

// DEL-108, SEC-3
func TestOnlyThoseOfTheResultSeeItsFile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		s, f := w.fileSent(ByMail)
		for _, by := range []auth.Actor{w.inspector("fire"), w.elsewhere()} {
			_, _, err := w.ReadFile(ctx, by, f.ID)
			w.refused(err, "not_found")
			_, err = w.SendFile(ctx, by, f.ID)
			w.refused(err, "not_found")
		}
		_, body, err := w.ReadFile(ctx, w.inspector("amr"), f.ID)
		if w.must(err); len(body) != f.Size {
			t.Error("another file")
		}
		theirs, err := w.FindResult(ctx, w.inspector("amr"), s.Lines[0].ID)
		if w.must(err); theirs.Consent == nil || theirs.Consent.Address != "" || theirs.Consent.Phone == "13800001234" {
			t.Errorf("the department reads the recipient's address: %+v", theirs.Consent)
		}
		w.must(w.DB.Read(ctx, func(q bun.IDB) error {
			entries, err := audit.Stream(ctx, q, Stream(s.CaseID))
			for _, e := range entries {
				if text := string(e.Bytes); strings.Contains(text, "13800001234") || strings.Contains(text, "ouyang") {
					t.Errorf("personal data in a leaf: %s", text)
				}
			}
			return err
		}))
	})
}

// STY-19: of a fetch and a change of way at once one decides.
func TestFetchingAndChangingTheWayAtOnceHaveOneEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s, f := w.fileSent(ByMail)
		token := w.token(f)
		var fetched, changed error
		var both sync.WaitGroup
		both.Go(func() { _, _, fetched = w.FetchFile(t.Context(), token, "1234") })
		both.Go(func() { _, changed = w.ChangeWay(t.Context(), w.clerk, f.ID, "改纸质") })
		both.Wait()
		served := w.line(s.CaseID, "amr").State == LineWaived
		if served != (fetched == nil) || served != fault.Is(changed, "electronic_over") {
			t.Errorf("served %v, fetched %v, changed %v", served, fetched, changed)
		}
	})
}
