package api

import (
	"context"
	"net/http"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/notify"
)

// windowOnly is what a window keeps to itself: for all others there is nothing.
var windowOnly = readers(auth.Clerk, auth.Supervisor)

func (s *Server) deskRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/tasks", Act: "listTasks",
		Title: words{"待办事项", "What the window has to do"}, Who: anywhere(auth.Clerk, auth.Supervisor),
	}, s.listTasks)
	register(s, Route{
		Method: http.MethodPost, Path: "/tasks/{id}/done", Act: "taskDone",
		Title: words{"办结待办", "A task is done"}, Who: windowOnly,
	}, s.taskDone)
	register(s, Route{
		Method: http.MethodPost, Path: "/holds/{id}/end", Act: "endHold",
		Title: words{"解除暂缓", "End a hold"}, Who: windowOnly,
	}, s.endHold)
	register(s, Route{
		Method: http.MethodGet, Path: "/inbox", Act: "listInbox",
		Title: words{"本部门的邀请", "The invitations of one's department"}, Who: anywhere(auth.Inspector, auth.Head),
	}, s.listInbox)
	register(s, Route{
		Method: http.MethodGet, Path: "/inbound", Act: "listInbound",
		Title: words{"来件", "The mail that came in about a visit"}, Who: windowOnly,
	}, s.listInbound)
	register(s, Route{
		Method: http.MethodPost, Path: "/inbound/{id}/sort", Act: "sortInbound",
		Title: words{"归类来件", "Say what a mail is"}, Who: windowOnly,
	}, s.sortInbound)
	register(s, Route{
		Method: http.MethodGet, Path: "/messages", Act: "listMessages",
		Title: words{"发出的消息", "The messages sent about a visit"}, Who: readCase, Scope: "visits:read",
	}, s.listMessages)
}

// pageAsked is a page of a list without filters.
type pageAsked struct {
	Limit  int    `query:"limit" validate:"min=0,max=200"`
	Cursor string `query:"cursor" validate:"omitempty,cursor=position"`
}

func (s *Server) listTasks(ctx context.Context, c *call, in *pageAsked) (listPage[inspection.Task], error) {
	rows, err := s.Inspection.ListTasks(ctx, c.by, after(in.Cursor), in.Limit)
	return pageOf(c, rows, in.Limit, func(t inspection.Task) string { return positionCursor(t.Position()) }), err
}

// hidden turns the refusal of a thing that only its own window can see into
// "no such thing" (SEC-3).
func hidden(err error) error {
	if fault.Is(err, "wrong_window") || fault.Is(err, "not_a_window") {
		return notFound()
	}
	return err
}

type taskDone struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Note string `json:"note,omitempty" validate:"omitempty,line=200"`
	}
}

func (s *Server) taskDone(ctx context.Context, c *call, in *taskDone) (none, error) {
	return none{}, hidden(s.Inspection.Done(ctx, c.by, in.ID, in.Body.Note))
}

type endHold struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) endHold(ctx context.Context, c *call, in *endHold) (none, error) {
	return none{}, hidden(s.Inspection.EndHold(ctx, c.by, in.ID, in.Body.Reason))
}

func (s *Server) listInbox(ctx context.Context, c *call, in *pageAsked) (listPage[inspection.InboxLine], error) {
	lines, err := s.Inspection.Inbox(ctx, c.by, inspection.InboxQuery{After: after(in.Cursor), Limit: in.Limit})
	return pageOf(c, lines, in.Limit, func(l inspection.InboxLine) string { return positionCursor(l.Position()) }), err
}

type ofVisit struct {
	Visit  string `query:"visit" validate:"required,code"`
	State  string `query:"state" validate:"omitempty,code"`
	Limit  int    `query:"limit" validate:"min=0,max=200"`
	Cursor string `query:"cursor" validate:"omitempty,cursor=id"`
}

// subjects are what messages and mail of a visit are about, as far as the
// caller may see: the visit itself and the departments' parts.
func (s *Server) subjects(ctx context.Context, c *call, visit string) ([]string, error) {
	v, err := s.Inspection.FindVisit(ctx, c.by, visit)
	if err != nil {
		return nil, err
	}
	var out []string
	if c.by.Department == "" { // what goes to the applicant is no department's business
		out = append(out, v.ID)
	}
	for _, p := range v.Participants {
		if c.by.Department == "" || c.by.Department == p.DepartmentID {
			out = append(out, p.ID)
		}
	}
	return out, nil
}

func (s *Server) listMessages(ctx context.Context, c *call, in *ofVisit) (out listPage[messageSummary], err error) {
	subjects, err := s.subjects(ctx, c, in.Visit)
	if err != nil || len(subjects) == 0 {
		return out, err
	}
	var lines []messageSummary
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := notify.ListMessages(ctx, q, notify.MessageQuery{
			Subjects: subjects, State: in.State, Before: lastSeen(in.Cursor), Limit: in.Limit,
		})
		for _, m := range rows {
			lines = append(lines, summaryOfMessage(m))
		}
		return err
	})
	return pageOf(c, lines, in.Limit, func(m messageSummary) string { return idCursor(m.ID) }), err
}

// listInbound shows the mail about a visit to its window, which alone sorts it.
func (s *Server) listInbound(ctx context.Context, c *call, in *ofVisit) (out listPage[inboundSummary], err error) {
	if c.by.Centre == "" {
		return out, notFound()
	}
	subjects, err := s.subjects(ctx, c, in.Visit)
	if err != nil || len(subjects) == 0 {
		return out, err
	}
	var lines []inboundSummary
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := notify.ListInbound(ctx, q, notify.InboundQuery{
			Subjects: subjects, State: in.State, Before: lastSeen(in.Cursor), Limit: in.Limit,
		})
		for _, m := range rows {
			lines = append(lines, summaryOfInbound(m))
		}
		return err
	})
	return pageOf(c, lines, in.Limit, func(m inboundSummary) string { return idCursor(m.ID) }), err
}

type sortInbound struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Answer    string   `json:"answer,omitempty" validate:"omitempty,oneof=accept decline counter excuse" doc:"what it says; left out, it is no answer"`
		GivenBy   string   `json:"given_by,omitempty" validate:"omitempty,line=60"`
		Words     string   `json:"words,omitempty" validate:"nonul,max=2000" doc:"its reason or text"`
		Proposals []string `json:"proposals,omitempty" validate:"max=3,unique,dive,instant"`
		Round     int      `json:"round,omitempty" validate:"min=0,max=1000" doc:"of the visit that it answers; left out, the one offered when it came"`
		Why       string   `json:"reason" validate:"required,line=200" doc:"why it was sorted so"`
	}
}

func (s *Server) sortInbound(ctx context.Context, c *call, in *sortInbound) (none, error) {
	b := in.Body
	return none{}, hidden(s.Inspection.Sort(ctx, c.by, inspection.SortRequest{
		MailID: in.ID, Answer: inspection.ReplyKind(b.Answer), GivenBy: b.GivenBy, Words: b.Words, Proposals: b.Proposals, Round: b.Round, Why: b.Why,
		Once: c.key(in.Key),
	}))
}
