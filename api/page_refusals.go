package api

import (
	"encoding/json"
	"strings"
	"time"

	"lianban/delivery"
)

// refusalsPage lists the couriers' records that were not accepted (DEL-506).
type refusalsPage struct {
	Refusals []refusalLine
	More     string
}

// refusalLine is one refused record with what can be read of it.
type refusalLine struct {
	delivery.Refusal
	Courier, Why string
	Type, Parcel string // as the record says, if it can be read
}

func (p *site) refusals(v *view) error {
	query := delivery.RefusalQuery{Limit: pageSize}
	query.Before, _ = time.Parse(time.RFC3339, v.query("before"))
	list, err := p.Delivery.ListRefusals(v.ctx(), v.by, query)
	if err != nil {
		return err
	}
	couriers, err := p.couriersOf(v)
	if err != nil {
		return err
	}
	var d refusalsPage
	for _, one := range list {
		line := refusalLine{Refusal: one, Courier: namesOf(couriers)[strings.TrimPrefix(one.Actor, "person:")]}
		var said struct {
			Type   string `json:"type"`
			Parcel string `json:"parcel_id"`
		}
		if json.Unmarshal([]byte(one.Body), &said) == nil && p.set.Has("parcel_event."+said.Type) {
			line.Type, line.Parcel = said.Type, said.Parcel
		}
		d.Refusals = append(d.Refusals, line)
	}
	if len(list) == pageSize {
		d.More = v.with("before", list[len(list)-1].ReceivedAt.UTC().Format(time.RFC3339Nano))
	}
	return p.show(v, "refusals", d)
}
