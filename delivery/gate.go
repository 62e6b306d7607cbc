package delivery

import (
	"bytes"
	_ "embed"
	"io"
	"slices"
	"time"

	"lianban/internal/fault"
)

// Way is how a thing leaves the house: by which kind of carrier, over the
// counter, or as a file.
type Way string

// The six ways.
const (
	WayOwnCourier Way = "own_courier"
	WayEMS        Way = "ems"
	WayFirm       Way = "courier_firm" // 快递企业
	WayInstant    Way = "instant"      // 即时配送
	WayWindow     Way = "window"       // 现场递交
	WayElectronic Way = "electronic"   // 网上传输
)

// Ways lists every Way in the order of screens.
var Ways = [...]Way{WayOwnCourier, WayEMS, WayFirm, WayInstant, WayWindow, WayElectronic}

// GateCell is what the table says of a class and a way.
type GateCell string

// What a cell can say. Whatever is not yes denies the way to a parcel.
const (
	GateYes       GateCell = "yes"
	GateNo        GateCell = "no"
	GateRun       GateCell = "circulation_run" // by a circulation run and no other way (DEL-922)
	GateElsewhere GateCell = "other_cities"    // to other cities only, so not under a same-city promise
	GateScan      GateCell = "scan"            // as a scan for those who may see it (DEL-941)
)

// Ground is why a way is open or closed to a class; a waybill keeps it (DEL-211).
type Ground struct {
	Class   Class    `json:"class"`
	Way     Way      `json:"way"`
	Cell    GateCell `json:"cell"`
	Rule    string   `json:"rule"`
	Version int      `json:"version"`
	ZH      string   `json:"zh"`
	EN      string   `json:"en"`
}

// Allowed reports whether a parcel may go this way.
func (g Ground) Allowed() bool { return g.Cell == GateYes }

// In gives the text shown, in the language asked for.
func (g Ground) In(lang string) string { return bilingual{g.ZH, g.EN}.in(lang) }

// Gate is the carrier gate in all its versions (setting gate.table). It exists
// because 邮政法 art. 55 keeps 国家机关公文 from courier firms; whether a
// licence is one is argued both ways, so the shipped table is the cautious
// reading until the centre has an answer (DEL-212).
type Gate struct{ table dated[gatePair, Ground] }

type gatePair struct {
	class Class
	way   Way
}

//go:embed data/gate.csv
var shippedGate []byte

// ShippedGate gives the table of DEL §2.2 that ships with the program.
func ShippedGate() (Gate, error) { return ReadGate(bytes.NewReader(shippedGate)) }

// ReadGate reads a file like data/gate.csv. Refusals: dated_table_columns,
// dated_table_rows.
func ReadGate(file io.Reader) (Gate, error) {
	rules := map[string]gatePair{}
	table, err := readDated(file, "rule,class,way,cell,zh,en", func(cells []string) (gatePair, Ground, *rowProblem) {
		pair, ground, problem := parseGround(cells)
		if known, ok := rules[ground.Rule]; ok && known != pair && problem == nil {
			problem = wrongRow("规则号 %s 已用于别的组合", "the rule %s already stands for another pair", ground.Rule)
		}
		rules[ground.Rule] = pair
		return pair, ground, problem
	})
	for _, e := range table {
		for pair, ground := range e.rows {
			ground.Version = e.version
			e.rows[pair] = ground
		}
	}
	return Gate{table}, err
}

func parseGround(cells []string) (gatePair, Ground, *rowProblem) {
	g := Ground{Rule: cells[0], Class: Class(cells[1]), Way: Way(cells[2]), Cell: GateCell(cells[3]), ZH: cells[4], EN: cells[5]}
	var problem *rowProblem
	switch {
	case !slices.Contains(Classes[:], g.Class):
		problem = wrongRow("没有类别 %q", "there is no class %q", g.Class)
	case !slices.Contains(Ways[:], g.Way):
		problem = wrongRow("没有寄递方式 %q", "there is no way %q", g.Way)
	case !slices.Contains([]GateCell{GateYes, GateNo, GateRun, GateElsewhere, GateScan}, g.Cell):
		problem = wrongRow("结论 %q 未知", "the verdict %q is unknown", g.Cell)
	case g.Rule == "" || g.ZH == "" || g.EN == "":
		problem = wrongRow("规则号与中英文说明都要填写", "rule and both texts must be given")
	}
	return gatePair{g.Class, g.Way}, g, problem
}

// Ground gives what the table in force at an instant says of a pair. A pair
// that is not in it is denied (DEL-210).
func (g Gate) Ground(class Class, way Way, at time.Time) Ground {
	e := g.table.at(at)
	if ground, ok := e.rows[gatePair{class, way}]; ok {
		return ground
	}
	return Ground{
		Class: class, Way: way, Cell: GateNo, Rule: "DEL-210", Version: e.version,
		ZH: "寄递规则表中没有这一组合，按不允许处理", EN: "the table has no such pair, so it is denied",
	}
}

// Permit gives the grounds on which those classes may go that way now, one for
// each class. A parcel that was sealed earlier also needs the way to have been
// open then: a looser rule does not reach it, a stricter one does (DEL-213);
// sealed is zero before sealing. Refusal: carrier_not_allowed with the ground.
func (g Gate) Permit(classes []Class, way Way, sealed, now time.Time) ([]Ground, error) {
	var grounds []Ground
	for _, class := range classes {
		ground := g.Ground(class, way, now)
		if !sealed.IsZero() && ground.Allowed() {
			if then := g.Ground(class, way, sealed); !then.Allowed() {
				ground = then
			}
		}
		if !ground.Allowed() {
			return nil, fault.Refuse(fault.Invalid, "carrier_not_allowed",
				"%[1]s不能以“%[2]s”寄出：%[3]s。请改用其他方式，或者分开封装",
				"class %[4]s cannot go by %[5]s: %[6]s; choose another way or split the parcel",
				class.In("zh"), way.In("zh"), ground.ZH, class.In("en"), way.In("en"), ground.EN).With("ground", ground)
		}
		if !slices.Contains(grounds, ground) {
			grounds = append(grounds, ground)
		}
	}
	return grounds, nil
}
