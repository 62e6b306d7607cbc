package api

import (
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// electronicPages are 网上传输 (DEL-240…243): the recipient's consent on the page
// of the case, the file on that of the result, and the page of its link.
func (p *site) electronicPages() {
	post := func(path, act string, who Who, h handler) {
		p.on(Route{Method: http.MethodPost, Path: path, Act: act, Who: who}, h)
	}
	post("/cases/{id}/electronic", "pageConsentElectronic", actors(atDesk...), p.consentElectronicly)
	post("/cases/{id}/electronic/revoke", "pageRevokeElectronic", actors(atDesk...), p.revokeElectronicly)
	p.on(Route{
		Method: http.MethodPost, Path: "/results/{id}/file", Act: "pageSupplyFile",
		Who: actors(auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head), Rate: uploadRate, Body: 2 * delivery.MaxElectronic,
	}, p.supplyFileOf)
	post("/results/{id}/file/send", "pageSendFile", actors(atDesk...), p.sendFileOf)
	post("/results/{id}/file/entered", "pageFileEntered", actors(atDesk...), p.fileEntered)
	post("/results/{id}/file/change", "pageChangeWay", actors(atDesk...), p.changeWayOf)
	post("/results/{id}/file/print", "pagePrintFetch", actors(atDesk...), p.printFetchOf)
	p.on(Route{Method: http.MethodGet, Path: "/results/{id}/file", Act: "pageReadFile", Who: readers(mayEvidence...), Rate: uploadRate}, p.readFileOf)
	p.on(Route{Method: http.MethodGet, Path: "/files/{id}", Act: "pageFile", Who: readers(mayEvidence...)}, p.fileByID)
	p.on(Route{Method: http.MethodGet, Path: "/e/{token}", Act: "pageFileLink", Who: anyone, Rate: linkRate}, p.fileLink)
	p.on(Route{Method: http.MethodPost, Path: "/e/{token}", Act: "pageOpenFile", Who: anyone, Rate: trackRate}, p.openFileLink)
	p.on(Route{Method: http.MethodPost, Path: "/e/{token}/file", Act: "pageFetchFile", Who: anyone, Rate: trackRate}, p.fetchFileLink)
}

func (p *site) consentElectronicly(v *view) error {
	return p.onSet(v, form{"electronic", ""}, "flash.electronic.consent", func() error {
		_, err := p.Delivery.ConsentElectronic(v.ctx(), v.by, delivery.ElectronicConsentRequest{
			CaseID: v.id(), Person: v.form("person"), Method: delivery.ElectronicMethod(v.form("method")), Address: v.form("address"),
			Phone: digits(v.form("phone")), Lines: v.r.PostForm["lines"], Channel: v.form("channel"), Note: v.form("note"), Once: v.once(),
		})
		return err
	})
}

func (p *site) revokeElectronicly(v *view) error {
	return p.onSet(v, form{"revoke", v.form("consent")}, "flash.electronic.revoked", func() error {
		_, err := p.Delivery.RevokeElectronic(v.ctx(), v.by, v.form("consent"), v.form("channel"))
		return err
	})
}

func (p *site) supplyFileOf(v *view) error {
	return p.onResult(v, form{"supply", ""}, "/results/"+v.id()+"#electronic", "flash.electronic.supplied", func() error {
		up, err := v.upload("file", delivery.MaxElectronic)
		if err != nil {
			return err
		}
		_, err = p.Delivery.Supply(v.ctx(), v.by, delivery.SupplyRequest{
			LineID: v.id(), Class: delivery.Class(v.form("class")), Title: v.form("title"), DecidedOn: v.form("decided_on"),
			RefusedGrant: v.form("refused_grant") == "yes", Signature: delivery.SignatureCheck(v.form("signature")), SignatureNote: v.form("signature_note"),
			Drawn: v.form("drawn") == "yes", Body: up.Bytes, Once: v.once(),
		})
		return err
	})
}

// fileOptions are the classes that may go as files, and what may be said of the
// signature.
func (p *site) fileOptions(v *view) (classes, signatures []option) {
	for _, c := range delivery.ResultClasses() {
		if c != delivery.ClassSeal { // DEL-210; the gate decides again
			classes = append(classes, option{Value: string(c), Text: c.In(v.x.lang)})
		}
	}
	for _, s := range delivery.SignatureChecks {
		signatures = append(signatures, option{string(s), s.In(v.x.lang), v.tried.Chose("supply", "", "signature", string(s))})
	}
	return classes, signatures
}

// onFile ends an act on the file that a result goes as.
func (p *site) onFile(v *view, f form, flash string, act func(id string) error) error {
	return p.onResult(v, f, "/results/"+v.id()+"#electronic", flash, func() error {
		file, err := p.fileOf(v)
		if err != nil {
			return err
		}
		return act(file.ID)
	})
}

func (p *site) fileOf(v *view) (delivery.ElectronicFile, error) {
	found, err := p.Delivery.FindResult(v.ctx(), v.by, v.id())
	if err != nil {
		return delivery.ElectronicFile{}, err
	}
	if file := found.File(); file != nil {
		return *file, nil
	}
	return delivery.ElectronicFile{}, notFound()
}

func (p *site) sendFileOf(v *view) error {
	return p.onFile(v, form{"sendfile", ""}, "flash.electronic.sent", func(id string) error {
		_, err := p.Delivery.SendFile(v.ctx(), v.by, id)
		return err
	})
}

func (p *site) fileEntered(v *view) error {
	return p.onFile(v, form{"entered", ""}, "flash.electronic.entered", func(id string) error {
		_, err := p.Delivery.RecordEntered(v.ctx(), v.by, id, v.form("receipt"))
		return err
	})
}

func (p *site) changeWayOf(v *view) error {
	return p.onFile(v, form{"change", ""}, "flash.electronic.changed", func(id string) error {
		_, err := p.Delivery.ChangeWay(v.ctx(), v.by, id, v.form("reason"))
		return err
	})
}

func (p *site) printFetchOf(v *view) error {
	file, err := p.fileOf(v)
	if err != nil {
		return err
	}
	out, err := p.Delivery.PrintFetch(v.ctx(), v.by, file.ID)
	return p.print(v, form{"fetch", ""}, out, err, p.result)
}

func (p *site) readFileOf(v *view) error {
	file, err := p.fileOf(v)
	if err != nil {
		return err
	}
	f, body, err := p.Delivery.ReadFile(v.ctx(), v.by, file.ID)
	if err != nil {
		return err
	}
	handedOut(f, body).write(v.w)
	return nil
}

// fileByID leads from a file, as tasks name it, to the page of its result.
func (p *site) fileByID(v *view) error {
	f, err := p.Delivery.FindFile(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	return v.leave("/results/"+f.LineID+"#electronic", "")
}

// filePage is the page of a link: the form, and below it the file after
// identification. Before that nothing of it is shown.
type filePage struct {
	Action, Last4 string
	Found         *delivery.TheirFile
	Class         string
	Signature     string
	Kilobytes     int
	Refused       string // why the link does not open
}

func (p *site) showFile(v *view, d filePage) error {
	v.here, v.plain = "/e/"+v.r.PathValue("token"), true
	d.Action = v.here
	v.w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	return p.show(v, "fetch", d)
}

func (p *site) fileLink(v *view) error {
	if err := p.Delivery.KnowsFile(v.ctx(), v.r.PathValue("token")); err != nil {
		return p.deadLink(v, err)
	}
	return p.showFile(v, filePage{})
}

// deadLink says why a link opens nothing, on a page without a form.
func (p *site) deadLink(v *view, err error) error {
	f, refused := fault.From(err)
	if !refused {
		return err
	}
	v.x.code, v.state = f.Code, statusOf[f.Kind]
	return p.showFile(v, filePage{Refused: f.In(v.x.lang)})
}

func (p *site) openFileLink(v *view) error {
	last4 := digits(v.form("last4"))
	found, err := p.Delivery.OpenFile(v.ctx(), v.r.PathValue("token"), last4)
	if err != nil {
		return p.unopened(v, err)
	}
	return p.showFile(v, filePage{
		Found: &found, Last4: last4, Class: found.Class.In(v.x.lang), Signature: found.Signature.In(v.x.lang), Kilobytes: (found.Size + 1023) / 1024,
	})
}

// unopened shows wrong digits beside their field, and the end of a link as such.
func (p *site) unopened(v *view, err error) error {
	if fault.Is(err, "electronic_digits") {
		return p.done(v, err, form{"fetch", ""}, p.fileLink)
	}
	return p.deadLink(v, err)
}

func (p *site) fetchFileLink(v *view) error {
	found, body, err := p.Delivery.FetchFile(v.ctx(), v.r.PathValue("token"), digits(v.form("last4")))
	if err != nil {
		return p.unopened(v, err)
	}
	handedOut(found.ElectronicFile, body).write(v.w)
	return nil
}
