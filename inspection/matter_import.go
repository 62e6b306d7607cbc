package inspection

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

//go:embed data/matters.csv
var shippedMatters []byte

// ShippedMatters gives the working list of 43 matters that ships with the
// program, a file for ImportMatters. The official list could not be obtained:
// its codes and most of its conditions are proposals (facts section 3).
func ShippedMatters() io.Reader { return bytes.NewReader(shippedMatters) }

// MatterImport is a file of matters to publish.
type MatterImport struct {
	File          io.Reader
	EffectiveFrom workday.Date // for rows without a date of their own; zero is the day of the import
	Actor         string       // for the evidence log
	Check         bool         // do everything but keep nothing
}

// MatterReport says what an import did, or with Check would have done.
type MatterReport struct {
	Published []string // M01@2: code and new version
	Unchanged []string // codes whose newest version says the same already
	Warnings  []LineWarning
	Problems  []LineProblem // why nothing was imported
}

// LineWarning is a warning about a line of the file, counted from 1.
type LineWarning struct {
	Line int
	Warning
}

// LineProblem is a refusal of a line of the file, counted from 1.
type LineProblem struct {
	Line int
	Err  *fault.Error
}

// In says what is wrong and where: "第 7 行（fire）：…".
func (p LineProblem) In(lang string) string {
	text := Words{fmt.Sprintf("第 %d 行", p.Line), fmt.Sprintf("line %d", p.Line)}.In(lang)
	if department, ok := p.Err.Details["department"]; ok {
		text += fmt.Sprintf(Words{"（%s）", " (%s)"}.In(lang), department)
	}
	return text + Words{"：", ": "}.In(lang) + p.Err.In(lang)
}

// errDryRun rolls back what a check has done.
var errDryRun = errors.New("dry run")

// ImportMatters publishes what is new or changed in a CSV file, all in one
// transaction or nothing: UTF-8 with or without a mark, or GB18030. Columns are
// those of data/matters.csv, in any order, and if wanted commitment,
// window_only, effective_from, effective_to, basis; see parseVisits for visits. The caller
// has checked that Actor may.
//
// Refusals: table_unreadable, table_columns, table_too_large; matters_refused
// when lines are wrong, which Problems and the error's fields list with their
// own codes.
func (d *Desk) ImportMatters(ctx context.Context, in MatterImport) (MatterReport, error) {
	by := author{in.Actor, d.now()}
	if in.EffectiveFrom.IsZero() {
		in.EffectiveFrom = workday.DateOf(by.at)
	}
	file, err := io.ReadAll(io.LimitReader(in.File, maxTable+1))
	if err != nil {
		return MatterReport{}, fmt.Errorf("read matters: %w", err)
	}
	lines, report, err := readMatters(file, in.EffectiveFrom)
	if err != nil {
		return report, err
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		report.Published, report.Unchanged, report.Problems = nil, nil, nil
		if err := publishLines(ctx, tx, lines, by, &report); err != nil {
			return err
		}
		if in.Check {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return report, err
}

// matterLine is a matter and where it stands in the file.
type matterLine struct {
	line   int
	matter Matter
}

// publishLines publishes what differs from the newest version.
func publishLines(ctx context.Context, tx bun.IDB, lines []matterLine, by author, report *MatterReport) error {
	var leaves []audit.Leaf
	for _, l := range lines {
		published, err := publishIfChanged(ctx, tx, l.matter, by)
		if refusal, ok := fault.From(err); ok && refusal.Kind == fault.Invalid {
			report.Problems = append(report.Problems, LineProblem{l.line, refusal})
			continue
		}
		switch {
		case err != nil:
			return err
		case published.Version == 0:
			report.Unchanged = append(report.Unchanged, l.matter.Code)
		default:
			report.Published = append(report.Published, fmt.Sprintf("%s@%d", published.Code, published.Version))
			leaves = append(leaves, published.leaf())
		}
	}
	if err := report.refusal(); err != nil || len(leaves) == 0 {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

// publishIfChanged gives the zero Matter when the newest version says the same.
func publishIfChanged(ctx context.Context, tx bun.IDB, m Matter, by author) (Matter, error) {
	latest, err := latestVersion(ctx, tx, m.Code)
	if err != nil {
		return Matter{}, err
	}
	m.Version = latest
	if latest > 0 {
		hash, err := m.contentHash()
		if err != nil {
			return Matter{}, err
		}
		present, err := FindMatter(ctx, tx, m.Code, latest)
		if err != nil || present.Hash == hash {
			return Matter{}, err
		}
	}
	return publish(ctx, tx, m, by)
}

// refusal tells of all problems, the first in words.
func (r MatterReport) refusal() error {
	if len(r.Problems) == 0 {
		return nil
	}
	first := r.Problems[0]
	refusal := fault.Refuse(fault.Invalid, "matters_refused",
		"文件有 %[1]d 处错误，没有导入任何事项；%[2]s", "the file has %[1]d errors, nothing was imported; %[3]s",
		len(r.Problems), first.In("zh"), first.In("en"))
	for _, p := range r.Problems {
		refusal.Fields = append(refusal.Fields, fault.Field{Name: fmt.Sprintf("line %d", p.Line), Code: p.Err.Code, Text: p.In("zh")})
	}
	return refusal
}

var (
	matterColumns         = []string{"id", "name_zh", "name_en", "lead_department", "permits", "visits", "never_deemed", "certainty"}
	optionalMatterColumns = []string{"commitment", "window_only", "effective_from", "effective_to", "basis"}
)

// readMatters reads and checks a file. The report has the warnings, or with the
// refusal the problems of all lines.
func readMatters(file []byte, from workday.Date) ([]matterLine, MatterReport, error) {
	var report MatterReport
	rows, err := readTable(file, matterColumns, optionalMatterColumns)
	if err != nil {
		return nil, report, err
	}
	var lines []matterLine
	for _, r := range rows {
		m, problems := matterOf(r, from)
		same := func(l matterLine) bool { return l.matter.Code == m.Code }
		if slices.ContainsFunc(lines, same) {
			problems = append(problems, fault.Refuse(fault.Invalid, "matter_doubled",
				"事项 %s 在文件中出现两次，请只保留一行", "matter %s stands in the file twice; keep one line", m.Code))
		}
		for _, p := range problems {
			report.Problems = append(report.Problems, LineProblem{r.line, p})
		}
		for _, w := range m.Warnings() {
			report.Warnings = append(report.Warnings, LineWarning{r.line, w})
		}
		lines = append(lines, matterLine{r.line, m})
	}
	return lines, report, report.refusal()
}

// matterOf reads one line and gives everything that is wrong with it.
func matterOf(r tableRow, from workday.Date) (Matter, []*fault.Error) {
	var problems []*fault.Error
	note := func(err error) {
		if refusal, ok := fault.From(err); ok {
			problems = append(problems, refusal)
		}
	}
	m := Matter{
		Code: r.cell("id"), NameZH: r.cell("name_zh"), NameEN: r.cell("name_en"),
		EffectiveFrom: from, Permits: cutList(r.cell("permits")), Certainty: Certainty(r.cell("certainty")),
	}
	var err error
	if m.NeverDeemed, err = parseYesNo(r.cell("never_deemed")); err != nil {
		note(err)
	}
	if text := r.cell("commitment"); text != "" {
		m.Commitment, err = parseYesNo(text)
		note(err)
	}
	if text := r.cell("window_only"); text != "" { // an older table has no such column (DEL-204)
		m.WindowOnly, err = parseYesNo(text)
		note(err)
	}
	if text := r.cell("effective_from"); text != "" {
		m.EffectiveFrom, err = workday.ParseDate(text)
		note(err)
	}
	if text := r.cell("effective_to"); text != "" {
		m.EffectiveTo, err = workday.ParseDate(text)
		note(err)
	}
	for _, clause := range cutList(r.cell("visits")) {
		rule, err := parseVisit(clause)
		note(err)
		rule.Lead, rule.Basis = rule.System == r.cell("lead_department"), r.cell("basis")
		m.Rules = append(m.Rules, rule)
	}
	if len(problems) == 0 { // else the check would only repeat them
		problems = m.Check()
	}
	return m, problems
}

// cutList splits a cell at semicolons; full-width ones count too.
func cutList(cell string) []string {
	out := []string{}
	for part := range strings.SplitSeq(strings.ReplaceAll(cell, "；", ";"), ";") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
