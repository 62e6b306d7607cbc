package api

import (
	"net/http"

	"lianban/delivery"
	"lianban/internal/paper"
)

// paperPages print documents and tell what a printed code stands for. Printing is
// an act: each copy is entered and says which it is (DEL-1116).
func (p *site) paperPages() {
	post := func(path, act string, who Who, h handler) {
		p.on(Route{Method: http.MethodPost, Path: path, Act: act, Who: who}, h)
	}
	post("/parcels/print", "pagePrintLabels", anywhere(atDesk...), p.printLabels)
	post("/parcels/round", "pagePrintRound", anywhere(atDesk...), p.printRound)
	post("/parcels/{id}/print", "pagePrintParcel", actors(atDesk...), p.printParcel)
	post("/cases/{id}/demand", "pagePrintDemand", actors(atDesk...), p.printDemand)
	post("/bags/{id}/print", "pagePrintBag", readers(following...), p.printBag)
	post("/items/{id}/print", "pagePrintNote", readers(following...), p.printNote)
	post("/transfers/{id}/print", "pagePrintSlip", readers(mayEvidence...), p.printSlip)
	p.on(Route{Method: http.MethodGet, Path: "/papers", Act: "pagePaper", Who: anywhere(overseeing...)}, p.paper)
}

// print answers with a document, or shows again with what is wrong.
func (p *site) print(v *view, f form, out delivery.Print, err error, again handler) error {
	if err != nil {
		return p.done(v, err, f, again)
	}
	sheet{out.Name, out.PDF}.write(v.w)
	return nil
}

// printLabels prints all labels that are still to be printed.
func (p *site) printLabels(v *view) error {
	ids, err := p.Delivery.NewLabels(v.ctx(), v.by)
	if err != nil {
		return err
	}
	out, err := p.Delivery.PrintLabels(v.ctx(), v.by, ids)
	return p.print(v, form{"print", ""}, out, err, p.parcels)
}

func (p *site) printRound(v *view) error {
	out, err := p.Delivery.PrintRound(v.ctx(), v.by, v.form("courier"))
	return p.print(v, form{"round", ""}, out, err, p.parcels)
}

func (p *site) printParcel(v *view) error {
	if _, err := p.Delivery.FindParcel(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	out, err := p.Delivery.PrintParcel(v.ctx(), v.by, v.id(), delivery.PaperKind(v.form("paper")))
	return p.print(v, form{"print", ""}, out, err, p.parcel)
}

func (p *site) printSlip(v *view) error {
	out, err := p.Delivery.PrintSlip(v.ctx(), v.by, v.id())
	return p.print(v, form{"print", ""}, out, err, p.transfer)
}

// printDemand prints what departments still owe a case (DEL-1114).
func (p *site) printDemand(v *view) error {
	if _, err := p.Delivery.FindSet(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	out, err := p.Delivery.PrintDemand(v.ctx(), v.by, v.id())
	return p.print(v, form{"demand", ""}, out, err, p.oneCase)
}

func (p *site) printBag(v *view) error {
	out, err := p.Delivery.PrintBag(v.ctx(), v.by, v.id())
	return p.print(v, form{"print", ""}, out, err, p.bagSlip)
}

func (p *site) printNote(v *view) error {
	out, err := p.Delivery.PrintNote(v.ctx(), v.by, v.id())
	return p.print(v, form{"print", ""}, out, err, p.materialNote)
}

// printing is what the list of parcels offers to print.
type printing struct {
	New      int // labels
	Couriers []option
}

func (p *site) printingOf(v *view) (out *printing, err error) {
	if !v.is(atDesk...) {
		return nil, nil
	}
	ids, err := p.Delivery.NewLabels(v.ctx(), v.by)
	if err != nil {
		return nil, err
	}
	out = &printing{New: len(ids)}
	list, err := p.Delivery.Couriers(v.ctx(), v.by)
	for _, c := range list {
		if c.Load > 0 {
			out.Couriers = append(out.Couriers, option{Value: c.ID, Text: c.Name + " · " + p.say(v, "parcel.load", "n", c.Load)})
		}
	}
	return out, err
}

// papersOf are the documents that a window may print of a parcel, and the
// characters that it will have to write in by hand (DEL-1105).
func papersOf(v *view, found delivery.ParcelView) (kinds []delivery.PaperKind, rare []paper.Rare, err error) {
	if !v.organises(found.CentreID) {
		return nil, nil, nil
	}
	to := found.Receiver
	texts := []string{to.Name, to.Address, to.Agent}
	for _, i := range found.Items {
		texts = append(texts, i.Title)
	}
	rare, err = paper.Lacking(texts...)
	return found.Papers(), rare, err
}

// paperPage says what the code of a printed paper stands for.
type paperPage struct {
	Code  string
	Paper *delivery.Paper
	To    string // where the thing itself is shown
}

func (p *site) paper(v *view) error {
	v.here = "/papers"
	d := paperPage{Code: v.query("code")}
	if d.Code == "" {
		return p.show(v, "paper", d)
	}
	found, err := p.Delivery.CheckPaper(v.ctx(), v.by, d.Code)
	if isMissing(err) {
		err = delivery.PaperUnread()
	}
	if err != nil {
		return p.done(v, err, form{"paper", ""}, func(v *view) error { return p.show(v, "paper", d) })
	}
	d.Paper = &found
	switch {
	case found.Kind == delivery.PaperSlip:
		d.To = "/transfers/" + found.Subject
	case found.Kind == delivery.PaperBag:
		d.To = "/bags/" + found.Subject
	case found.Kind == delivery.PaperCopy || found.Kind == delivery.PaperVoucher:
		d.To = "/items/" + found.Subject
	case found.Kind == delivery.PaperDemand || found.Kind == delivery.PaperTaken:
		d.To = "/cases/" + found.Subject
	case found.Kind == delivery.PaperRun:
		d.To = "/runs/" + found.Subject
	case found.Kind == delivery.PaperRound:
		d.To = "/parcels"
	default:
		d.To = "/parcels/" + found.Subject
	}
	return p.show(v, "paper", d)
}
