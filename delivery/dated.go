package delivery

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// dated is a table in all its versions, oldest first. The rows of one version
// are the whole table from their day on: what they leave out is not in it.
type dated[K comparable, V any] []edition[K, V]

type edition[K comparable, V any] struct {
	version int
	from    workday.Date
	rows    map[K]V
}

// at gives the version in force, the zero edition before the first.
func (d dated[K, V]) at(t time.Time) (e edition[K, V]) {
	day := workday.DateOf(t)
	for _, next := range d {
		if day.Before(next.from) {
			break
		}
		e = next
	}
	return e
}

// rowProblem is what is wrong with a row, nil if nothing is.
type rowProblem struct{ bilingual }

func wrongRow(zh, en string, args ...any) *rowProblem {
	return &rowProblem{bilingual{fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}}
}

// readDated reads a CSV file whose columns are version, effective_from and
// those named, in that order. Refusals: dated_table_columns; dated_table_rows,
// whose fields list every bad line of the file.
func readDated[K comparable, V any](file io.Reader, columns string, parse func(cells []string) (K, V, *rowProblem)) (dated[K, V], error) {
	r := csv.NewReader(file)
	columns = "version,effective_from," + columns
	header, err := r.Read()
	if err != nil || strings.Join(header, ",") != columns {
		return nil, fault.Refuse(fault.Invalid, "dated_table_columns",
			"第 1 行应为列名 %s，请以随附的表为准", "line 1 must name the columns %s; start from the table that ships", columns).Because(err)
	}
	var (
		table    dated[K, V]
		problems []fault.Field
	)
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		n, problem := 0, wrongRow("不是合格的 CSV 行", "not a line of CSV")
		if err == nil {
			n, _ = r.FieldPos(0)
			table, problem = appendRow(table, cells, parse)
		} else if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
			n = bad.StartLine
		} else {
			return nil, fmt.Errorf("read a dated table: %w", err)
		}
		if problem != nil {
			problems = append(problems, fault.Field{
				Name: fmt.Sprintf("line %d", n), Code: "dated_table_row", Text: fmt.Sprintf("第 %d 行：%s / line %d: %s", n, problem.zh, n, problem.en),
			})
		}
	}
	if len(problems) > 0 || len(table) == 0 {
		return nil, badRows(problems)
	}
	return table, nil
}

func badRows(problems []fault.Field) error {
	first := "没有一行内容 / no rows"
	if len(problems) > 0 {
		first = problems[0].Text
	}
	refusal := fault.Refuse(fault.Invalid, "dated_table_rows",
		"表中有 %[1]d 行有误，整表未采用，请改正后再试；%[2]s", "%[1]d rows are wrong and the table was not taken; correct them and try again; %[2]s", len(problems), first)
	refusal.Fields = problems
	return refusal
}

// appendRow adds a row to the version it belongs to, which is the last one or
// begins a new one that is in force later.
func appendRow[K comparable, V any](table dated[K, V], cells []string, parse func([]string) (K, V, *rowProblem)) (dated[K, V], *rowProblem) {
	version, err := strconv.Atoi(cells[0])
	if err != nil || version < 1 {
		return table, wrongRow("版本 %q 不是正整数", "the version %q is no positive number", cells[0])
	}
	from, err := workday.ParseDate(cells[1])
	if err != nil {
		return table, wrongRow("生效日期 %q 应写成 2024-01-01 的形式", "the date %q must look like 2024-01-01", cells[1])
	}
	key, value, problem := parse(cells[2:])
	if problem != nil {
		return table, problem
	}
	last := len(table) - 1
	switch {
	case last < 0 || version > table[last].version && table[last].from.Before(from):
		return append(table, edition[K, V]{version, from, map[K]V{key: value}}), nil
	case version != table[last].version || from != table[last].from:
		return table, wrongRow("版本与生效日期须一同递增，同一版本的日期须相同", "version and date must grow together, and one version has one date")
	}
	if _, doubled := table[last].rows[key]; doubled {
		return table, wrongRow("与前面的行重复", "the row stands there twice")
	}
	table[last].rows[key] = value
	return table, nil
}
