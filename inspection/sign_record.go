package inspection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/internal/paper"
)

// SignedRecord (申请人阅签) is the applicant's word under the record of a visit: signed
// by the applicant or an agent, or refused before two inspectors who were there
// (INS-1012). A list of what to put right carries its own.
type SignedRecord struct {
	How        GivenHow  `json:"how"`
	Receiver   string    `json:"receiver,omitempty"` // who signed, or refused to
	At         time.Time `json:"at"`
	Reason     string    `json:"reason,omitempty"`
	Witnesses  []string  `json:"witnesses,omitempty"`
	Scan       string    `json:"scan,omitempty"`
	RecordedAt time.Time `json:"recorded_at,omitzero"`
	RecordedBy string    `json:"recorded_by,omitempty"`
}

// print is the hash of names and reason, so that a row that says something else
// than the log shows (EV-12). The scan's id, which is random, keeps a name from
// being guessed from it.
func (s SignedRecord) print() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s", s.Scan, s.Receiver, s.Reason, strings.Join(s.Witnesses, "\x00")))
	return hex.EncodeToString(sum[:])
}

// narrowed is what a department reads that did not come.
func (s *SignedRecord) narrowed() *SignedRecord {
	if s == nil {
		return nil
	}
	return &SignedRecord{How: s.How, At: s.At}
}

// facts say it on paper.
func (s *SignedRecord) facts() []paper.Fact {
	if s == nil {
		return nil
	}
	text := s.Receiver + "已阅读并签字，" + instantText(s.At)
	if s.How == GivenRefused {
		text = s.Receiver + "拒绝签字，" + instantText(s.At)
		if s.Reason != "" {
			text += "\n理由：" + s.Reason + "\n见证的勘验人员：" + strings.Join(s.Witnesses, "、")
		}
	}
	return []paper.Fact{{Name: "申请人阅签", Value: text}}
}

// SignRequest records what the applicant did when the record was read.
type SignRequest struct {
	VisitID string
	Handed
	Once once.Key
}

// SignRecord records once that the applicant signed the record of a visit or refused
// to, when the part on the site is over: by the window, or by an inspector who was
// there. Nothing waits for it (INS-1012). Refusals: not_found, not_a_window,
// wrong_window, not_checked_in, record_kind, record_early, record_signed, record_on_list,
// given_how, receiver_missing, reason_missing, witnesses, witness_absent,
// signed_time, scan_missing, scan_type, scan_size, text_invalid.
func (d *Desk) SignRecord(ctx context.Context, by auth.Actor, r SignRequest) (SignedRecord, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (SignedRecord, error) { return d.signRecord(ctx, tx, by, r) })
}

func (d *Desk) signRecord(ctx context.Context, tx bun.IDB, by auth.Actor, r SignRequest) (out SignedRecord, err error) {
	_, err = actOnVisit(ctx, tx, r.VisitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		people, err := listCheckIns(ctx, tx, *v)
		if err != nil {
			return nil, err
		}
		if err := maySignRecord(ctx, tx, by, *v, people); err != nil {
			return nil, err
		}
		if err := awaitsSigning(ctx, tx, *v); err != nil {
			return nil, err
		}
		if err := r.check(); err != nil {
			return nil, err
		}
		if !r.between(v.StartedAt, d.now()) {
			return nil, fault.Refuse(fault.Invalid, "signed_time",
				"签字时间应在开始之后、现在之前，请按签字的时间填写", "the record is signed after the start and not in the future; enter the time that was signed")
		}
		witnesses, err := r.witnessed(people)
		if err != nil {
			return nil, err
		}
		scan, err := storeScan(ctx, tx, v.ID, r.Scan, by.String(), d.now())
		if err != nil {
			return nil, err
		}
		out = SignedRecord{
			How: r.How, Receiver: r.Receiver, At: r.At, Reason: r.Reason, Witnesses: r.Witnesses, Scan: scan.ID, RecordedAt: d.now(), RecordedBy: by.String(),
		}
		v.Signed = &out
		if err := changeVisit(ctx, tx, v, "signed_record"); err != nil {
			return nil, err
		}
		return []audit.Leaf{visitLeaf("record_signed", *v, by.String(), d.now(), map[string]any{
			"how": string(out.How), "signed_at": stamp(out.At), "print": out.print(), "witnesses": witnesses, "scan_sha256": scan.SHA256,
		})}, nil
	})
	return out, err
}

// maySignRecord: the window that organises, or who inspected on the site.
func maySignRecord(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, people []CheckIn) error {
	if by.Department == "" || atWindow(by) {
		return mayOrganise(ctx, tx, by, v.CentreID)
	}
	if !slices.ContainsFunc(people, func(c CheckIn) bool { return c.inspects() && c.PersonID == by.ID }) {
		return notCheckedIn()
	}
	return nil
}

// inspects: who came is of a department.
func (c CheckIn) inspects() bool { return c.Party != PartyWindow && c.Party != PartyApplicant }

// awaitsSigning refuses what is signed too early, twice or with a list. Of a review the
// departments sign the minutes (INS-1014).
func awaitsSigning(ctx context.Context, tx bun.IDB, v Visit) error {
	if v.Kind != KindSite {
		return fault.Refuse(fault.Conflict, "record_kind",
			"联合评审由各部门签署会议纪要，不用申请人阅签", "the minutes of a joint review are signed by the departments; the applicant signs the record of an inspection")
	}
	if v.State != VisitCollecting && v.State != VisitClosed {
		return fault.Refuse(fault.Conflict, "record_early",
			"窗口点“结束”之后才能登记申请人阅签；没有进行的不用登记", "the record is signed when the window has ended the part on the spot; one that was not held needs none")
	}
	if s := v.Signed; s != nil {
		return fault.Refuse(fault.Conflict, "record_signed",
			"申请人阅签已登记（%[1]s），只登记一次", "it is on record already what the applicant did at %[2]s; it is recorded once", minute(s.At), minuteEnglish(s.At))
	}
	lists, err := listLists(ctx, tx, v.ID)
	if err != nil || len(lists) == 0 {
		return err
	}
	return fault.Refuse(fault.Conflict, "record_on_list",
		"本次出具了整改通知书，请在通知书的送达中登记签收或拒签", "there is a list of what to put right; record with its giving whether the applicant signed")
}

// RecordAwaits reports whether the record can still be signed.
func (v VisitView) RecordAwaits() bool {
	over := v.State == VisitCollecting || v.State == VisitClosed
	return v.Kind == KindSite && over && v.Signed == nil && (v.Rectification == nil || v.RevisitOf != "")
}

// witnessed finds the witnesses of a refusal among those who inspected on the site and
// were still there. It gives their check-ins: a leaf keeps no name (SIM-8).
func (h Handed) witnessed(people []CheckIn) ([]string, error) {
	ids := []string{}
	for _, name := range h.Witnesses {
		i := slices.IndexFunc(people, func(c CheckIn) bool {
			gone := !c.LeftAt.IsZero() && c.LeftAt.Before(h.At)
			return c.Name == name && c.inspects() && !gone && !c.CameAt.Truncate(time.Minute).After(h.At)
		})
		if i < 0 {
			return nil, fault.Refuse(fault.Conflict, "witness_absent",
				"%s当时不在场或没有作为勘验人员签到；请填写在场勘验人员，或先凭签到表补登", "%s was not there as an inspector at that time; name an inspector who was, or enter the sign-in sheet first", name)
		}
		ids = append(ids, people[i].ID)
	}
	return ids, nil
}
