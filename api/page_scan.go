package api

import (
	"net/http"
	"slices"

	"lianban/delivery"
	"lianban/internal/fault"
)

// Verbs of the scan page. One is chosen first; a scan never decides what happens
// (DEL-921).
const (
	verbFind  = "find"
	verbSign  = "sign" // to the bag or transfer that is to be signed for
	verbPut   = "put"
	verbTake  = "take"
	verbShelf = "shelf"
	verbBack  = "back" // a parcel that came back
)

// verbsOf are the verbs that the reader chooses from: parcels come back to a window.
func verbsOf(v *view) []string {
	if v.by.Centre == "" {
		return []string{verbSign, verbPut, verbTake, verbShelf, verbFind}
	}
	return []string{verbSign, verbPut, verbTake, verbShelf, verbBack, verbFind}
}

// scanPages are the counter of a hand scanner, which types a number and presses
// Enter; the keyboard alone is enough, and so is a telephone (DEL-952).
func (p *site) scanPages() {
	p.on(Route{Method: http.MethodGet, Path: "/scan", Act: "pageCounter", Who: anywhere(keepingThings...)}, p.counter)
	p.on(Route{Method: http.MethodPost, Path: "/scan", Act: "pageCountNumber", Who: anywhere(keepingThings...)}, p.scanNumber)
}

// scanAnswer is what a scan came to, in words; Wrong also in colour and sound.
type scanAnswer struct {
	Text  string
	Wrong bool
}

// scanPage is the counter: a verb, where it applies, and the number.
type scanPage struct {
	Verb, Bag, Place string
	Verbs            []option
	Bags             []option // that this side is packing
	Inside           []delivery.BagItem
	Answer           scanAnswer
}

func (p *site) counter(v *view) error {
	return p.counterWith(v, scanPage{Verb: v.query("verb"), Bag: v.query("bag"), Place: v.query("place")})
}

func (p *site) counterWith(v *view, d scanPage) error {
	v.here = "/scan"
	verbs := verbsOf(v)
	if !slices.Contains(verbs, d.Verb) {
		d.Verb = verbSign
	}
	for _, verb := range verbs {
		d.Verbs = append(d.Verbs, option{verb, p.say(v, "scan_verb."+verb), verb == d.Verb})
	}
	if d.Verb == verbPut || d.Verb == verbTake {
		if err := d.packing(p, v); err != nil {
			return err
		}
	}
	return p.show(v, "scan", d)
}

// packing lists the bags that this side is packing and what is in the chosen
// one; the only one there is needs no choice.
func (d *scanPage) packing(p *site, v *view) error {
	bags, err := p.Delivery.ListBags(v.ctx(), v.by, delivery.BagQuery{State: delivery.BagFilling, Limit: mostBags})
	if err != nil {
		return err
	}
	if len(bags) == 1 && d.Bag == "" {
		d.Bag = bags[0].ID
	}
	for _, b := range bags {
		text := p.say(v, "scan.bag_to", "number", b.Number, "to", b.ToName, "n", len(b.Items))
		d.Bags = append(d.Bags, option{b.ID, text, b.ID == d.Bag})
		if b.ID == d.Bag {
			d.Inside = b.Items
		}
	}
	return nil
}

// scanNumber carries out the verb on the number and shows the page again with
// the answer; signing and finding lead to the page of what was found.
func (p *site) scanNumber(v *view) error {
	d := scanPage{Verb: v.form("verb"), Bag: v.form("bag"), Place: v.form("place")}
	number := v.form("number")
	var err error
	switch d.Verb {
	case verbPut, verbTake:
		if d.Bag == "" {
			d.Answer = scanAnswer{p.say(v, "scan.choose_bag"), true}
			break
		}
		d.Answer, err = p.packed(v, d.Verb, d.Bag, number)
	case verbShelf:
		title, refused := p.shelve(v, number, d.Place)
		d.Answer, err = p.answered(v, refused, "scan.shelved", title, d.Place)
	default:
		to, refused := p.whereIs(v, d.Verb, number)
		if refused == nil {
			return v.leave(to, "")
		}
		d.Answer, err = p.answered(v, refused, "", "", "")
	}
	if err != nil {
		return err
	}
	return p.counterWith(v, d)
}

// shelve records where a thing or a sealed parcel lies, and says what it was.
func (p *site) shelve(v *view, number, place string) (title string, err error) {
	i, err := p.Delivery.Shelve(v.ctx(), v.by, number, place)
	if !fault.Is(err, "scan_unknown") {
		return i.Title, err
	}
	parcel, none := p.Delivery.ScanParcel(v.ctx(), v.by, number)
	if none != nil {
		return "", err
	}
	_, err = p.Delivery.ShelveParcel(v.ctx(), v.by, parcel.ID, place)
	return p.say(v, "scan.parcel", "number", parcel.Number), err
}

// answered words the end of a scan; what is no refusal is an error.
func (p *site) answered(v *view, err error, key, title, detail string) (scanAnswer, error) {
	if err == nil {
		return scanAnswer{p.say(v, key, "title", title, "detail", detail), false}, nil
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.Forbidden:
		refused := p.problem(v.ctx(), v.x, err)
		v.x.code, v.state = refused.Code, refused.Status
		return scanAnswer{refused.Detail, true}, nil
	}
	return scanAnswer{}, err
}

// whereIs finds the page of a number: to be signed for the bag or transfer it is
// or lies in, otherwise the parcel or the thing itself.
func (p *site) whereIs(v *view, verb, number string) (string, error) {
	if verb == verbBack {
		parcel, err := p.Delivery.ScanParcel(v.ctx(), v.by, number)
		return "/parcels/" + parcel.ID + "#returned", err
	}
	if verb == verbFind {
		if parcel, err := p.Delivery.ScanParcel(v.ctx(), v.by, number); err == nil {
			return "/parcels/" + parcel.ID, nil
		}
		if i, err := p.Delivery.ScanItem(v.ctx(), v.by, number); !fault.Is(err, "scan_unknown") {
			return "/items/" + i.ID, err
		}
	}
	if b, err := p.Delivery.ScanBag(v.ctx(), v.by, number); !fault.Is(err, "scan_unknown") {
		return "/bags/" + b.ID, err
	}
	t, err := p.Delivery.ScanTransfer(v.ctx(), v.by, number)
	return "/transfers/" + t.ID, err
}
