package workday

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"time"

	"lianban/internal/fault"
)

//go:embed holidays.json
var shipped []byte

// Shipped gives the years that come with the program: 2024 to 2026 final, 2027
// provisional. An installation imports newer notices over them (INS-404).
func Shipped() (map[int]Year, error) { return ParseOwn(shipped) }

// Parse reads a file of either form that INS-404 names.
func Parse(file []byte) (map[int]Year, error) {
	var form struct{ Years json.RawMessage }
	if err := json.Unmarshal(file, &form); err == nil && form.Years != nil {
		return ParseOwn(file)
	}
	return ParseHolidayCN(file)
}

// ParseOwn reads {"years": {"2026": {status, papers, off, work}}}. Refusals:
// calendar_unreadable, calendar_year_empty, calendar_date_foreign.
func ParseOwn(file []byte) (map[int]Year, error) {
	var form struct {
		Source []string     `json:"source"` // addresses for all years together, an older form
		Years  map[int]Year `json:"years"`
	}
	reader := json.NewDecoder(bytes.NewReader(file))
	reader.DisallowUnknownFields() // a misspelt "work" would silently lose make-up days
	if err := reader.Decode(&form); err != nil {
		return nil, unreadable(err)
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		return nil, unreadable(errors.New("there is more after the first value"))
	}
	if len(form.Years) == 0 {
		return nil, unreadable(errors.New("there is no year in it"))
	}
	for y, year := range form.Years {
		if err := year.check(y); err != nil {
			return nil, err
		}
	}
	return form.Years, nil
}

// ParseHolidayCN reads files of the holiday-cn data set, one year each:
// {year, papers, days: [{name, date, isOffDay}]}. Refusals as for ParseOwn.
func ParseHolidayCN(files ...[]byte) (map[int]Year, error) {
	years := make(map[int]Year, len(files))
	for _, file := range files {
		var form holidayCN
		if err := json.Unmarshal(file, &form); err != nil {
			return nil, unreadable(err)
		}
		year := form.convert()
		if err := year.check(form.Year); err != nil {
			return nil, err
		}
		years[form.Year] = year
	}
	return years, nil
}

type holidayCN struct {
	Year   int      `json:"year"`
	Papers []string `json:"papers"`
	Days   []struct {
		Date     Date `json:"date"`
		IsOffDay bool `json:"isOffDay"`
	} `json:"days"`
}

func (f holidayCN) convert() Year {
	year := Year{Status: Final, Papers: f.Papers}
	for _, day := range f.Days {
		if day.IsOffDay {
			year.Off = append(year.Off, day.Date)
		} else {
			year.Work = append(year.Work, day.Date)
		}
	}
	return year
}

// check refuses what no notice can say. A final year without a single free day
// is a file made before the notice was out (INS-404).
func (y Year) check(number int) error {
	if number < firstYear || number > lastYear || y.Status != Final && y.Status != Provisional {
		return unreadable(errors.New("year or status makes no sense")).With("year", number)
	}
	if y.Status == Final && len(y.Off) == 0 {
		return fault.Refuse(fault.Invalid, "calendar_year_empty",
			"%d 年的文件没有一天放假，不能作为正式安排导入，请等放假通知公布后再导入",
			"the file for %d declares no day off and cannot be final; import it after the notice is out", number)
	}
	for _, list := range [][]Date{y.Off, y.Work} {
		for _, d := range list {
			if d.Year != number && !(d.Year == number-1 && d.Month == time.December) {
				return fault.Refuse(fault.Invalid, "calendar_date_foreign",
					"%d 年的安排里出现了 %s，请检查文件：只能是当年或上一年十二月的日期",
					"the notice for %d lists %s; only that year and the December before it are possible, check the file", number, d)
			}
		}
	}
	return nil
}

func unreadable(cause error) *fault.Error {
	return fault.Refuse(fault.Invalid, "calendar_unreadable",
		"日历文件无法识别，请使用本系统格式或 holiday-cn 格式的 JSON 文件",
		"this is not a calendar file; use the project's own JSON form or that of holiday-cn").Because(cause)
}
