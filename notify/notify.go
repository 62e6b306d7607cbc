// Package notify carries everything that leaves or enters the house: queued
// messages, the letters and texts they become, receipts, and inbound mail as
// raw bytes.
//
// Its nouns are the message (one sending over one channel to one contact; the
// legal Notice itself belongs to the domain), the attempt (one call to the
// outside), the receipt (a gateway's later word on a message), the token (the
// unguessable part of a mail address of ours), the inbound mail, and the
// watermark (proof that the way in was alive).
//
// A message moves pending → attempting → accepted → delivered; the other
// states are in the table of reliability rules OUT-2. The act that causes a
// message stores only facts (SIM-5); the send sweep renders the bytes once,
// keeps them, and sends those same bytes on every retry (ICA-08).
//
// Package notify decides nothing about deadlines: silence counts only by plan
// 三(三)3-四, and that clause lives in package inspection. What happens to a
// message is handed over through the function values of Desk.
package notify

import (
	"encoding/json"
	"time"

	"github.com/uptrace/bun"
)

// The channels of a message. Portal is the department's inbox page: it needs
// no call, the commit itself is the arrival (INS-704 class B).
const (
	Portal = "portal"
	Mail   = "mail"
	SMS    = "sms"
)

// The states of a message (OUT-2).
const (
	Pending     = "pending"     // to be sent at NextAt
	Attempting  = "attempting"  // attempt committed, call under way
	Unknown     = "unknown"     // may have been sent
	Accepted    = "accepted"    // provider id or 250 line stored
	Delivered   = "delivered"   // arrived, as far as the channel can say
	Undelivered = "undelivered" // bounced or refused by the carrier afterwards
	Failed      = "failed"      // refused for good, or its text was incomplete
	Dead        = "dead"        // attempts spent
	Expired     = "expired"     // ValidUntil passed unsent
	Cancelled   = "cancelled"   // its Round was replaced
	Dropped     = "dropped"     // a reminder not worth a second try, or over the SMS budget
)

// The purposes that have a template.
const (
	PurposeNotice     = "notice"      // 应约通知: calls for an answer by a deadline
	PurposeReminder   = "reminder"    // 催办, before the deadline
	PurposeDemand     = "demand"      // 催告: silence does not count here, the real opinion is needed (INS-911)
	PurposeOpinionDue = "opinion_due" // an opinion is due after the visit (INS-933)
	PurposeMorning    = "morning"     // 提醒, on the day of the visit
	PurposeCancel     = "cancel"      // 取消 or 撤回邀请
	PurposeConfirmed  = "confirmed"   // 已确认: who comes
	PurposeDeemed     = "deemed"      // 视为同意告知
	PurposeReceipt    = "receipt"     // 回执 for a reply
	PurposeReleased   = "released"    // an excuse was upheld: need not come, opinion in writing (INS-812)
	PurposeWaived     = "waived"      // nobody waits for the department's opinion any more (INS-1101)
	PurposeRoster     = "roster"      // 换人: one person comes in the place of another (INS-610)
	PurposeContest    = "contest"     // 送达异议答复: what was decided about a contested service (INS-712)
	PurposeObjection  = "objection"   // 异议答复: what was decided on an objection to the case (INS-814)
	PurposeApplicant  = "applicant"   // the applicant's own notice (INS-714)
	PurposePhoto      = "photo_due"   // a photo of an item waits for its department's answer (INS-1108)
	PurposeTermOver   = "term_over"   // the applicant is asked once: the term to put right is over (INS-1109)

	PurposeCode      = "parcel_code"      // 收货码 or 取件码 (DEL-610); by SMS only, as those that follow
	PurposeDelivered = "parcel_delivered" // the parcel has arrived
	PurposeAttempt   = "parcel_attempt"   // it could not be delivered
	PurposePaused    = "parcel_paused"    // the one-day clock stands still
	PurposeResumed   = "parcel_resumed"   // and goes on
	PurposeBack      = "parcel_back"      // back at the window: what now (DEL-804)
	PurposeHarm      = "parcel_harm"      // lost or damaged (DEL-807, 808)
	PurposeGone      = "parcel_gone"      // written off; a replacement is arranged

	PurposeFile = "electronic_file" // a result waits to be fetched (DEL-241); by mail and SMS

	PurposeTrack = "applicant_link" // the applicant's own page, by mail (DEL-1201)
	PurposeRate  = "case_rate"      // the one invitation to rate (DEL-1206), by SMS

	PurposeOwed  = "result_owed" // a department is reminded of its result (DEL-305)
	PurposeAlert = "alert"       // somebody of the house has to look (DEL-740)
)

// Service classes as far as a transport alone can prove them (INS-704). Whether
// the address was confirmed (INS-705) and the inbox had a reader (INS-706) is
// for the domain to judge; it may only lower the class.
const (
	ClassB = "B" // arrived in the recipient's own system
	ClassC = "C" // reported delivered to a telephone
	ClassD = "D" // only handed to a relay or provider
)

// Message is one sending over one channel to one contact. The caller of Queue
// fills the first block; everything else is kept by this package.
type Message struct {
	bun.BaseModel `bun:"table:messages,alias:m"`

	ID         string          `bun:"id,pk"`       // made by Queue when empty
	Key        string          `bun:"key"`         // purpose/notice/contact/channel, unique (OUT-2, DEC-3)
	Purpose    string          `bun:"purpose"`     //
	Channel    string          `bun:"channel"`     // Portal, Mail or SMS
	Address    string          `bun:"address"`     // department id, mail address or E.164 number
	Lang       string          `bun:"lang"`        // "zh" or "en"
	Legal      bool            `bun:"legal"`       // a Notice: its text is checked (INS-702), its silence counts
	Subject    string          `bun:"subject"`     // notice or participant id; Cancel works by it
	Contact    string          `bun:"contact"`     // internal id of the contact, never a name or number
	Stream     string          `bun:"stream"`      // evidence stream; empty writes no leaves
	Facts      json.RawMessage `bun:"facts"`       // what Compose needs; the caller's own form
	NextAt     time.Time       `bun:"next_at"`     // not before; zero means at once
	ValidUntil time.Time       `bun:"valid_until"` // worthless afterwards; zero means five days

	State       string    `bun:"state"`
	Attempt     int       `bun:"attempt"` // number of the last attempt, the fence of OUT-3
	CreatedAt   time.Time `bun:"created_at"`
	ComposedAt  time.Time `bun:"composed_at,nullzero"` // when the bytes were built; set before Compose is called
	AttemptedAt time.Time `bun:"attempted_at,nullzero"`
	SettledAt   time.Time `bun:"settled_at,nullzero"`   // last change of state
	CancelledAt time.Time `bun:"cancelled_at,nullzero"` // cancelled while a call was under way
	ClaimedBy   string    `bun:"claimed_by"`            // instance that makes the call

	Title      string `bun:"title"`       // subject line
	Text       string `bun:"text"`        // for people: mail text, inbox text or SMS
	HTML       string `bun:"html"`        // for the inbox page
	Body       []byte `bun:"body"`        // exact bytes handed to the channel
	BodySalt   string `bun:"body_salt"`   // opens BodyHash
	BodyHash   string `bun:"body_hash"`   // salted hash in leaf notice_composed
	ReturnPath string `bun:"return_path"` // MAIL FROM, b+token
	MessageID  string `bun:"message_id"`  // without angle brackets, the same on every retry
	ProviderID string `bun:"provider_id"` // SID or queue id
	Detail     string `bun:"detail"`      // why it is where it is; no personal data
}

// Must holds the three things a legal Notice has to say in its own words
// (INS-702). Each is a piece of the rendered text.
type Must struct {
	Deadline    string // date, weekday and time to answer by
	Consequence string // of silence, or that this department is excepted
	Citation    string // the rule relied on
}

// Body is what Compose makes of a message's facts. Render fills the texts; the
// domain adds the calendar object and the addresses.
type Body struct {
	Subject string // ≤ 60 characters (ICA-68)
	Text    string
	HTML    string
	SMS     string
	Must    Must

	Calendar []byte // one iCalendar object, sent as alternative part and attachment
	Method   string // equals METHOD inside Calendar (ICA-67)

	FromName  string // name of the centre
	From      string // its fixed address (ICA-42)
	ReplyTo   string // v+token address
	MessageID string // without angle brackets; empty means one made from Message.ID
	InReplyTo string // the visit's first Notice to this contact
	Answers   bool   // a receipt: Auto-Submitted is auto-replied
}

// Arrival is evidence that a message got somewhere.
type Arrival struct {
	Message Message
	Class   string    // ClassB, ClassC or ClassD, by the transport alone
	At      time.Time // when it arrived, not when we learned of it
	Source  string    // inbox, own_mx, relay, provider, dsn, callback, asked, file
	Peer    string    // name and address of the machine that said so
	Proof   string    // 250 line, DSN action, SID and status
}

// Failure is a report that an accepted message did not arrive (INS-708).
type Failure struct {
	Message Message
	At      time.Time // when the report reached our edge
	Source  string    // dsn, callback or asked
	Status  string    // 5.1.1, or the carrier's error number
	Proof   string
}
