package delivery

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/paper"
	"lianban/notify"
)

// TheirFile is a file as its recipient sees it, after identification.
type TheirFile struct {
	ElectronicFile
	Centre, Window string // its name and telephone
}

// newToken makes the secret part of a link, and what is stored of it.
func newToken() (token, hash string) {
	token = rand.Text() // 130 bits
	return token, tokenHash(token)
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// KnowsFile reports whether a link opens a file now, so that its page can ask for
// the second value. It tells nothing of the file. Refusals: electronic_link,
// electronic_expired.
func (d *Desk) KnowsFile(ctx context.Context, token string) error {
	return d.DB.Read(ctx, func(q bun.IDB) error {
		f, err := findFileToken(ctx, q, tokenHash(token))
		if err == nil {
			err = f.opens(d.now())
		}
		return err
	})
}

// opens refuses a link that is over.
func (f ElectronicFile) opens(now time.Time) error {
	switch {
	case f.State != FileSent && f.State != FileServed:
		return electronicLink()
	case !now.Before(f.ExpiresAt):
		return fault.Refuse(fault.Forbidden, "electronic_expired",
			"链接已过期。请致电受理窗口重新发送，或改领纸质结果", "the link has expired; call the window to have it sent again, or to get the result on paper")
	}
	return nil
}

func electronicLink() *fault.Error {
	return fault.Refuse(fault.NotFound, "electronic_link",
		"链接无效或已停用。请用最新一封邮件里的链接或最新凭条上的二维码；仍打不开的，请致电受理窗口",
		"the link is not valid any more; use the one in the latest mail or on the latest slip, or call the window")
}

// OpenFile shows a file to whoever has its link and the last four digits of the
// telephone of the consent. Wrong tries are counted as on the tracking page and
// stay counted (DEL-241, DEL-1201). Refusals: electronic_link,
// electronic_expired, electronic_digits.
func (d *Desk) OpenFile(ctx context.Context, token, phoneLast4 string) (out TheirFile, err error) {
	d = d.still()
	var refusal error
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		refusal = nil
		f, err := findFileToken(ctx, tx, tokenHash(token))
		if err != nil {
			return err
		}
		if f, err = lockFile(ctx, tx, f.ID); err != nil {
			return err
		}
		if err := f.opens(d.now()); err != nil {
			return err
		}
		if f.try(d.hide(f.ID, SecretPhone, phoneLast4), d.now()) != MatchRight {
			refusal = electronicDigits()
		}
		if err := countTries(ctx, tx, &f); err != nil {
			return err
		}
		centre, err := office.FindCentre(ctx, tx, f.CentreID)
		out = TheirFile{f, centre.Name, centre.Phone}
		return err
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return TheirFile{}, err
	}
	return out, nil
}

// TrackFile is a result that went as a file, as tracking shows it: status only.
type TrackFile struct {
	Class Class     `json:"class"`
	State FileState `json:"state"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"` // in which the link opens, while it waits
}

func (f ElectronicFile) tracked() TrackFile {
	out := TrackFile{Class: f.Class, State: f.State, Since: f.SentAt}
	switch f.State {
	case FileSent:
		out.Until = f.Until()
	case FileServed:
		out.Since = f.ServedAt
	case FileWithdrawn:
		out.Since = f.EndedAt
	}
	return out
}

// trackFile is Track for the number of a file; its tries are those of its link.
func (d *Desk) trackFile(ctx context.Context, number, phoneLast4 string) (TrackView, error) {
	f, err := d.matchFile(ctx, number, phoneLast4)
	if err != nil {
		return TrackView{}, err
	}
	out := TrackView{Number: f.Number, Files: []TrackFile{f.tracked()}}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		centre, err := office.FindCentre(ctx, q, f.CentreID)
		if err != nil {
			return err
		}
		out.Phone = centre.Phone
		out.Rated, err = hasRating(ctx, q, f.CaseID)
		out.MayRate = f.State == FileServed && !out.Rated
		return err
	})
	return out, err
}

// matchFile is trackedParcel for the number of a file.
func (d *Desk) matchFile(ctx context.Context, number, phoneLast4 string) (f ElectronicFile, err error) {
	plain, err := ParseNumber(number)
	if err != nil || len(phoneLast4) != 4 {
		return f, notFound()
	}
	match := MatchWrong
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		if f, err = lockFileNumber(ctx, tx, plain); err != nil {
			return err
		}
		match = f.try(d.hide(f.ID, SecretPhone, phoneLast4), d.now())
		return countTries(ctx, tx, &f)
	})
	if err == nil && match != MatchRight {
		err = notFound()
	}
	return f, err
}

// electronicDigits says the same of wrong digits and of a lock.
func electronicDigits() *fault.Error {
	return fault.Refuse(fault.Forbidden, "electronic_digits",
		"手机号后四位核对不上。请填写同意网上传输时登记的手机号；连续填错 5 次须等 15 分钟，仍不行请致电受理窗口",
		"the digits do not match; give those of the telephone named in the consent. After five wrong tries wait 15 minutes, or call the window")
}

// try is Secret.try for the telephone of a file.
func (f *ElectronicFile) try(hash string, at time.Time) Match {
	s := Secret{Kind: SecretPhone, Hash: f.PhoneHash, Tries: f.Tries, LockedUntil: f.LockedUntil, TriedOn: f.TriedOn, DayTries: f.DayTries}
	match := s.try(hash, at)
	f.Tries, f.LockedUntil, f.TriedOn, f.DayTries = s.Tries, s.LockedUntil, s.TriedOn, s.DayTries
	return match
}

// FetchFile gives a file's bytes to its recipient, as OpenFile shows it. The
// first time it is served (DEL-242). Refusals: those of OpenFile.
func (d *Desk) FetchFile(ctx context.Context, token, phoneLast4 string) (TheirFile, []byte, error) {
	d = d.still()
	seen, err := d.OpenFile(ctx, token, phoneLast4)
	if err != nil {
		return TheirFile{}, nil, err
	}
	body, err := d.kept(seen.SHA256)
	if err != nil {
		return TheirFile{}, nil, err
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		l, err := lockLine(ctx, tx, seen.LineID)
		if err != nil {
			return err
		}
		f, err := lockFile(ctx, tx, seen.ID)
		if err != nil {
			return err
		}
		if err := f.opens(d.now()); err != nil { // withdrawn a moment ago
			return err
		}
		if err := d.fetched(ctx, tx, &l, &f); err != nil {
			return err
		}
		seen.ElectronicFile = f
		return nil
	})
	if err != nil {
		return TheirFile{}, nil, err
	}
	return seen, body, nil
}

func (d *Desk) fetched(ctx context.Context, tx bun.IDB, l *ResultLine, f *ElectronicFile) error {
	f.Opens++
	if err := countTries(ctx, tx, f); err != nil {
		return err
	}
	by := auth.System("recipient")
	if f.State == FileSent {
		f.ServedHow = ServedOpened
		return d.serveFile(ctx, tx, by, l, f)
	}
	return audit.Record(ctx, tx, d.fileLeaf("electronic_fetched", *f, by.String(), map[string]any{"times": f.Opens}))
}

// tellFile queues what the recipient is told: the link by mail, and by text that
// something is there, without file, link or title (DEL-241, DEL-1202).
func (d *Desk) tellFile(ctx context.Context, tx bun.IDB, f ElectronicFile) error {
	facts, err := json.Marshal(messageFacts{File: f.ID, Nth: f.Sendings})
	if err != nil {
		return err
	}
	message := func(channel, address string) notify.Message {
		return notify.Message{
			Key:     notify.PurposeFile + "/" + f.ID + "/" + applicantContact + "/" + channel + "/" + strconv.Itoa(f.Sendings),
			Purpose: notify.PurposeFile, Channel: channel, Address: address, Lang: "zh", Subject: f.ID, Contact: applicantContact,
			Stream: Stream(f.CaseID), Facts: facts,
		}
	}
	out := []notify.Message{message(notify.SMS, f.Phone)}
	if f.Method == ByMail {
		out = append(out, message(notify.Mail, f.Address))
	}
	return notify.Replace(ctx, tx, d.now(), []string{f.ID}, out...)
}

// composeFile writes such a message when it is sent. The link is made now and
// kept as a hash, so a mail that is written again has a new one.
func (d *Desk) composeFile(ctx context.Context, tx bun.IDB, m notify.Message, facts messageFacts) (notify.Body, error) {
	f, err := lockFile(ctx, tx, facts.File)
	if err != nil {
		return notify.Body{}, err
	}
	centre, err := office.FindCentre(ctx, tx, f.CentreID)
	if err != nil {
		return notify.Body{}, err
	}
	out := notify.Facts{
		Case: f.CaseNumber, Parcel: f.Number, Due: f.Until(), Centre: centre.Name, Phone: centre.Phone, Signature: d.Signature,
		ByMail: f.Method == ByMail, BySlip: f.Method == BySlip,
	}
	if m.Channel == notify.SMS {
		return notify.RenderSMS(m.Lang, m.Purpose, out)
	}
	if f.State == FileSent && f.Sendings == facts.Nth {
		if out.Link, err = d.linkOf(ctx, tx, &f); err != nil {
			return notify.Body{}, err
		}
	}
	body, err := notify.Render(m.Lang, m.Purpose, out)
	body.SMS, body.From, body.FromName = "", d.MailFrom, centre.Name
	return body, err
}

// PrintFetch prints the slip with a new link to a file as a code; the slip or
// mail before opens nothing any more. Refusals: not_found, not_receiving_window,
// electronic_over.
func (d *Desk) PrintFetch(ctx context.Context, by auth.Actor, fileID string) (Print, error) {
	var s sheet
	_, err := d.onFile(ctx, by, fileID, func(d *Desk, tx bun.IDB, _ *ResultLine, f *ElectronicFile) error {
		if f.State != FileSent && f.State != FileServed || f.Method == BySystem || !d.now().Before(f.ExpiresAt) {
			return electronicOver()
		}
		centre, err := office.FindCentre(ctx, tx, f.CentreID)
		if err != nil {
			return err
		}
		link, err := d.linkOf(ctx, tx, f)
		if err != nil {
			return err
		}
		s = fetchSheet(*f, centre, link)
		return d.issueSheet(ctx, tx, by, &s, Paper{Kind: PaperFetch, Subject: f.ID, Number: f.Number, CentreID: f.CentreID}, Stream(f.CaseID))
	})
	if err != nil {
		return Print{}, err
	}
	return s.print()
}

func fetchSheet(f ElectronicFile, centre office.Centre, link string) sheet {
	s := sheetOf(centre.Name)
	s.Add(paper.Part{Facts: []paper.Fact{
		{Name: "办件编号", Value: f.CaseNumber}, {Name: "电子件", Value: f.Title}, {Name: "出具部门", Value: f.Issuer},
		{Name: "登记手机号", Value: MaskPhone(f.Phone)}, {Name: "有效期至", Value: dayMoment("zh", f.Until())},
		{Name: "文件校验值", Value: f.SHA256}, {Name: "电子签章", Value: f.Signature.In("zh")},
	}})
	s.Add(paper.Part{Section: "扫码下载", Code: link, Text: []string{
		"用手机扫描下面的二维码，填写登记手机号的后四位后下载。二维码等同于钥匙，请不要转借或拍照外传。",
	}})
	s.Add(paper.Part{Text: []string{"打不开、内容不对，或想改领纸质结果的，请致电窗口 " + centre.Phone + "。重新打印后，以前的凭条和链接即停用。"}})
	return s
}

// linkOf makes a new link to a file, on the caller's transaction; the one before
// opens nothing any more.
func (d *Desk) linkOf(ctx context.Context, tx bun.IDB, f *ElectronicFile) (string, error) {
	token, hash := newToken()
	f.TokenHash = hash
	return d.Site + "/e/" + token, updateToken(ctx, tx, f)
}
