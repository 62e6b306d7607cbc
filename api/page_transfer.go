package api

import (
	"net/http"
	"slices"
	"strings"

	"lianban/delivery"
)

// transferPages are where a window signs for what departments hand over.
func (p *site) transferPages() {
	p.on(Route{Method: http.MethodGet, Path: "/transfers", Act: "pageTransfers", Who: anywhere(overseeing...)}, p.transfers)
	p.on(Route{Method: http.MethodGet, Path: "/transfers/{id}", Act: "pageTransfer", Who: readers(mayEvidence...)}, p.transfer)
	p.on(Route{Method: http.MethodPost, Path: "/transfers/{id}/accept", Act: "pageAcceptTransfer", Who: actors(atDesk...), Rate: uploadRate, Body: bagBody}, p.acceptTransfer)
	p.on(Route{Method: http.MethodPost, Path: "/transfers/{id}/explain", Act: "pageExplainTransferExtra", Who: actors(atDesk...)}, p.explainTransferExtra)
	p.on(Route{Method: http.MethodGet, Path: "/transfers/{id}/files/{sum}", Act: "pageTransferFile", Who: readers(mayEvidence...)}, p.transferFile)
	p.on(Route{Method: http.MethodPost, Path: "/transfers/{id}/refuse", Act: "pageRefuseTransfer", Who: actors(atDesk...)}, p.refuseTransfer)
	p.on(Route{Method: http.MethodGet, Path: "/items/{id}", Act: "pageItem", Who: readers(mayEvidence...)}, p.item)
}

// transfersPage lists transfers, those that wait for a signature first.
type transfersPage struct {
	Search   string
	Filtered bool
	Full     int
	States   []option
	Open     []delivery.TransferView
	Done     []delivery.TransferView
}

// mostTransfers is how many the list shows; search narrows it.
const mostTransfers = 200

// transfers answers a scan with the transfer it belongs to: a hand scanner types
// the number and presses Enter (DEL-952).
func (p *site) transfers(v *view) error {
	scan := v.query("scan")
	if scan == "" {
		return p.listOfTransfers(v)
	}
	t, err := p.Delivery.ScanTransfer(v.ctx(), v.by, scan)
	if err != nil {
		return p.done(v, err, form{"scan", ""}, p.listOfTransfers)
	}
	return v.leave("/transfers/"+t.ID, "")
}

func (p *site) listOfTransfers(v *view) error {
	list, err := p.Delivery.ListTransfers(v.ctx(), v.by, delivery.TransferQuery{
		Search: v.query("q"), State: delivery.TransferState(v.query("state")), Unexplained: v.query("extras") == "open", Limit: mostTransfers,
	})
	if err != nil {
		return err
	}
	d := transfersPage{
		Search: v.query("q"), Filtered: v.query("q") != "" || v.query("state") != "" || v.query("extras") != "",
		States: p.stateOptions(v, "transfer_state", "released", "accepted", "accepted_partial", "refused"),
	}
	for _, t := range list {
		if t.State == delivery.Released {
			d.Open = append(d.Open, t)
		} else {
			d.Done = append(d.Done, t)
		}
	}
	if len(list) == mostTransfers {
		d.Full = mostTransfers
	}
	return p.show(v, "transfers", d)
}

// transferPage is one transfer with the form to sign for it. What was scanned
// stands in the address, so that it works without script and is lost by nobody.
type transferPage struct {
	Transfer delivery.TransferView
	Lines    []scannedItem
	Seen     string // ids, for the next scan
	Count    int    // things scanned
	Scanned  string // what the last scan was, in words
	Wrong    bool   // it belongs to none of these
	MaySign  bool
	Extras   []int // rows of the form
	Open     bool  // something unlisted is not explained yet
	Explain  bool  // by the reader
	Classes  []option
	Goes     delivery.Run // the run it goes with
}

// scannedItem is one thing of a transfer, and whether it was scanned.
type scannedItem struct {
	delivery.TransferItem
	Seen bool
}

func (p *site) transfer(v *view) error {
	found, err := p.Delivery.FindTransfer(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	v.here = "/transfers/" + v.id()
	d := transferPage{Transfer: found, MaySign: found.State == delivery.Released && v.organises(found.CentreID)}
	if d.Goes, err = p.Delivery.RunOf(v.ctx(), v.id()); err != nil {
		return err
	}
	for n := range extraRows {
		d.Extras = append(d.Extras, n+1)
	}
	d.Open = slices.ContainsFunc(found.Extras, delivery.TransferExtra.Open)
	if d.Explain = d.Open && v.organises(found.CentreID); d.Explain {
		for _, class := range delivery.ResultClasses() {
			if class != delivery.ClassSeal { // a seal comes with its code and bag
				d.Classes = append(d.Classes, option{Value: string(class), Text: class.In(v.x.lang)})
			}
		}
	}
	seen := listOf(v.query("seen"))
	if scan := v.query("scan"); scan != "" {
		seen = d.scan(p, v, scan, seen)
	}
	for _, i := range found.Items {
		line := scannedItem{TransferItem: i, Seen: slices.Contains(seen, i.ItemID)}
		if line.Seen {
			d.Count++
		}
		d.Lines = append(d.Lines, line)
	}
	d.Seen = strings.Join(seen, ",")
	return p.show(v, "transfer", d)
}

// scan checks one number against the things of the transfer and says in words
// what it was (DEL-921).
func (d *transferPage) scan(p *site, v *view, text string, seen []string) []string {
	number, err := delivery.ParseNumber(text)
	if err != nil {
		d.Wrong, d.Scanned = true, p.problem(v.ctx(), v.x, err).Detail
		return seen
	}
	i := slices.IndexFunc(d.Transfer.Items, func(i delivery.TransferItem) bool { return i.Item.Number == number })
	if i < 0 {
		d.Wrong, d.Scanned = true, p.say(v, "scan.not_here", "number", number)
		return seen
	}
	found := d.Transfer.Items[i]
	if slices.Contains(seen, found.ItemID) {
		d.Scanned = p.say(v, "scan.again", "title", found.Item.Title)
		return seen
	}
	d.Scanned = p.say(v, "scan.here", "title", found.Item.Title)
	return append(seen, found.ItemID)
}

// onTransfer ends an act on a transfer: back to it, or the page with the refusal.
func (p *site) onTransfer(v *view, f form, flash string, act func(t delivery.TransferView) error) error {
	found, err := p.Delivery.FindTransfer(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	if err := act(found); err != nil {
		return p.done(v, err, f, p.transfer)
	}
	return v.leave("/transfers/"+v.id(), flash)
}

func (p *site) acceptTransfer(v *view) error {
	return p.onTransfer(v, form{"accept", ""}, "flash.signed", func(t delivery.TransferView) error {
		count, err := v.counted("count")
		if err != nil {
			return err
		}
		r := delivery.AcceptRequest{TransferID: t.ID, Count: count[0], Note: v.form("note")}
		for _, i := range t.Items {
			outcome := delivery.Finding(v.form("outcome-" + i.ItemID))
			r.Found = append(r.Found, delivery.Found{ItemID: i.ItemID, Outcome: outcome, Note: v.form("note-" + i.ItemID)})
		}
		if r.Extras, err = p.extrasOf(v); err != nil {
			return err
		}
		_, err = p.Delivery.Accept(v.ctx(), v.by, r)
		return err
	})
}

// explainTransferExtra says what an unlisted thing is (DEL-911).
func (p *site) explainTransferExtra(v *view) error {
	id := v.form("extra")
	return p.onTransfer(v, form{"explain", id}, "flash.bag.explained", func(delivery.TransferView) error {
		_, err := p.Delivery.ExplainTransferExtra(v.ctx(), v.by, delivery.ExtraExplained{
			ID: id, Answer: delivery.ExtraAnswer(v.form("answer")), Number: v.form("number"), Class: delivery.Class(v.form("class")),
			Title: v.form("title"), Text: v.form("explanation"),
		})
		return err
	})
}

func (p *site) transferFile(v *view) error {
	blob, body, err := p.Delivery.OpenTransferBlob(v.ctx(), v.by, v.id(), v.r.PathValue("sum"))
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", blob.Media)
	_, _ = v.w.Write(body) // a reader who is gone cannot be told
	return nil
}

func (p *site) refuseTransfer(v *view) error {
	return p.onTransfer(v, form{"refuse", ""}, "flash.sent_back", func(t delivery.TransferView) error {
		_, err := p.Delivery.Refuse(v.ctx(), v.by, t.ID, v.form("reason"))
		return err
	})
}

// item shows a thing and who had it when.
func (p *site) item(v *view) error {
	v.here = "/items/" + v.id()
	found, err := p.Delivery.FindItem(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	d := itemPage{ItemView: found}
	if d.Destroy, err = p.destroyPart(v, found); err != nil {
		return err
	}
	if d.Damage, err = p.damagePart(v, found); err != nil {
		return err
	}
	if found.Material != nil {
		if d.Part, err = p.materialPart(v, v.id()); err != nil {
			return err
		}
	}
	return p.show(v, "item", d)
}

// itemPage is a thing of either kind: a result, or a material with what may be
// done with it.
type itemPage struct {
	delivery.ItemView
	Part    *materialPart
	Destroy destroyPart
	Damage  damagePart
}
