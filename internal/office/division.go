package office

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"

	"lianban/internal/fault"
)

//go:embed divisions.csv
var shippedDivisions []byte

// shipped reads the divisions that come with the program: 永州市 with its
// counties, districts and zones, and codes that were replaced.
func shipped() ([]Division, error) {
	r := csv.NewReader(bytes.NewReader(shippedDivisions))
	r.Comment = '#'
	r.FieldsPerRecord = 10
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read divisions: %w", err)
	}
	var all []Division
	for _, row := range rows[1:] {
		v, err := parseDivision(row)
		if err != nil {
			return nil, fmt.Errorf("read division %s: %w", row[0], err)
		}
		all = append(all, v)
	}
	return all, nil
}

func parseDivision(row []string) (v Division, err error) {
	v = Division{
		Code: row[0], Name: row[1], NameEN: row[2], Level: Level(row[3]), Parent: row[4], ReplacedBy: row[9],
	}
	if v.Lat, err = strconv.ParseFloat(row[5], 64); err != nil {
		return v, err
	}
	if v.Lon, err = strconv.ParseFloat(row[6], 64); err != nil {
		return v, err
	}
	if err = v.ValidFrom.UnmarshalText([]byte(row[7])); err != nil {
		return v, err
	}
	return v, v.ValidTo.UnmarshalText([]byte(row[8]))
}

// check refuses a division that cannot stand under its parent.
func (v Division) check(parent Division) error {
	err := CheckLines(Line{Field: "code", Value: v.Code, Max: 12}, Line{Field: "name", Value: v.Name, Max: 60},
		Line{Field: "name_en", Value: v.NameEN, Max: 80, Optional: true})
	if err != nil {
		return err
	}
	if height[v.Level] == 0 || height[v.Level] >= height[parent.Level] {
		return fault.Refuse(fault.Invalid, "level_invalid",
			"区划级别“%s”不能设在“%s”之下，请检查级别和上级区划",
			"level %q cannot stand below %q; check the level and the parent", v.Level, parent.Name)
	}
	return checkPoint(v.Lat, v.Lon)
}

func checkPoint(lat, lon float64) error {
	if !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) { // written so that NaN fails
		return fault.Refuse(fault.Invalid, "point_invalid",
			"坐标无效，请填写 WGS-84 纬度（-90 至 90）和经度（-180 至 180）",
			"the point is not on earth; give WGS-84 latitude (-90 to 90) and longitude (-180 to 180)")
	}
	return nil
}

// OrganisesByDefault reports whether centres of a level organise visits unless
// somebody decides otherwise: county and city do (INS-202).
func (l Level) OrganisesByDefault() bool { return l == County || l == Zone || l == City }

// departmentLevel is the level of the division's departments.
func (v Division) departmentLevel() Level {
	if v.Level == Zone {
		return County
	}
	return v.Level
}

// nearest picks, of the centres that organise, the one lowest on the way up.
func nearest(up []Division, centres []Centre) (Centre, error) {
	for _, v := range up {
		for _, c := range centres {
			if c.Division == v.Code {
				return c, nil
			}
		}
	}
	return Centre{}, fault.Refuse(fault.NotFound, "no_organiser",
		"%s及其上级都没有可组织联合踏勘的政务中心，请管理员先设置",
		"no centre of %s or above organises visits; ask the administrator to set one up", up[0].Name)
}

// competent picks the department lowest on the way up, from the level on.
func competent(up []Division, all []Department, system string, level Level) (Department, error) {
	for _, v := range up {
		if height[v.Level] < height[level] {
			continue
		}
		for _, dep := range all {
			if dep.Division == v.Code {
				return dep, nil
			}
		}
	}
	return Department{}, fault.Refuse(fault.NotFound, "no_competent_department",
		"%s及其上级没有登记“%s”系统的部门，请管理员先添加该部门",
		"no department of system %[2]q is registered for %[1]s or above; ask the administrator to add it", up[0].Name, system)
}

func codes(all []Division) []string {
	list := make([]string, len(all))
	for i, v := range all {
		list[i] = v.Code
	}
	return list
}
