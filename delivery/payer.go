package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/office"
)

// Payer is who bears what a carrier charges for a parcel (DEL-231). It is a dated
// setting, told before the choice of the way and kept on the parcel from sealing
// on; the zero Payer says that nothing is charged to anybody.
type Payer string

// The two of the setting delivery.payer.
const (
	PayerCentre    Payer = office.PayerCentre
	PayerApplicant Payer = office.PayerApplicant
)

var payerWords = map[Payer]bilingual{
	PayerCentre:    {"费用由中心承担，收件人不用付", "the centre pays, the receiver pays nothing"},
	PayerApplicant: {"邮费由收件人在收件时付（到付）", "the receiver pays the postage on receipt"},
}

// In says who pays, in the language asked for.
func (p Payer) In(lang string) string { return payerWords[p].in(lang) }

// mark is what a carrier reads on the label.
func (p Payer) mark() string {
	return map[Payer]string{PayerCentre: "寄付", PayerApplicant: "到付"}[p]
}

// of is who pays for a way under the setting: the centre's own courier takes money
// at no door, whatever is set.
func (p Payer) of(way Way) Payer {
	switch way {
	case WayWindow, WayElectronic:
		return ""
	case WayOwnCourier:
		return PayerCentre
	}
	return p
}

// payer is who bears a carrier's charge at a centre now.
func (d *Desk) payer(ctx context.Context, q bun.IDB, centreID string) (Payer, error) {
	rules, err := office.RulesAt(ctx, q, d.now(), office.Scope{Centre: centreID})
	return Payer(rules.Payer), err
}

// payerShown is what an applicant has to know before the choice: who pays if a
// carrier outside the house brings it, where there is one.
func (d *Desk) payerShown(ctx context.Context, q bun.IDB, centreID string) (Payer, error) {
	if !d.has(WayEMS) {
		return PayerCentre, nil
	}
	return d.payer(ctx, q, centreID)
}
