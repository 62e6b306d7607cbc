package api

import (
	"context"
	"net/http"
	"time"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/scheduler/workday"
)

// applicantRoutes are the page of an applicant's link for programs: what it shows
// and the acts on it, without an account (DEL-1201, DEL-1205). The token stands in the
// path alone; logs have the pattern of the route (OBS-3).
func (s *Server) applicantRoutes() {
	on := func(method, path, act string, title words, rate rateClass) Route {
		return Route{Method: method, Path: "/applicant/{token}" + path, Act: act, Title: title, Who: anyone, Rate: rate}
	}
	post := func(path, act string, title words) Route { return on(http.MethodPost, path, act, title, trackRate) }
	register(s, on(http.MethodGet, "", "findByLink", words{"申请人查看办件", "What an applicant's link shows, masked"}, linkRate), s.findByLink)
	register(s, post("/address", "confirmAddress", words{"确认或更正收件信息", "Confirm or correct who receives the results and where"}), s.confirmAddress)
	register(s, post("/way", "chooseWay", words{"选择派送或自取", "Choose delivery or pick-up"}), s.chooseWay)
	register(s, post("/agent", "nameAgent", words{"指定代办人", "Name who may take the results"}), s.nameAgent)
	register(s, on(http.MethodDelete, "/agent", "dropAgent", words{"取消代办人", "Take the agent back"}, trackRate), s.dropAgent)
	register(s, post("/choice", "chooseByLink", words{"选择等齐或先送", "Wait for everything, or have sent what is there"}), s.chooseByLink)
	register(s, post("/slot", "askSlot", words{"申请改约", "Ask for another time for a parcel"}), s.askSlot)
	register(s, post("/missing", "reportMissing", words{"反映没有收到", "Say that a parcel did not arrive"}), s.reportMissing)
	register(s, post("/code", "showCode", words{"显示新的收货码", "Have a new receiving code shown, once"}), s.showCode)
	register(s, post("/rate", "rateByLink", words{"申请人评价办件", "Rate the case"}), s.rateByLink)
	register(s, post("/electronic", "consentByLink", words{"同意网上传输", "Consent to results as files"}), s.consentByLink)
	register(s, post("/electronic/revoke", "revokeByLink", words{"撤回网上传输同意", "Take that consent back"}), s.revokeByLink)
	report := on(http.MethodPost, "/report", "reportByLink", words{"申请人反映单独上门或索要材料", "Report a department that came alone, or something asked that is not in the record"}, linkUploadRate)
	report.Body, report.Status = scanBodyMax, http.StatusCreated
	register(s, report, s.reportByLink)
	photo := on(http.MethodPost, "/items/{item}/photos", "addPhotoByLink", words{"申请人提交整改照片", "Send a photo of how an item was put right"}, linkUploadRate)
	photo.Body, photo.Status = scanBodyMax, http.StatusCreated
	register(s, photo, s.addPhotoByLink)
}

// byToken is a request about the case that a link opens.
type byToken struct {
	Token string `path:"token" validate:"required,code" doc:"the end of the link's address"`
}

// caseByLink is the page of a link: each thing is named here, so that nothing a
// window wrote gets out with it (DEL-1201).
type caseByLink struct {
	Number     string               `json:"number"`
	MatterCode string               `json:"matter_code"`
	Matter     string               `json:"matter"`
	Name       string               `json:"name" doc:"masked"`
	Centre     string               `json:"centre"`
	Phone      string               `json:"phone" doc:"of the window"`
	Receiver   receiverByLink       `json:"receiver" doc:"who would get the results now, masked"`
	Way        delivery.WishedWay   `json:"way,omitempty"`
	Choice     *choiceByLink        `json:"choice,omitempty" doc:"the last one"`
	Files      []delivery.TrackFile `json:"files"`
	Lines      []lineByLink         `json:"lines"`
	Parcels    []parcelByLink       `json:"parcels"`
	Promised   inspection.Limit     `json:"promised" doc:"by when everything is to be decided"`
	Legal      *inspection.Limit    `json:"legal,omitempty" doc:"the limit by law, once it was extended, with the reason"`
	Visits     []visitByLink        `json:"visits"`
	Parties    []partyByLink        `json:"parties" doc:"whom a report can be about"`
	Reports    []entryByLink        `json:"reports" doc:"made by the link"`
	Consented  bool                 `json:"consented" doc:"to results as files"`
	Consent    string               `json:"consent_phone,omitempty" doc:"masked telephone of that consent"`
	Rated      bool                 `json:"rated"`
	MayChoose  bool                 `json:"may_choose"`
	MayAddress bool                 `json:"may_address"`
	MayWay     bool                 `json:"may_way"`
	Payer      delivery.Payer       `json:"payer" doc:"who bears what a carrier charges; the centre's own courier costs nothing"`
	WindowOnly bool                 `json:"window_only" doc:"all that is to come has to be collected at the window, so the way cannot be delivery"`
	MayConsent bool                 `json:"may_consent"`
	MayRate    bool                 `json:"may_rate"`
}

type receiverByLink struct {
	Name       string `json:"name"`
	Phone      string `json:"phone"`
	Address    string `json:"address,omitempty"`
	Agent      string `json:"agent,omitempty"`
	AgentPhone string `json:"agent_phone,omitempty"`
	AgentTie   string `json:"agent_tie,omitempty"`
}

// receiverOf takes an addressee that is masked already.
func receiverOf(a delivery.Addressee) receiverByLink {
	return receiverByLink{a.Name, a.Phone, a.Address, a.Agent, a.AgentPhone, a.AgentTie}
}

type choiceByLink struct {
	Choice  string    `json:"choice"`
	Channel string    `json:"channel"`
	At      time.Time `json:"at"`
}

type lineByLink struct {
	DepartmentID string             `json:"department_id"`
	Department   string             `json:"department"`
	Permit       string             `json:"permit,omitempty"`
	State        delivery.LineState `json:"state"`
	Since        time.Time          `json:"since,omitzero"`
	Sent         bool               `json:"sent" doc:"it is in a parcel"`
	File         bool               `json:"file" doc:"it goes as a file"`
	WindowOnly   bool               `json:"window_only" doc:"it has to be collected at the window"`
}

type parcelByLink struct {
	Number    string                 `json:"number"`
	State     delivery.ParcelState   `json:"state"`
	Since     time.Time              `json:"since"`
	Due       time.Time              `json:"due,omitzero"`
	Result    delivery.PromiseResult `json:"result"`
	ETA       delivery.ETA           `json:"eta"`
	Steps     []delivery.TrackStep   `json:"steps"`
	Spans     []delivery.PromiseSpan `json:"spans" doc:"how the due moment was counted"`
	Paused    time.Time              `json:"paused_since,omitzero"`
	PausedTo  time.Time              `json:"paused_to,omitzero"`
	Pause     delivery.PauseReason   `json:"pause,omitempty"`
	Sending   []delivery.PieceView   `json:"sending" doc:"all pieces, where there are several"`
	Way       delivery.Way           `json:"way"`
	To        receiverByLink         `json:"to" doc:"masked"`
	Classes   []delivery.Class       `json:"classes"`
	MaySlot   bool                   `json:"may_slot"`
	MayReport bool                   `json:"may_report"`
	CodesLeft int                    `json:"codes_left"`
	Asked     time.Time              `json:"asked,omitzero" doc:"another time that the window has to agree on"`
	Missing   missingByLink          `json:"missing"`
}

// missingByLink is how far "I did not receive it" is.
type missingByLink struct {
	Open bool      `json:"open"`
	By   time.Time `json:"by,omitzero" doc:"the window calls until then"`
	Done time.Time `json:"done,omitzero"`
}

type visitByLink struct {
	Sort    string                `json:"sort"`
	State   inspection.VisitState `json:"state"`
	Start   time.Time             `json:"start"`
	End     time.Time             `json:"end"`
	Place   string                `json:"place"`
	Moved   bool                  `json:"moved"`
	Who     []partyByLink         `json:"departments"`
	Result  string                `json:"result,omitempty"`
	Ungiven bool                  `json:"ungiven" doc:"what is to be put right waits to be given in writing"`
	Items   []itemByLink          `json:"items"`
}

type itemByLink struct {
	ID           string               `json:"id"`
	N            int                  `json:"n"`
	DepartmentID string               `json:"department_id"`
	Department   string               `json:"department"`
	Finding      string               `json:"finding"`
	Clause       string               `json:"clause"`
	Verify       inspection.Verify    `json:"verify"`
	State        inspection.ItemState `json:"state"`
	DueAt        time.Time            `json:"due_at,omitzero"`
	Provisional  bool                 `json:"provisional"`
	Photos       []photoByLink        `json:"photos" doc:"that were sent, the latest last"`
	MayPhoto     bool                 `json:"may_photo"`
}

// photoByLink is a photo of an item and what its department said of it.
type photoByLink struct {
	SentAt time.Time              `json:"sent_at"`
	DueAt  time.Time              `json:"due_at" doc:"the department answers until then"`
	Answer inspection.PhotoAnswer `json:"answer,omitempty"`
	Reason string                 `json:"reason,omitempty"`
}

type partyByLink struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type entryByLink struct {
	ID           string                 `json:"id"`
	Class        string                 `json:"class"`
	DepartmentID string                 `json:"department_id"`
	Department   string                 `json:"department,omitempty"`
	On           string                 `json:"on"`
	State        inspection.BreachState `json:"state"`
	MadeAt       time.Time              `json:"made_at"`
	DecidedAt    time.Time              `json:"decided_at,omitzero"`
}

func entryOf(b inspection.Breach) entryByLink {
	return entryByLink{b.ID, b.Class, b.DepartmentID, b.Department, b.HappenedOn, b.State, b.MadeAt, b.DecidedAt}
}

func (s *Server) findByLink(ctx context.Context, _ *call, in *byToken) (out caseByLink, err error) {
	found, err := s.Delivery.FindApplicant(ctx, in.Token)
	if err != nil {
		return out, err
	}
	visits, err := s.Inspection.VisitsByLink(ctx, s.Delivery, in.Token)
	if err != nil {
		return out, err
	}
	reported, err := s.Inspection.ReportByLinkOf(ctx, s.Delivery, in.Token)
	if err != nil {
		return out, err
	}
	out = caseOf(found)
	if out.Promised, out.Legal, err = s.Inspection.LimitsByLink(ctx, s.Delivery, in.Token); err != nil {
		return out, err
	}
	for _, v := range visits {
		out.Visits = append(out.Visits, visitOf(v))
	}
	for _, p := range reported.Parties {
		out.Parties = append(out.Parties, partyByLink(p))
	}
	for _, b := range reported.Entries {
		out.Reports = append(out.Reports, entryOf(b))
	}
	return out, nil
}

func caseOf(v delivery.ApplicantView) caseByLink {
	out := caseByLink{
		Number: v.CaseNumber, MatterCode: v.MatterCode, Matter: v.Matter, Name: v.Name, Centre: v.Centre, Phone: v.Phone,
		Receiver: receiverOf(v.Known), Way: v.Wish.Way, Files: v.Files, Consented: v.Consented, Consent: v.Phoned, Rated: v.Rated,
		MayChoose: v.MayChoose, MayAddress: v.MayAddress, MayWay: v.MayWay, Payer: v.Payer, WindowOnly: v.WindowOnly, MayConsent: v.MayConsent, MayRate: v.MayRate,
	}
	if c := v.Choice; c != nil {
		out.Choice = &choiceByLink{c.Choice, c.Channel, c.RecordedAt}
	}
	for _, l := range v.Lines {
		out.Lines = append(out.Lines, lineByLink{l.DepartmentID, l.Department, l.Permit, l.State, l.Since, l.Sent, l.File, l.WindowOnly})
	}
	for i := range v.Parcels {
		out.Parcels = append(out.Parcels, parcelOf(&v.Parcels[i]))
	}
	return out
}

func parcelOf(p *delivery.ApplicantParcel) parcelByLink {
	return parcelByLink{
		Number: p.Number, State: p.State, Since: p.Since, Due: p.Due, Result: p.Result, ETA: p.ETA, Steps: p.Steps, Spans: p.Ledger.Spans,
		Paused: p.Paused, PausedTo: p.PausedTo, Pause: p.Pause, Sending: p.Sending, Way: p.Way, To: receiverOf(p.To), Classes: p.Classes,
		MaySlot: p.MaySlot, MayReport: p.MayReport, CodesLeft: p.CodesLeft, Asked: p.Asked, Missing: missingByLink(p.Report),
	}
}

func visitOf(v inspection.ApplicantVisit) visitByLink {
	out := visitByLink{Sort: v.Sort, State: v.State, Start: v.Start, End: v.End, Place: v.Place, Moved: v.Moved, Result: v.Result, Ungiven: v.Ungiven}
	for _, d := range v.Departments {
		out.Who = append(out.Who, partyByLink(d))
	}
	for _, i := range v.Items {
		item := itemByLink{
			ID: i.ID, N: i.N, DepartmentID: i.DepartmentID, Department: i.Department, Finding: i.Finding, Clause: i.Clause,
			Verify: i.Verify, State: i.State, DueAt: i.DueAt, Provisional: i.Provisional, MayPhoto: i.MayShow(),
		}
		for _, p := range i.Photos {
			item.Photos = append(item.Photos, photoByLink(p))
		}
		out.Items = append(out.Items, item)
	}
	return out
}

// The texts below are bound in length alone: what they mean is refused by the
// domain, with the words the page has.

type confirmAddress struct {
	byToken
	Body struct {
		Name    string `json:"name,omitempty" validate:"omitempty,line=100" doc:"empty stays as it is known"`
		Phone   string `json:"phone,omitempty" validate:"omitempty,line=40"`
		Address string `json:"address,omitempty" validate:"omitempty,line=200"`
	}
}

func (s *Server) confirmAddress(ctx context.Context, _ *call, in *confirmAddress) (none, error) {
	b := in.Body
	return none{}, s.Delivery.ConfirmAddress(ctx, in.Token, delivery.AddressRequest{Name: b.Name, Phone: digits(b.Phone), Address: b.Address})
}

type chooseWay struct {
	byToken
	Body struct {
		Way string `json:"way" validate:"required,line=40" doc:"deliver or collect"`
	}
}

func (s *Server) chooseWay(ctx context.Context, _ *call, in *chooseWay) (none, error) {
	return none{}, s.Delivery.ChooseWay(ctx, in.Token, delivery.WishedWay(in.Body.Way))
}

type nameAgent struct {
	byToken
	Body struct {
		Name  string `json:"name" validate:"required,line=100"`
		Phone string `json:"phone" validate:"required,line=40"`
		Tie   string `json:"tie,omitempty" validate:"omitempty,line=60" doc:"what the agent is to the applicant"`
	}
}

func (s *Server) nameAgent(ctx context.Context, _ *call, in *nameAgent) (none, error) {
	b := in.Body
	return none{}, s.Delivery.NameAgent(ctx, in.Token, delivery.AgentRequest{Name: b.Name, Phone: digits(b.Phone), Tie: b.Tie})
}

func (s *Server) dropAgent(ctx context.Context, _ *call, in *byToken) (none, error) {
	return none{}, s.Delivery.DropAgent(ctx, in.Token)
}

type chooseByLink struct {
	byToken
	Body struct {
		Choice string `json:"choice" validate:"required,line=40" doc:"wait or split"`
	}
}

func (s *Server) chooseByLink(ctx context.Context, _ *call, in *chooseByLink) (none, error) {
	return none{}, s.Delivery.ChooseByLink(ctx, in.Token, in.Body.Choice)
}

type askSlot struct {
	byToken
	Body struct {
		Number string `json:"number" validate:"required,line=60" doc:"of a parcel of the case"`
		Day    string `json:"day" validate:"required,workday"`
		Band   string `json:"band" validate:"required,oneof=am pm"`
	}
}

func (s *Server) askSlot(ctx context.Context, _ *call, in *askSlot) (none, error) {
	b := in.Body
	day, err := workday.ParseDate(b.Day)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Delivery.AskSlot(ctx, in.Token, delivery.SlotRequest{Number: b.Number, Day: day, Afternoon: b.Band == "pm"})
}

type parcelOfLink struct {
	byToken
	Body struct {
		Number string `json:"number" validate:"required,line=60" doc:"of a parcel of the case"`
	}
}

func (s *Server) reportMissing(ctx context.Context, _ *call, in *parcelOfLink) (none, error) {
	return none{}, s.Delivery.ReportMissing(ctx, in.Token, in.Body.Number)
}

// codeByLink is the one answer that has the code (DEL-612).
type codeByLink struct {
	Code string `json:"code"`
}

func (s *Server) showCode(ctx context.Context, _ *call, in *parcelOfLink) (codeByLink, error) {
	code, err := s.Delivery.ShowCode(ctx, in.Token, in.Body.Number)
	return codeByLink{code}, err
}

type rateByLink struct {
	byToken
	Body struct {
		Level int    `json:"level" validate:"required,min=1,max=5" doc:"5 is very satisfied, 1 very dissatisfied"`
		Words string `json:"words,omitempty" validate:"omitempty,nonul,max=500"`
	}
}

func (s *Server) rateByLink(ctx context.Context, _ *call, in *rateByLink) (none, error) {
	return none{}, s.Delivery.RateByLink(ctx, in.Token, delivery.RateRequest{Level: delivery.Level(in.Body.Level), Words: in.Body.Words})
}

type consentByLink struct {
	byToken
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Person  string `json:"person" validate:"required,line=60" doc:"who consents"`
		Method  string `json:"method" validate:"required,oneof=mail slip system" doc:"system is registered at the window alone"`
		Address string `json:"address,omitempty" validate:"omitempty,line=200" doc:"mail address; none for a slip"`
		Phone   string `json:"phone" validate:"required,line=40"`
	}
}

func (s *Server) consentByLink(ctx context.Context, c *call, in *consentByLink) (none, error) {
	b := in.Body
	return none{}, s.Delivery.ConsentByLink(ctx, in.Token, delivery.ElectronicConsentRequest{
		Person: b.Person, Method: delivery.ElectronicMethod(b.Method), Address: b.Address, Phone: digits(b.Phone),
	}, c.key(in.Key))
}

func (s *Server) revokeByLink(ctx context.Context, _ *call, in *byToken) (none, error) {
	return none{}, s.Delivery.RevokeByLink(ctx, in.Token)
}

type reportByLink struct {
	byToken
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Class  string   `json:"class" validate:"required,oneof=K06 K08"`
		Party  string   `json:"department_id" validate:"required,code" doc:"a department of the case; of K08 also window"`
		On     string   `json:"on" validate:"required,workday"`
		People string   `json:"people,omitempty" validate:"omitempty,line=200"`
		Detail string   `json:"detail" validate:"required,nonul,max=500"`
		Photo  scanBody `json:"photo,omitzero"`
	}
}

func (s *Server) reportByLink(ctx context.Context, c *call, in *reportByLink) (entryByLink, error) {
	b := in.Body
	made, err := s.Inspection.ReportByLink(ctx, s.Delivery, in.Token, inspection.ReportRequest{
		Class: b.Class, Party: b.Party, On: b.On, People: b.People, Detail: b.Detail, Photo: inspection.Scan(b.Photo), Once: c.key(in.Key),
	})
	return entryOf(made), err
}

type addPhotoByLink struct {
	byToken
	Item string `path:"item" validate:"required,code" doc:"of the list that the link shows"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Note  string   `json:"note,omitempty" validate:"omitempty,nonul,max=500"`
		Photo scanBody `json:"photo"`
	}
}

func (s *Server) addPhotoByLink(ctx context.Context, c *call, in *addPhotoByLink) (photoByLink, error) {
	made, err := s.Inspection.AddPhotoByLink(ctx, s.Delivery, in.Token, inspection.PhotoRequest{
		Item: in.Item, Note: in.Body.Note, Photo: inspection.Scan(in.Body.Photo), Once: c.key(in.Key),
	})
	return photoByLink{SentAt: made.SentAt, DueAt: made.DueAt}, err
}
