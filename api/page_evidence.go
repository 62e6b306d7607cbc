package api

import (
	"maps"
	"net/http"
	"slices"

	"lianban/inspection"
)

func (p *site) evidencePages() {
	p.on(Route{Method: http.MethodGet, Path: "/evidence", Act: "pageEvidence", Who: anywhere(mayEvidence...)}, p.evidence)
	p.on(Route{
		Method: http.MethodPost, Path: "/evidence/verify", Act: "pageVerify", Who: anywhere(mayEvidence...), Rate: uploadRate, Body: maxBundle + maxBody,
	}, p.verify)
}

// evidencePage leads to the bundles and checks an uploaded one. Nobody has to
// trust it: the page says how to verify offline (EV-11).
type evidencePage struct {
	Search, Key string
	Visits      []inspection.Visit
	Report      *reportPage
}

// reportPage is what a verification found.
type reportPage struct {
	Verdict, Key string
	About        []named
	Entries      int
	Lines        []finding
}

type named struct{ Name, Value string }

func (p *site) evidence(v *view) error { return p.showEvidence(v, nil) }

func (p *site) showEvidence(v *view, report *reportPage) error {
	v.here = "/evidence"
	list, err := p.Inspection.ListVisits(v.ctx(), v.by, inspection.VisitQuery{Search: v.query("q"), Limit: pageSize})
	if err != nil {
		return err
	}
	d := evidencePage{Search: v.query("q"), Key: p.Audit.Key.Public, Report: report}
	for _, visit := range list {
		if visit.Round > 0 { // nothing was offered yet: no department has a part in it
			d.Visits = append(d.Visits, visit)
		}
	}
	return p.show(v, "evidence", d)
}

// verify checks an uploaded bundle and shows what it found. The file is read
// in memory and forgotten.
func (p *site) verify(v *view) error {
	file, err := v.upload("bundle", maxBundle)
	if err != nil {
		return err
	}
	said, err := p.verifyEvidence(v.ctx(), &call{lang: v.x.lang}, &verifyEvidence{Body: file.Bytes})
	if err != nil {
		return p.done(v, err, form{"verify", ""}, p.evidence)
	}
	report := &reportPage{Verdict: said.Result, Key: said.Key, Lines: said.Lines}
	for _, name := range slices.Sorted(maps.Keys(said.About)) {
		word := name
		if p.set.Has("about." + name) {
			word = p.say(v, "about."+name)
		}
		report.About = append(report.About, named{word, said.About[name]})
	}
	return p.showEvidence(v, report)
}
