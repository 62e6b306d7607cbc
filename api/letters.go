package api

import (
	"time"

	"lianban/notify"
)

// messageSummary is one sending over one channel. Whom it went to is named by the
// contact's id: addresses and numbers stay inside (PRO-15).
type messageSummary struct {
	ID         string    `json:"id"`
	Purpose    string    `json:"purpose"`
	Channel    string    `json:"channel"`
	State      string    `json:"state"`
	Legal      bool      `json:"legal"`
	Subject    string    `json:"subject" doc:"id of the visit or of the department's part"`
	Contact    string    `json:"contact"`
	Title      string    `json:"title,omitempty"`
	Attempt    int       `json:"attempt"`
	Detail     string    `json:"detail,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	NextAt     time.Time `json:"next_at,omitzero"`
	ComposedAt time.Time `json:"composed_at,omitzero"`
	SettledAt  time.Time `json:"settled_at,omitzero"`
	ValidUntil time.Time `json:"valid_until,omitzero"`
}

func summaryOfMessage(m notify.Message) messageSummary {
	return messageSummary{
		ID: m.ID, Purpose: m.Purpose, Channel: m.Channel, State: m.State, Legal: m.Legal, Subject: m.Subject,
		Contact: m.Contact, Title: m.Title, Attempt: m.Attempt, Detail: m.Detail, CreatedAt: m.CreatedAt,
		NextAt: m.NextAt, ComposedAt: m.ComposedAt, SettledAt: m.SettledAt, ValidUntil: m.ValidUntil,
	}
}

// inboundSummary is one mail that came in, for the person who sorts it.
type inboundSummary struct {
	ID         string    `json:"id"`
	Subject    string    `json:"subject"`
	State      string    `json:"state"`
	Class      string    `json:"class"`
	From       string    `json:"from"`
	Title      string    `json:"title,omitempty"`
	Text       string    `json:"text,omitempty"`
	Calendar   bool      `json:"calendar"`
	Size       int       `json:"size"`
	SHA256     string    `json:"sha256"`
	ReceivedAt time.Time `json:"received_at"`
	Reason     string    `json:"reason,omitempty"`
	Outcome    string    `json:"outcome,omitempty"`
	SortedBy   string    `json:"sorted_by,omitempty"`
	SortedAt   time.Time `json:"sorted_at,omitzero"`
	SortedWhy  string    `json:"sorted_why,omitempty"`
}

func summaryOfInbound(m notify.Inbound) inboundSummary {
	return inboundSummary{
		ID: m.ID, Subject: m.Subject, State: m.State, Class: m.Class, From: m.From, Title: m.Title, Text: m.Text,
		Calendar: m.Calendar, Size: m.Size, SHA256: m.SHA256, ReceivedAt: m.ReceivedAt, Reason: m.Reason,
		Outcome: m.Outcome, SortedBy: m.SortedBy, SortedAt: m.SortedAt, SortedWhy: m.SortedWhy,
	}
}
