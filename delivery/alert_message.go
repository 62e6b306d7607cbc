package delivery

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/notify"
)

// tellAlerts queues a text to each telephone that the house knows of those who
// have to look; whoever has none sees the alert on the first page. The key is of
// subject and kind, so an alert that opens again is not told again.
func (d *Desk) tellAlerts(ctx context.Context, tx bun.IDB, alerts []Alert) error {
	book := phoneBook{people: map[auth.PersonQuery][]auth.Person{}}
	var ids []string
	for _, a := range alerts {
		if a.Kind == AlertAmber {
			ids = append(ids, a.ParcelID)
		}
	}
	var err error
	if len(ids) > 0 {
		if book.sealers, err = sealers(ctx, tx, ids); err != nil {
			return err
		}
	}
	var texts []notify.Message
	var subjects []string
	for _, a := range alerts {
		to, err := d.listeners(ctx, tx, &book, a)
		if err != nil {
			return err
		}
		facts, err := json.Marshal(messageFacts{Alert: a.ID})
		if err != nil {
			return err
		}
		for _, l := range to {
			texts = append(texts, notify.Message{
				Key: strings.Join([]string{notify.PurposeAlert, a.Subject, string(a.Kind), l.contact, notify.SMS}, "/"), Purpose: notify.PurposeAlert,
				Channel: notify.SMS, Address: l.phone, Lang: "zh", Subject: a.textSubject(), Contact: l.contact, Stream: a.stream(), Facts: facts,
			})
		}
		if len(to) > 0 {
			subjects = append(subjects, a.textSubject())
		}
	}
	return notify.Replace(ctx, tx, d.now(), subjects, texts...)
}

func (a Alert) textSubject() string { return a.Subject + "/" + string(a.Kind) }

// phoneBook is what one look reads of who is to be told.
type phoneBook struct {
	people  map[auth.PersonQuery][]auth.Person
	sealers map[string]string
}

type listener struct{ contact, phone string }

// listeners are the telephones for an alert: of amber whoever sealed the parcel,
// then the centre's supervisors, then the auditors; of a department its own.
func (d *Desk) listeners(ctx context.Context, q bun.IDB, book *phoneBook, a Alert) (out []listener, err error) {
	query := auth.PersonQuery{Enabled: true}
	switch a.Level {
	case ForDepartment:
		addresses, err := office.ConfirmedAddresses(ctx, q, a.DepartmentID, d.now())
		for _, one := range addresses {
			if one.Channel == office.SMS {
				out = append(out, listener{one.ID, one.Value})
			}
		}
		return out, err
	case ForSupervisor:
		query.Centre, query.Role = a.CentreID, auth.Supervisor
	case ForOversight:
		query.Role = auth.Auditor
	case ForWindow:
		if a.Kind != AlertAmber {
			return nil, nil
		}
		query.Centre, query.Role = a.CentreID, auth.Clerk
	}
	people, known := book.people[query]
	if !known {
		if people, err = auth.ListPeople(ctx, q, query); err != nil {
			return nil, err
		}
		people = slices.DeleteFunc(people, func(p auth.Person) bool { return p.Phone == "" })
		book.people[query] = people
	}
	for _, p := range people {
		if a.Level != ForWindow || p.Actor().String() == book.sealers[a.ParcelID] {
			out = append(out, listener{p.ID, p.Phone})
		}
	}
	return out, nil
}

// composeAlert writes the text of an alert.
func (d *Desk) composeAlert(ctx context.Context, tx bun.IDB, m notify.Message, about messageFacts) (notify.Body, error) {
	a, err := findAlert(ctx, tx, about.Alert)
	if err != nil {
		return notify.Body{}, err
	}
	centre, err := office.FindCentre(ctx, tx, a.CentreID)
	if err != nil {
		return notify.Body{}, err
	}
	facts := notify.Facts{Case: a.CaseNumber, Phone: centre.Phone, Signature: d.Signature, Reason: a.Kind.Word(m.Lang)}
	switch {
	case a.BagID != "":
		facts.Bag = a.Number
	case a.ParcelID != "" && a.Level != ForDepartment: // a department knows the case
		facts.Parcel = a.Number
	}
	return notify.RenderSMS(m.Lang, m.Purpose, facts)
}
