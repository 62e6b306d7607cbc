package inspection

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/internal/paper"
)

// AddressForm prints 送达地址确认书 for a department to sign: the ways that count
// and those that wait for a second person, with what it agrees to by signing
// (D15, INS-705, INS-711). Telephones stand on it in full, since the department
// has to check them. Refusals: may_not_keep_addresses, department_unknown.
func (d *Desk) AddressForm(ctx context.Context, by auth.Actor, departmentID string) (Document, error) {
	if err := auth.MayKeepAddresses(by); err != nil {
		return Document{}, err
	}
	d = d.still()
	var f addressForm
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		f, err = readAddressForm(ctx, q, departmentID, d.now())
		return err
	})
	if err != nil {
		return Document{}, err
	}
	return printed(f.sheet(), paper.Head{Issuer: f.department.Name, Title: "送达地址确认书", Number: f.department.ID})
}

// printed draws a sheet that is made of the record alone (INS-1105).
func printed(s paper.Sheet, head paper.Head) (Document, error) {
	version, err := s.Version()
	if err != nil {
		return Document{}, err
	}
	s.Head, s.Head.Note = head, "数据版本 "+version
	doc := Document{Name: head.Title + "-" + head.Number + ".pdf"}
	doc.PDF, doc.Rare, err = s.PDF()
	return doc, err
}

// addressForm is what such a form is made of.
type addressForm struct {
	department office.Department
	addresses  []office.Address // approved ones that have not ended, and proposed ones
	rules      office.Rules
}

func readAddressForm(ctx context.Context, q bun.IDB, departmentID string, now time.Time) (f addressForm, err error) {
	if f.department, err = office.FindDepartment(ctx, q, departmentID); err != nil {
		return f, err
	}
	all, err := office.ListAddresses(ctx, q, departmentID)
	if err != nil {
		return f, err
	}
	over := func(a office.Address) bool {
		ended := !a.To.IsZero() && !a.To.After(now)
		return a.Removal || ended || a.State != office.Approved && a.State != office.Proposed
	}
	f.addresses = slices.DeleteFunc(all, over)
	f.rules, err = office.RulesAt(ctx, q, now, office.Scope{Department: departmentID})
	return f, err
}

// emptyRows are lines to be written into by hand.
const emptyRows = 3

func (f addressForm) sheet() (s paper.Sheet) {
	t := &paper.Table{Tall: 9, Columns: []paper.Column{
		{Title: "方式", Width: 28}, {Title: "地址或号码"}, {Title: "收件的人或岗位", Width: 38}, {Title: "登记情况", Width: 44},
	}}
	for _, a := range f.addresses {
		known := "待审核"
		if a.State == office.Approved {
			known = "已确认，" + instantText(a.From) + " 起"
		}
		t.Rows = append(t.Rows, []string{channelWords[a.Channel], a.Value, a.Contact, known})
	}
	for range emptyRows {
		t.Rows = append(t.Rows, []string{"\u3000", "\u3000", "\u3000", "\u3000"})
	}
	s.Add(
		paper.Part{Facts: []paper.Fact{{Name: "部门", Value: f.department.Name}, {Name: "地址", Value: f.department.Address}, {Name: "电话", Value: f.department.Phone}}},
		paper.Part{Section: "一、送达地址", Table: t},
		paper.Part{Text: []string{"收件页是指本单位人员登录联办后看到的收件页。没有网络的，可以只填纸质送达的收件窗口。"}},
		paper.Part{Section: "二、确认", Text: numbered([]string{
			"本单位确认以上地址用于接收联合勘验、联合评审的应约通知；按此送到的，自送到时起计算反馈期限。",
			fmt.Sprintf("收到通知后 %d 个工作日内反馈，逾期未反馈的视为同意（%s）；依法不适用视为同意的事项除外。", f.rules.ReplyTerm, f.rules.Citation),
			fmt.Sprintf("地址变更的，另填本确认书；由窗口两人核对，通知原地址满 %d 小时后生效，生效前仍按原地址送达。", int(f.rules.AddressDelay/time.Hour)),
			"地址有人值守、能正常收取；因未及时变更造成没有收到的，由本单位负责。",
		})},
		paper.Part{Signs: []string{"部门负责人签名（盖章）", "窗口登记人、核对人"}},
	)
	return s
}

// EvidenceIndex prints 证据清单, the index of the evidence pack of one department
// in one visit: each file with what it is and its hash, so that a pack on a disk
// can be held against the paper (D17). The same people as for the pack. Refusal:
// not_found.
func (d *Desk) EvidenceIndex(ctx context.Context, by auth.Actor, log *audit.Desk, r BundleRequest) (Document, error) {
	var pack bytes.Buffer
	if err := d.Bundle(ctx, by, log, r, &pack); err != nil {
		return Document{}, err
	}
	b, err := audit.OpenBundle(bytes.NewReader(pack.Bytes()), int64(pack.Len()))
	if err != nil {
		return Document{}, fmt.Errorf("read the pack of visit %s: %w", r.VisitID, err)
	}
	about := b.About()
	s := indexSheet(b, about, pack.Bytes())
	return printed(s, paper.Head{Issuer: about["department"], Title: "证据清单", Number: about["case"] + "-" + about["round"]})
}

func indexSheet(b *audit.Bundle, about map[string]string, pack []byte) (s paper.Sheet) {
	entries := b.Entries()
	t := &paper.Table{Columns: []paper.Column{{Title: "序", Width: 10, Align: paper.Center}, {Title: "内容", Width: 44}, {Title: "文件", Width: 44}, {Title: "SHA-256"}}}
	for _, name := range b.Files() {
		if strings.HasPrefix(name, "proofs/") { // one beside each entry, under the same number
			continue
		}
		body, _ := b.File(name)
		t.Rows = append(t.Rows, []string{strconv.Itoa(len(t.Rows) + 1), fileWord(name, entries), name, hashOf(body)})
	}
	s.Add(
		paper.Part{Facts: []paper.Fact{
			{Name: "办件编号", Value: about["case"]}, {Name: "部门", Value: about["department"]}, {Name: "轮次", Value: about["round"]},
			{Name: "登记条目", Value: fmt.Sprintf("%d 条，每条附有登记簿的收录证明", len(entries))}, {Name: "证据包校验值", Value: hashOf(pack)},
		}},
		paper.Part{Section: "证据包内的文件", Table: t},
		paper.Part{Text: []string{"收到证据包的，先核对证据包校验值，再用“联办”的核验页或 lianban verify 命令核验；不需要账号，也不依赖出具单位。登记簿有新条目后重新下载的证据包，校验值不同。"}},
		paper.Part{Signs: []string{"移交人", "接收人"}},
	)
	return s
}

// hashOf is the SHA-256 of a file in groups that people can compare.
func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	text := hex.EncodeToString(sum[:])
	var groups []string
	for i := 0; i < len(text); i += 16 {
		groups = append(groups, text[i:i+16])
	}
	return strings.Join(groups, " ")
}

// fileWord says what a file of a pack is.
func fileWord(name string, entries []audit.Entry) string {
	switch {
	case strings.HasPrefix(name, "leaves/"):
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(name, "leaves/"), ".json"))
		if n >= 1 && n <= len(entries) {
			return "登记条目 " + entries[n-1].Type + "\n" + instantText(entries[n-1].At)
		}
	case strings.HasPrefix(name, "checkpoints/"):
		return "登记簿的签名检查点"
	case strings.HasPrefix(name, "notice-"):
		return "发出的通知原文"
	case strings.HasPrefix(name, "records/"):
		return "视为同意记录单"
	}
	return map[string]string{
		"page.html": "勘验页面的副本，仅供阅读", "keys.txt": "登记簿的公钥", "manifest.json": "证据包目录", "manifest.note": "目录的签名",
	}[name]
}
