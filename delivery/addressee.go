package delivery

import (
	"regexp"
	"strings"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

var (
	mobile   = regexp.MustCompile(`^1[3-9][0-9]{9}$`)
	lastFour = regexp.MustCompile(`^[0-9A-Z]{4}$`) // of a card or, with letters, of another document
)

// incomplete names the field that is missing or is no mobile number, if any.
func (a *Addressee) incomplete(way Way) string {
	switch {
	case a.Name == "":
		return "name"
	case !mobile.MatchString(a.Phone):
		return "phone"
	case a.Address == "" && way != WayWindow:
		return "address"
	}
	return ""
}

func (a *Addressee) check(by auth.Actor, way Way) error {
	for _, text := range []*string{&a.Name, &a.Phone, &a.Address, &a.Agent, &a.AgentPhone, &a.AgentTie} {
		*text = strings.TrimSpace(*text)
	}
	if wrong := a.incomplete(way); wrong != "" {
		return fault.Refuse(fault.Invalid, "addressee_incomplete",
			"请填写收件人姓名、11 位手机号码和收件地址（窗口自取可不填地址）；收货码发到这个手机号码",
			"give the receiver's name, an 11-digit mobile number and the address (none for pick-up); the code goes to that number").With("field", wrong)
	}
	if !(a.Lat >= -90 && a.Lat <= 90 && a.Lon >= -180 && a.Lon <= 180) { // written so that NaN fails
		return fault.Refuse(fault.Invalid, "point_invalid",
			"坐标无效，请填写 WGS-84 纬度和经度，或留空", "the point is not on earth; give WGS-84 latitude and longitude, or leave it out")
	}
	for _, c := range a.Consents {
		if !c.Receiver.NeedsConsent() || strings.TrimSpace(c.GivenBy) == "" || !heardBy(by, c.Channel) {
			return fault.Refuse(fault.Invalid, "consent_incomplete",
				"代收、单位收发或快递柜的同意记录要写明同意人和方式（窗口或电话）", "a consent names the receiver, who gave it and how (window, phone)") // DEL-205
		}
		if err := office.CheckLines(line("given_by", c.GivenBy)); err != nil {
			return err
		}
	}
	return office.CheckLines(line("name", a.Name), line("address", a.Address), line("agent", a.Agent), line("agent_phone", a.AgentPhone), line("agent_tie", a.AgentTie))
}

func (r *SealRequest) check(by auth.Actor) error {
	r.IDLast4, r.Bag = plainSecret(r.IDLast4), strings.TrimSpace(r.Bag)
	if r.IDLast4 != "" && !lastFour.MatchString(r.IDLast4) {
		return fault.Refuse(fault.Invalid, "id_last4_form",
			"证件号后四位应为四位数字或字母（末位可为 X）；没有登记证件的请留空", "the last four of the document are four digits or letters; leave it empty if none is on file")
	}
	if r.Bag == "" && r.Way != WayWindow {
		return fault.Refuse(fault.Invalid, "bag_missing",
			"请扫描或填写封袋编号", "scan or type the number of the bag's seal")
	}
	if err := r.To.check(by, r.Way); err != nil {
		return err
	}
	return office.CheckLines(line("bag", r.Bag))
}
