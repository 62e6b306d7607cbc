package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
)

// Choices of the applicant (DEL-303). ChooseNothing records that the window has
// asked and heard nothing (DEL-304).
const (
	ChooseWait    = "wait"
	ChooseSplit   = "split"
	ChooseNothing = "no_answer"
)

// Channels by which an applicant's word reaches the window.
const (
	ChannelWindow = "window"
	ChannelPhone  = "phone"
	ChannelLink   = "link" // the applicant's own act, which nobody can claim for them (DEL-1205)
)

// heardBy reports whether the actor may have heard something by a channel.
func heardBy(by auth.Actor, channel string) bool {
	if by.Kind == auth.KindLink {
		return channel == ChannelLink
	}
	return channel == ChannelWindow || channel == ChannelPhone
}

// SetChoice is the applicant's own choice to wait for the whole set or to have
// what is there sent before (DEL-303). The last one counts.
type SetChoice struct {
	bun.BaseModel `bun:"table:set_choices" json:"-"`

	ID         string    `bun:"id,pk" json:"id"`
	CaseID     string    `json:"case_id"`
	Choice     string    `json:"choice"`
	Lines      []string  `bun:"type:jsonb" json:"lines"` // that are not waited for
	GivenBy    string    `json:"given_by"`
	Channel    string    `json:"channel"` // window, phone or link
	Note       string    `json:"note,omitempty"`
	RecordedAt time.Time `json:"recorded_at"`
	RecordedBy string    `json:"recorded_by"`
}

// ChoiceRequest is what the window heard from the applicant.
type ChoiceRequest struct {
	CaseID, Choice, GivenBy, Channel, Note string
	Lines                                  []string // of split: results not to wait for
	Once                                   once.Key
}

func (r ChoiceRequest) check(by auth.Actor) error {
	if !slices.Contains([]string{ChooseWait, ChooseSplit, ChooseNothing}, r.Choice) || !heardBy(by, r.Channel) {
		return fault.Refuse(fault.Invalid, "choice_invalid",
			"请选择申请人的意见（等齐、先寄或未答复）和询问方式（窗口或电话）", "choose what the applicant said (wait, split, no answer) and how (window, phone)")
	}
	if strings.TrimSpace(r.GivenBy) == "" && r.Choice != ChooseNothing {
		return fault.Refuse(fault.Invalid, "choice_giver",
			"只有申请人可以选择等齐或先寄，请填写作出选择的人", "only the applicant chooses to wait or to split; say who did") // DEL-303
	}
	if (len(r.Lines) > 0) != (r.Choice == ChooseSplit) {
		return fault.Refuse(fault.Invalid, "choice_lines",
			"先寄时请勾选哪些结果不等；等齐或未答复时不要勾选", "to split, mark the results that are not waited for; else mark none")
	}
	if err := office.CheckLines(line("given_by", r.GivenBy)); err != nil {
		return err
	}
	return office.CheckText("note", r.Note, reasonLength)
}

// Choose records the applicant's choice: lines that are not waited for are
// split out and no longer keep the others back; to wait puts them back. Neither
// clerk nor supervisor chooses for the applicant, so GivenBy is a name (DEL-303).
// Refusals: not_found, not_receiving_window, choice_invalid, choice_giver,
// choice_lines, text_invalid, line_settled.
func (d *Desk) Choose(ctx context.Context, by auth.Actor, r ChoiceRequest) (SetChoice, error) {
	d = d.still()
	r.GivenBy = strings.TrimSpace(r.GivenBy)
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (SetChoice, error) {
		lines, err := windowLines(ctx, tx, by, r.CaseID)
		if err != nil {
			return SetChoice{}, err
		}
		return d.choose(ctx, tx, by, lines, r)
	})
}

// windowLines locks the lines of a case for an act of its window.
func windowLines(ctx context.Context, tx bun.IDB, by auth.Actor, caseID string) ([]ResultLine, error) {
	lines, err := lockLines(ctx, tx, caseID)
	if err != nil {
		return nil, err
	}
	if !seesSet(by, lines) {
		return nil, notFound()
	}
	return lines, mayReceive(by, lines[0].CentreID)
}

// choose records a choice on the caller's transaction, which has locked the lines
// of the case and knows that the actor may speak.
func (d *Desk) choose(ctx context.Context, tx bun.IDB, by auth.Actor, lines []ResultLine, r ChoiceRequest) (SetChoice, error) {
	if err := r.check(by); err != nil {
		return SetChoice{}, err
	}
	if err := splitLines(ctx, tx, lines, r); err != nil {
		return SetChoice{}, err
	}
	c := SetChoice{
		ID: newID(), CaseID: r.CaseID, Choice: r.Choice, Lines: r.Lines, GivenBy: r.GivenBy, Channel: r.Channel,
		Note: r.Note, RecordedAt: d.now(), RecordedBy: by.String(),
	}
	if err := insertChoice(ctx, tx, &c); err != nil {
		return SetChoice{}, err
	}
	asked, err := d.keepSetAlerts(ctx, tx, lines) // the question is answered (DEL-304)
	if err != nil {
		return SetChoice{}, err
	}
	return c, audit.Record(ctx, tx, append(asked, audit.Leaf{
		Type: "set_choice", Stream: Stream(r.CaseID), Actor: by.String(), At: d.now(),
		Fields: map[string]any{"choice": r.Choice, "channel": r.Channel, "lines": append([]string{}, r.Lines...)},
	})...)
}

// splitLines brings the lines to what the applicant chose last. No answer
// leaves everything as it was.
func splitLines(ctx context.Context, tx bun.IDB, lines []ResultLine, r ChoiceRequest) error {
	if r.Choice == ChooseNothing {
		return nil
	}
	for _, id := range r.Lines {
		if !slices.ContainsFunc(lines, func(l ResultLine) bool { return l.ID == id && l.open() }) {
			return lineSettled()
		}
	}
	for i := range lines {
		act := ""
		switch out := slices.Contains(r.Lines, lines[i].ID); {
		case out && lines[i].State == LineExpected:
			act = "Choose split"
		case !out && lines[i].State == LineSplit:
			act = "Choose wait"
		default:
			continue
		}
		if err := moveLine(ctx, tx, &lines[i], act); err != nil {
			return err
		}
	}
	return nil
}
