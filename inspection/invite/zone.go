package invite

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // ICA-74: times are built from the zone database in the binary

	"github.com/emersion/go-ical"
)

const (
	zoneName = "Asia/Shanghai"

	// vtimezone goes into every object as it is (ICA-74). It is short because
	// Google's importer garbles Chinese behind a long one (TimeTree-Exporter#157).
	vtimezone = "BEGIN:VTIMEZONE\r\n" +
		"TZID:" + zoneName + "\r\n" +
		"BEGIN:STANDARD\r\n" +
		"DTSTART:19700101T000000\r\n" +
		"TZOFFSETFROM:+0800\r\n" +
		"TZOFFSETTO:+0800\r\n" +
		"TZNAME:CST\r\n" +
		"END:STANDARD\r\n" +
		"END:VTIMEZONE\r\n"

	dayLayout   = "20060102"
	localLayout = "20060102T150405"
	utcLayout   = "20060102T150405Z"

	maxZones           = 16 // zone names looked up per Read; a lookup may read files
	firstYear, endYear = 1970, 2200
)

// shanghai is the zone of every time that is written; never time.Local, never a
// fixed offset (ICA-74).
var shanghai = sync.OnceValues(func() (*time.Location, error) { return time.LoadLocation(zoneName) })

// windowsZones are the names Outlook and Exchange write, in lower case, as in
// the CLDR table windowsZones. The time package knows none of them.
var windowsZones = map[string]string{
	"china standard time":            zoneName,
	"中国标准时间":                         zoneName,
	"prc":                            zoneName,
	"asia/shanghai":                  zoneName,
	"taipei standard time":           "Asia/Taipei",
	"singapore standard time":        "Asia/Singapore",
	"ulaanbaatar standard time":      "Asia/Ulaanbaatar",
	"w. australia standard time":     "Australia/Perth",
	"north asia east standard time":  "Asia/Irkutsk",
	"tokyo standard time":            "Asia/Tokyo",
	"korea standard time":            "Asia/Seoul",
	"se asia standard time":          "Asia/Bangkok",
	"india standard time":            "Asia/Kolkata",
	"arabian standard time":          "Asia/Dubai",
	"russian standard time":          "Europe/Moscow",
	"aus eastern standard time":      "Australia/Sydney",
	"utc":                            "UTC",
	"gmt":                            "UTC",
	"gmt standard time":              "Europe/London",
	"w. europe standard time":        "Europe/Berlin",
	"central europe standard time":   "Europe/Budapest",
	"central european standard time": "Europe/Warsaw",
	"romance standard time":          "Europe/Paris",
	"eastern standard time":          "America/New_York",
	"central standard time":          "America/Chicago",
	"mountain standard time":         "America/Denver",
	"pacific standard time":          "America/Los_Angeles",
}

// zones resolves the zone names of the calendars of one Read.
type zones struct {
	blocks map[string]*ical.Component // VTIMEZONE of the present calendar by TZID
	names  map[string]*time.Location  // looked up before; nil: not known
}

// enter begins another calendar: it explains its own zones only.
func (z *zones) enter(cal *ical.Calendar) {
	z.blocks = map[string]*ical.Component{}
	for _, child := range cal.Children {
		if tzid := child.Props.Get(ical.PropTimezoneID); child.Name == ical.CompTimezone && tzid != nil {
			z.blocks[tzid.Value] = child
		}
	}
}

// instant reads a date or date-time; doubt is empty when there is none.
func (z *zones) instant(p *ical.Prop) (t time.Time, doubt Doubt) {
	value := strings.ToUpper(strings.TrimSpace(p.Value))
	zone, err := shanghai()
	layout := localLayout
	switch tzid := p.Params.Get(ical.ParamTimezoneID); {
	case strings.HasSuffix(value, "Z"):
		layout, zone = utcLayout, time.UTC
	case len(value) == len(dayLayout):
		layout, doubt = dayLayout, DoubtDateOnly
	case tzid == "":
		doubt = DoubtNoZone
	default:
		if zone = z.find(tzid); zone == nil {
			return time.Time{}, DoubtUnknownZone
		}
	}
	if err == nil {
		t, err = time.ParseInLocation(layout, value, zone)
	}
	if t = t.UTC(); err != nil || t.Year() < firstYear || t.Year() >= endYear {
		return time.Time{}, DoubtUnreadable
	}
	return t, doubt
}

// find resolves a TZID: names that are known first, then the embedded block if
// it is one fixed offset; nil if neither.
func (z *zones) find(tzid string) *time.Location {
	zone, seen := z.names[tzid]
	if !seen && len(z.names) < maxZones {
		zone = named(tzid)
		z.names[tzid] = zone
	}
	if zone == nil {
		zone = fixed(z.blocks[tzid])
	}
	return zone
}

// beijing is the title Outlook shows and sometimes writes, "(UTC+08:00) Beijing,
// Chongqing, …". No zone at +08:00 has summer time; at other offsets the title
// does not tell.
var beijing = regexp.MustCompile(`^\((utc|gmt)\+08[:.]00\)`)

// named resolves a Windows name, an IANA name, or an IANA name behind a prefix
// such as /freeassociation.sourceforge.net/.
func named(tzid string) *time.Location {
	name := strings.ToLower(strings.TrimSpace(tzid))
	if beijing.MatchString(name) {
		name = zoneName
	} else if iana, ok := windowsZones[name]; ok {
		name = iana
	} else {
		name = strings.TrimSpace(tzid)
	}
	for parts := strings.Split(name, "/"); len(parts) > 0; parts = parts[1:] {
		if len(parts) > 3 {
			continue // no IANA name has more parts
		}
		// A single word such as "Local" or "CST" means another thing on every machine.
		if candidate := strings.Join(parts, "/"); candidate == "UTC" || len(parts) > 1 {
			if zone, err := time.LoadLocation(candidate); err == nil {
				return zone
			}
		}
	}
	return nil
}

var offset = regexp.MustCompile(`^([+-])(0\d|1[0-4])([0-5]\d)(?:00)?$`)

// fixed gives the zone of a VTIMEZONE whose every rule has one and the same
// offset, else nil. Such a zone is for reading only.
func fixed(block *ical.Component) *time.Location {
	if block == nil {
		return nil
	}
	var value string
	for _, rule := range block.Children {
		to := rule.Props.Get(ical.PropTimezoneOffsetTo)
		if to == nil || value != "" && value != to.Value {
			return nil
		}
		value = to.Value
	}
	m := offset.FindStringSubmatch(value)
	if m == nil {
		return nil
	}
	hours, _ := strconv.Atoi(m[1] + m[2])
	minutes, _ := strconv.Atoi(m[1] + m[3])
	return time.FixedZone(value, hours*3600+minutes*60)
}
