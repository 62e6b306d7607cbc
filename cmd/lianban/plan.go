package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"lianban/scheduler/route"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

// planCommand puts the rounds of couriers in order, from a file and without a
// database (design section 6).
type planCommand struct {
	File   string `arg:"" help:"派送任务文件（JSON），格式见 lianban plan --example|The rounds (JSON); lianban plan --example shows the form." optional:"" type:"path"`
	JSON   bool   `help:"只输出 JSON|Print JSON only." name:"json"`
	Strict bool   `help:"有站点超时则以 1 退出|End with 1 when a stop is late."`
	Seed   uint64 `help:"随机种子：文件和种子相同，结果必定相同|Seed: the same file and seed give the same plan." default:"1"`

	Example bool `help:"输出一个示例文件|Print an example file."`
}

// roundsFile is what the file holds. Minutes are whole, instants carry their
// offset.
type roundsFile struct {
	Roads  roundRoads   `json:"roads"`
	Rounds []roundInput `json:"rounds"`
}

type roundRoads struct {
	Detour  float64 `json:"detour"`
	Speed   int     `json:"speed_kmh"`
	Unknown int     `json:"unknown_minutes"`
	Further int     `json:"further_minutes"`
}

type roundInput struct {
	Courier string      `json:"courier"`
	Begin   time.Time   `json:"begin"`
	From    slot.Point  `json:"from"`
	End     time.Time   `json:"shift_end"`
	First   []string    `json:"first"`
	Stops   []stopInput `json:"stops"`
}

type stopInput struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	At      slot.Point `json:"at"`
	Place   string     `json:"place"`
	Minutes int        `json:"minutes"`
	Due     time.Time  `json:"due"`
	Weight  int        `json:"weight"`
}

// plannedRound is one round as --json prints it.
type plannedRound struct {
	Courier string     `json:"courier"`
	Plan    route.Plan `json:"plan"`
	problem roundInput
}

// Run plans and prints. A plan with late stops is a plan: only --strict makes
// them a failure (PLN-402).
func (c *planCommand) Run(a *app) error {
	if c.Example {
		_, err := io.WriteString(a.out, planExample)
		return err
	}
	if c.File == "" {
		return misuse{"请给出派送任务文件；格式见 lianban plan --example", "name a file with rounds; lianban plan --example shows the form"}
	}
	content, err := os.ReadFile(c.File)
	if err != nil {
		return misuse{fmt.Sprintf("读不到文件 %s，请核对文件名", c.File), fmt.Sprintf("cannot read %s; check its name", c.File)}
	}
	rounds, late, err := c.plan(a, content)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(a.out)
		out.SetIndent("", "  ")
		err = out.Encode(map[string]any{"rounds": rounds})
	} else {
		for _, r := range rounds {
			a.printRound(r)
		}
	}
	if err == nil && c.Strict && late > 0 {
		return exit(exitFailure)
	}
	return err
}

func (c *planCommand) plan(a *app, content []byte) (rounds []plannedRound, late int, err error) {
	file, err := readRounds(content)
	if err != nil {
		return nil, 0, a.badRounds(content, err)
	}
	lines := jsonLines(content)
	for i, r := range file.Rounds {
		p := r.problem(file.Roads)
		plan, err := route.Make(p, route.Options{Seed: c.Seed})
		var flaws route.Flaws
		if errors.As(err, &flaws) {
			return nil, 0, a.flawed(c.File, fmt.Sprintf("rounds[%d].", i), flaws, lines)
		}
		if err != nil {
			return nil, 0, err
		}
		if wrong := route.Check(p, plan); len(wrong) > 0 { // never printed (PLN-402)
			return nil, 0, fmt.Errorf("the checker refuses the plan of round %d: %s", i, strings.Join(wrong, "; "))
		}
		late += plan.Cost.Late
		rounds = append(rounds, plannedRound{r.Courier, plan, r})
	}
	return rounds, late, nil
}

// readRounds reads the file over the defaults. A field that is not known is
// refused: it is a misspelt one.
func readRounds(content []byte) (file roundsFile, err error) {
	usual := route.DefaultRoads()
	file.Roads = roundRoads{usual.Detour, usual.Speed, usual.Unknown / 60, usual.Further / 60}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err = d.Decode(&file); err != nil {
		return file, err
	}
	if _, err = d.Token(); err == io.EOF {
		return file, nil
	}
	return file, errors.New("more than one JSON value")
}

func (r roundInput) problem(roads roundRoads) route.Problem {
	p := route.Problem{
		Begin: r.Begin, From: r.From, End: r.End, First: r.First,
		Roads: route.Roads{Detour: roads.Detour, Speed: roads.Speed, Unknown: roads.Unknown * 60, Further: roads.Further * 60},
	}
	for _, s := range r.Stops {
		if s.Weight == 0 {
			s.Weight = 1
		}
		p.Stops = append(p.Stops, route.Stop{ID: s.ID, At: s.At, Place: s.Place, Service: s.Minutes * 60, Due: s.Due, Weight: s.Weight})
	}
	return p
}

// badRounds says where a file is not what it should be.
func (a *app) badRounds(content []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	offset := len(content)
	what := a.text("内容不完整", "it ends too soon")
	switch {
	case errors.As(err, &syntax):
		offset, what = int(syntax.Offset), a.text("不是正确的 JSON：", "no JSON: ")+syntax.Error()
	case errors.As(err, &kind):
		offset, what = int(kind.Offset), fmt.Sprintf(a.text("%s 不能是 %s", "%s cannot be %s"), kind.Field, kind.Value)
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		name := strings.TrimPrefix(err.Error(), "json: unknown field ")
		offset, what = bytes.Index(content, []byte(name)), fmt.Sprintf(a.text("没有字段 %s", "there is no field %s"), name)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		offset, what = 0, err.Error()
	}
	line := 1 + bytes.Count(content[:max(0, min(offset, len(content)))], []byte("\n"))
	fmt.Fprintf(a.err, a.text("第 %d 行：%s\n", "line %d: %s\n"), line, what)
	a.hint("正确的格式见 lianban plan --example。", "lianban plan --example shows the form.")
	return exit(exitFailure)
}

// inFile gives the field of the file for one of the problem; the two differ in
// what counts in minutes.
var inFile = strings.NewReplacer("service", "minutes", "end", "shift_end", "roads.speed", "roads.speed_kmh",
	"roads.unknown", "roads.unknown_minutes", "roads.further", "roads.further_minutes")

// flawed names each field that keeps a round from being planned, with its line.
func (a *app) flawed(file, round string, flaws route.Flaws, lines map[string]int) error {
	for _, f := range flaws {
		path := inFile.Replace(f.Path)
		if !strings.HasPrefix(path, "roads.") {
			path = round + path
		}
		fmt.Fprintf(a.err, a.text("%s 第 %d 行，%s：%s\n", "%s line %d, %s: %s\n"), file, lineNear(lines, path), path, f.In(a.lang))
	}
	a.hint("请改正后重试；格式见 lianban plan --example。", "mend it and try again; lianban plan --example shows the form.")
	return exit(exitFailure)
}

// lineNear is the line of a field, or of what it should stand in.
func lineNear(lines map[string]int, path string) int {
	for path != "" {
		if line, ok := lines[path]; ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 1
}

// jsonLines gives the line of every value of a JSON text by its path, such as
// rounds[0].stops[2].due.
func jsonLines(content []byte) map[string]int {
	lines, d := map[string]int{}, json.NewDecoder(bytes.NewReader(content))
	var walk func(path string)
	walk = func(path string) {
		token, err := d.Token()
		if err != nil {
			return
		}
		lines[path] = 1 + bytes.Count(content[:d.InputOffset()], []byte("\n"))
		switch token {
		case json.Delim('{'):
			for d.More() {
				key, err := d.Token()
				if err != nil {
					return
				}
				walk(strings.TrimPrefix(fmt.Sprintf("%s.%v", path, key), "."))
			}
		case json.Delim('['):
			for i := 0; d.More(); i++ {
				walk(fmt.Sprintf("%s[%d]", path, i))
			}
		default:
			return
		}
		_, _ = d.Token() // the closing bracket
	}
	walk("")
	return lines
}

// printRound prints a round as a table, then what is late and what pins cost.
func (a *app) printRound(r plannedRound) {
	names := map[string]stopInput{}
	for _, s := range r.problem.Stops {
		names[s.ID] = s
	}
	name := func(id string) string {
		if s := names[id]; s.Name != "" {
			return s.Name
		}
		return id
	}
	c := r.Plan.Cost
	a.say("%s  %s 出发，%d 站，路上 %d 分钟", "%s  sets out %s, %d stops, %d min on the road", r.Courier, dayClock(a.lang, r.problem.Begin), len(r.Plan.Stops), (c.Way+30)/60)
	for i, s := range r.Plan.Stops {
		due := ""
		if d := names[s.ID].Due; !d.IsZero() {
			due = a.text("，承诺 ", ", due ") + dayClock(a.lang, d)
		}
		fmt.Fprintf(a.out, "%3d  %s  %s  %s%s\n     %s\n", i+1, dayClock(a.lang, s.Arrive), name(s.ID), kilometres(a.lang, s.Metres), due, s.Why.In(a.lang, name))
		if s.Late.Code != "" {
			fmt.Fprintf(a.out, "     ! %s\n", s.Late.In(a.lang, name))
		}
	}
	if more := r.Plan.Cost.Points - r.Plan.Free.Points; more > 0 { // DEL-1305
		a.say("指定的顺序使全程多走 %d 分钟，多超时 %d 站", "the stops that had to go first cost %d min more on the road and %d more late stops",
			(c.Way-r.Plan.Free.Way+30)/60, c.Late-r.Plan.Free.Late)
	}
}

func kilometres(lang string, metres int) string {
	if metres == 0 {
		return pick("路程不详|way unknown", lang)
	}
	return fmt.Sprintf("%.1f km", float64(metres)/1000)
}

// dayClock is an instant with its weekday, as a person reads it.
func dayClock(lang string, t time.Time) string {
	t = t.In(workday.Shanghai)
	if lang == "en" {
		return t.Format("Mon 15:04")
	}
	return "周" + string([]rune("日一二三四五六")[t.Weekday()]) + t.Format(" 15:04")
}

// planExample is a file to begin with.
const planExample = `{
  "roads": {"detour": 1.35, "speed_kmh": 18, "unknown_minutes": 10, "further_minutes": 1},
  "rounds": [
    {
      "courier": "周师傅",
      "begin": "2026-11-24T09:10:00+08:00",
      "from": {"lat": 26.4345, "lon": 111.6078},
      "shift_end": "2026-11-24T17:30:00+08:00",
      "first": ["LBYZ0001A7K3G"],
      "stops": [
        {"id": "LBYZ0001A7K3G", "name": "梧桐路 18 号", "at": {"lat": 26.4521, "lon": 111.6190}, "minutes": 3, "due": "2026-11-24T12:00:00+08:00"},
        {"id": "LBYZ7Q4M2X9C8", "name": "凤凰园 6 栋", "at": {"lat": 26.4188, "lon": 111.5893}, "minutes": 5, "due": "2026-11-24T17:30:00+08:00"},
        {"id": "LBYZ0002B8M4K", "name": "潇湘大道 205 号", "minutes": 3, "due": "2026-11-24T17:30:00+08:00", "weight": 2}
      ]
    }
  ]
}
`
