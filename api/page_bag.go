package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/office"
)

// keepingThings are those who keep things and pass them on; followers see them.
var (
	keepingThings = []auth.Role{auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head}
	following     = append([]auth.Role{auth.Auditor}, keepingThings...)
)

// bagPages are the bags that go round between window and departments, from the
// first scan to the signature of the other side.
func (p *site) bagPages() {
	p.on(Route{Method: http.MethodGet, Path: "/bags", Act: "pageBags", Who: anywhere(following...)}, p.bags)
	p.on(Route{Method: http.MethodPost, Path: "/bags", Act: "pageNewBag", Who: anywhere(keepingThings...)}, p.newBag)
	p.on(Route{Method: http.MethodGet, Path: "/bags/{id}", Act: "pageBag", Who: readers(following...)}, p.bag)
	p.on(Route{Method: http.MethodGet, Path: "/bags/{id}/slip", Act: "pageBagSlip", Who: readers(following...)}, p.bagSlip)
	p.on(Route{Method: http.MethodGet, Path: "/bags/{id}/files/{sum}", Act: "pageBagFile", Who: readers(following...)}, p.bagFile)
	at := func(act, name string, h handler) {
		p.on(Route{
			Method: http.MethodPost, Path: "/bags/{id}/" + act, Act: name, Who: actors(keepingThings...), Rate: uploadRate, Body: bagBody,
		}, h)
	}
	at("scan", "pageScanIntoBag", p.scanIntoBag)
	at("release", "pageReleaseBag", p.releaseBag)
	at("accept", "pageAcceptBag", p.acceptBag)
	at("refuse", "pageRefuseBag", p.refuseBag)
	at("cancel", "pageCancelBag", p.cancelBag)
	at("explain", "pageExplainExtra", p.explainExtra)
}

// extraRows is how many unlisted things one form has room for.
const extraRows = 3

// bagBody holds a slip and the photos of what was not listed.
const bagBody = (extraRows + 1) * 2 * delivery.MaxProof

// bagsPage lists bags: to sign for, on their way, being packed, done.
type bagsPage struct {
	Search                    string
	Filtered                  bool
	Full                      int
	States                    []option
	Come, Gone, Filling, Done []delivery.BagView
	MayPack, Window           bool
	To, From                  []option
	Once                      string
}

// mostBags is how many bags the list shows; search narrows it.
const mostBags = 200

func (p *site) bags(v *view) error {
	v.here = "/bags"
	list, err := p.Delivery.ListBags(v.ctx(), v.by, delivery.BagQuery{Search: v.query("q"), State: delivery.BagState(v.query("state")), Limit: mostBags})
	if err != nil {
		return err
	}
	d := bagsPage{
		Search: v.query("q"), Filtered: v.query("q") != "" || v.query("state") != "", MayPack: v.is(keepingThings...), Window: v.is(atDesk...), Once: newOnce(),
		States: p.stateOptions(v, "bag_state", "filling", "released", "accepted", "accepted_partial", "refused", "cancelled"),
	}
	for _, b := range list {
		switch {
		case b.State == delivery.BagFilling:
			d.Filling = append(d.Filling, b)
		case b.State == delivery.BagReleased && b.ToID == v.place():
			d.Come = append(d.Come, b)
		case b.State == delivery.BagReleased:
			d.Gone = append(d.Gone, b)
		default:
			d.Done = append(d.Done, b)
		}
	}
	if len(list) == mostBags {
		d.Full = mostBags
	}
	if d.MayPack {
		if d.To, d.From, err = p.bagSides(v); err != nil {
			return err
		}
	}
	return p.show(v, "bags", d)
}

// place is the id of the centre or department somebody works at.
func (v *view) place() string {
	if v.is(atDesk...) {
		return v.by.Centre
	}
	return v.by.Department
}

// bagSides are where a bag may go: from a window to departments, from a
// department to windows or to another department. A window may also pack for a
// department, back to itself.
func (p *site) bagSides(v *view) (to, from []option, err error) {
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		own, home := v.by.Department, ""
		if own != "" {
			dep, err := office.FindDepartment(v.ctx(), q, own)
			if err != nil {
				return err
			}
			centre, _, err := office.Organiser(v.ctx(), q, dep.Division)
			if err != nil {
				return err
			}
			home = centre.ID
			centres, err := office.ListCentres(v.ctx(), q)
			if err != nil {
				return err
			}
			for _, c := range centres {
				to = append(to, option{"window:" + c.ID, v.called(c.Name, c.NameEN), v.tried.Chose("bag", "", "to", "window:"+c.ID) || !v.tried.Keeps("bag", "") && c.ID == home})
			}
		}
		all, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{})
		for _, dep := range all {
			if dep.ID != own {
				to = append(to, option{dep.ID, v.called(dep.Name, dep.NameEN), v.tried.Chose("bag", "", "to", dep.ID)})
				from = append(from, option{dep.ID, v.called(dep.Name, dep.NameEN), v.tried.Chose("bag", "", "from", dep.ID)})
			}
		}
		return err
	})
	return to, from, err
}

// called is a name in the reader's language.
func (v *view) called(zh, en string) string { return inspection.Words{ZH: zh, EN: en}.In(v.x.lang) }

func (p *site) newBag(v *view) error {
	r := delivery.NewBagRequest{From: v.form("from"), Once: v.once()}
	if centre, ok := strings.CutPrefix(v.form("to"), "window:"); ok {
		r.Centre = centre
	} else {
		r.To = v.form("to")
	}
	if r.Centre == "" && v.by.Department != "" { // to another department, over the centre of one's own place
		if err := p.Read(v.ctx(), func(q bun.IDB) error {
			dep, err := office.FindDepartment(v.ctx(), q, v.by.Department)
			if err != nil {
				return err
			}
			centre, _, err := office.Organiser(v.ctx(), q, dep.Division)
			r.Centre = centre.ID
			return err
		}); err != nil {
			return err
		}
	}
	b, err := p.Delivery.NewBag(v.ctx(), v.by, r)
	if err != nil {
		return p.done(v, err, form{"bag", ""}, p.bags)
	}
	return v.leave("/bags/"+b.ID, "")
}

// bagPage is one bag with the forms of the side that may act. What was scanned
// while opening it stands in the address.
type bagPage struct {
	Bag              delivery.BagView
	Lines            []baggedItem
	Seen             string
	Count            int
	Packs, Signs     bool
	PackSlip, SignOn bool   // the window does it with a paper slip
	Receivers        string // who may sign the slip (DEL-913)
	Answer           scanAnswer
	Extras           []int
	Open             bool // something unlisted is not explained yet
	MayExplain       bool
	Goes             delivery.Run // the run it goes with
}

type baggedItem struct {
	delivery.BagItem
	Seen bool
}

func (p *site) bag(v *view) error { return p.bagWith(v, scanAnswer{}) }

func (p *site) bagWith(v *view, answer scanAnswer) error {
	found, err := p.Delivery.FindBag(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	v.here = "/bags/" + v.id()
	d := bagPage{Bag: found, Answer: answer, MayExplain: v.is(keepingThings...)}
	for n := range extraRows {
		d.Extras = append(d.Extras, n+1)
	}
	if d.Packs, d.PackSlip, err = p.Delivery.MayPack(v.ctx(), v.by, found.Bag); err != nil {
		return err
	}
	if d.Signs, d.SignOn, err = p.Delivery.MaySign(v.ctx(), v.by, found.Bag); err != nil {
		return err
	}
	if d.SignOn {
		if d.Receivers, err = p.receiverNames(v, found.ToID); err != nil {
			return err
		}
	}
	if d.Goes, err = p.Delivery.RunOf(v.ctx(), v.id()); err != nil {
		return err
	}
	d.count(p, v)
	d.Open = slices.ContainsFunc(found.Extras, func(e delivery.BagExtra) bool { return e.ExplainedAt.IsZero() })
	return p.show(v, "bag", d)
}

// count marks what was scanned while the bag is opened.
func (d *bagPage) count(p *site, v *view) {
	seen := listOf(v.query("seen"))
	if scan := v.query("scan"); scan != "" && d.Signs {
		seen = d.scanned(p, v, scan, seen)
	}
	for _, i := range d.Bag.Items {
		line := baggedItem{i, slices.Contains(seen, i.ItemID)}
		if line.Seen {
			d.Count++
		}
		d.Lines = append(d.Lines, line)
	}
	d.Seen = strings.Join(seen, ",")
}

// scanned says in words what a number is for this bag (DEL-921).
func (d *bagPage) scanned(p *site, v *view, text string, seen []string) []string {
	number, err := delivery.ParseNumber(text)
	if err != nil {
		d.Answer = scanAnswer{p.problem(v.ctx(), v.x, err).Detail, true}
		return seen
	}
	i := slices.IndexFunc(d.Bag.Items, func(i delivery.BagItem) bool { return i.Item.Number == number })
	switch {
	case number == d.Bag.Number:
		d.Answer = scanAnswer{p.say(v, "scan.is_bag"), false}
	case i < 0:
		d.Answer = scanAnswer{p.say(v, "scan.extra", "number", number), true}
	case slices.Contains(seen, d.Bag.Items[i].ItemID):
		d.Answer = scanAnswer{p.say(v, "scan.again", "title", d.Bag.Items[i].Item.Title), false}
	default:
		d.Answer = scanAnswer{p.say(v, "scan.here", "title", d.Bag.Items[i].Item.Title), false}
		return append(seen, d.Bag.Items[i].ItemID)
	}
	return seen
}

// scanIntoBag puts a thing in or takes it out, and answers with the page: the
// next number can follow at once (DEL-921, DEL-952).
func (p *site) scanIntoBag(v *view) error {
	answer, err := p.packed(v, v.form("verb"), v.id(), v.form("number"))
	if err != nil {
		return err
	}
	return p.bagWith(v, answer)
}

// packed carries out the verb put or take and words what came of it. A refusal
// is an answer like any other.
func (p *site) packed(v *view, verb, bag, number string) (scanAnswer, error) {
	if verb == verbTake {
		i, err := p.Delivery.TakeOutOfBag(v.ctx(), v.by, bag, number)
		return p.answered(v, err, "scan.taken_out", i.Title, i.Number)
	}
	i, err := p.Delivery.PutInBag(v.ctx(), v.by, bag, number)
	if err != nil {
		return p.answered(v, err, "", "", "")
	}
	return p.answered(v, nil, "scan.packed", i.Item.Title, i.Item.Number)
}

// onBag ends an act on a bag: back to it, or the page with the refusal.
func (p *site) onBag(v *view, f form, flash string, act func(b delivery.BagView) error) error {
	found, err := p.Delivery.FindBag(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	if err := act(found); err != nil {
		return p.done(v, err, f, p.bag)
	}
	return v.leave("/bags/"+v.id(), flash)
}

func (p *site) releaseBag(v *view) error {
	return p.onBag(v, form{"release", ""}, "flash.bag.released", func(b delivery.BagView) error {
		count, err := v.counted("count")
		if err != nil {
			return err
		}
		_, err = p.Delivery.ReleaseBag(v.ctx(), v.by, delivery.BagRelease{BagID: b.ID, Seal: v.form("seal"), Count: count[0], Giver: v.form("giver")})
		return err
	})
}

func (p *site) acceptBag(v *view) error {
	return p.onBag(v, form{"accept", ""}, "flash.bag.accepted", func(b delivery.BagView) error {
		count, err := v.counted("count")
		if err != nil {
			return err
		}
		r := delivery.BagAccept{BagID: b.ID, Count: count[0], Note: v.form("note"), Receiver: v.form("receiver")}
		for _, i := range b.Items {
			outcome := delivery.Finding(v.form("outcome-" + i.ItemID))
			r.Found = append(r.Found, delivery.Found{ItemID: i.ItemID, Outcome: outcome, Note: v.form("note-" + i.ItemID)})
		}
		if r.SignedAt, r.Slip, err = p.slipOf(v); err != nil {
			return err
		}
		if r.Extras, err = p.extrasOf(v); err != nil {
			return err
		}
		_, err = p.Delivery.AcceptBag(v.ctx(), v.by, r)
		return err
	})
}

// slipOf reads of a form when a paper slip was signed, and keeps its scan (DEL-950).
func (p *site) slipOf(v *view) (signed time.Time, scan string, err error) {
	if at := v.form("signed_at"); at != "" {
		if signed, err = inspection.ParseTime(at); err != nil {
			return signed, "", err
		}
	}
	scan, err = p.keepUpload(v, "slip")
	return signed, scan, err
}

// extrasOf are the unlisted things of a form, with their photos (DEL-911).
func (p *site) extrasOf(v *view) (out []delivery.Extra, err error) {
	for n := range extraRows {
		row := itoa(n + 1)
		e := delivery.Extra{Number: v.form("extra_number" + row), Title: v.form("extra_title" + row)}
		if e.Photo, err = p.keepUpload(v, "extra_photo"+row); err != nil {
			return nil, err
		}
		if e != (delivery.Extra{}) {
			out = append(out, e)
		}
	}
	return out, nil
}

// keepUpload keeps an image of the form and gives its hash, "" for none.
func (p *site) keepUpload(v *view, name string) (string, error) {
	file, err := v.upload(name, delivery.MaxProof)
	if err != nil || len(file.Bytes) == 0 {
		return "", err
	}
	b, err := p.Delivery.PutPhoto(v.ctx(), v.by, file.Bytes)
	return b.SHA256, err
}

func (p *site) refuseBag(v *view) error {
	return p.onBag(v, form{"refuse", ""}, "flash.sent_back", func(b delivery.BagView) error {
		_, err := p.Delivery.RefuseBag(v.ctx(), v.by, b.ID, v.form("reason"))
		return err
	})
}

func (p *site) cancelBag(v *view) error {
	return p.onBag(v, form{"cancel", ""}, "flash.bag.cancelled", func(b delivery.BagView) error {
		_, err := p.Delivery.CancelBag(v.ctx(), v.by, b.ID)
		return err
	})
}

func (p *site) explainExtra(v *view) error {
	return p.onBag(v, form{"explain", v.form("extra")}, "flash.bag.explained", func(delivery.BagView) error {
		_, err := p.Delivery.ExplainExtra(v.ctx(), v.by, v.form("extra"), v.form("explanation"))
		return err
	})
}

// bagSlip is 交接单, to go with the bag: what is in it, counted, and a place for
// both signatures (DEL-950, DEL-1108).
func (p *site) bagSlip(v *view) error {
	found, err := p.Delivery.FindBag(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	v.here = "/bags/" + v.id() + "/slip"
	counts := map[delivery.Class]int{}
	for _, i := range found.Items {
		counts[i.Item.Class]++
	}
	d := slipPage{Bag: found}
	for _, c := range delivery.Classes {
		if counts[c] > 0 {
			d.Counts = append(d.Counts, p.say(v, "bagslip.count", "class", c.In(v.x.lang), "n", counts[c]))
		}
	}
	return p.show(v, "bag_slip", d)
}

type slipPage struct {
	Bag    delivery.BagView
	Counts []string
}

func (p *site) bagFile(v *view) error {
	blob, body, err := p.Delivery.OpenBagBlob(v.ctx(), v.by, v.id(), v.r.PathValue("sum"))
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", blob.Media)
	_, _ = v.w.Write(body) // a reader who is gone cannot be told
	return nil
}
