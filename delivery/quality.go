package delivery

import "time"

// Quality grades the time of an event (SIM-15).
type Quality string

// Grades. Only C does not count by itself.
const (
	QualityA Quality = "A" // reported at once
	QualityB Quality = "B" // reported later, or by a carrier
	QualityC Quality = "C" // the time of receipt counts
)

// Known reports whether q is one of the grades.
func (q Quality) Known() bool { return q == QualityA || q == QualityB || q == QualityC }

// Reasons why a device time does not count.
const (
	ClockUnmeasured  = "clock_unmeasured"   // the sync said nothing of the device's clock
	ClockOff         = "clock_off"          // skew at sync over two minutes
	ClockWentBack    = "clock_went_back"    // not monotone by sequence
	ReportedTooLate  = "reported_too_late"  // older than four hours before sync
	AheadOfReporting = "ahead_of_reporting" // later than its own sending
)

var clockReasonWords = map[string]bilingual{
	ClockUnmeasured:  {"同步时未能核对手机时钟", "the phone's clock was not measured at sync"},
	ClockOff:         {"手机时钟与服务器相差超过 2 分钟", "the phone's clock was off by more than 2 minutes"},
	ClockWentBack:    {"手机时间与前后记录的次序不符", "the phone's time contradicts the order of its records"},
	ReportedTooLate:  {"记录时间比上传早 4 小时以上", "the act is more than 4 hours older than its upload"},
	AheadOfReporting: {"记录时间晚于上传时间", "the act is later than its own upload"},
}

// ClockReasonWord says a reason as the page does.
func ClockReasonWord(reason, lang string) string { return clockReasonWords[reason].in(lang) }

// SIM-15 fixes these figures.
const (
	skewIgnored  = 2 * time.Minute
	reportedMost = 4 * time.Hour
	reportedNow  = time.Minute // DEL-512, grade A
)

// Sync is one upload of a device: when it was sent by the device's clock, when
// it arrived by ours, and the round trip if the device measured it.
type Sync struct {
	SentAt     time.Time // zero: not said
	ReceivedAt time.Time
	RoundTrip  time.Duration
}

// Skew is how far the device's clock is behind ours; negative when it is ahead.
// A round trip that cannot be true is left out.
func (s Sync) Skew() time.Duration {
	half := s.RoundTrip / 2
	if half < 0 || half > time.Minute {
		half = 0
	}
	return s.ReceivedAt.Sub(s.SentAt) - half
}

// Neighbours are the device times around an event in the device's sequence, as
// far as they are known: the latest of any lower number and the earliest of any
// higher one. Zero: none. Events that were ahead of their own reporting do not
// count, else one wrong clock would taint the whole round.
type Neighbours struct{ Lower, Higher time.Time }

// Timing is what the office makes of a device time. Both times are kept.
type Timing struct {
	Claimed   time.Time // the device's, never later than received
	Received  time.Time
	Effective time.Time // the one that counts; never later than received
	Quality   Quality
	Reasons   []string // why C
}

// Grade decides which time of an event counts (SIM-15, which wins over
// DEL-510…514): the device's if the skew measured at sync is at most 2 min, it
// is monotone by sequence and not older than 4 h; else the received one, until
// a supervisor accepts the claim by a further event.
func Grade(device time.Time, s Sync, around Neighbours) Timing {
	t := Timing{Claimed: earlierOf(device, s.ReceivedAt), Received: s.ReceivedAt}
	if s.SentAt.IsZero() {
		t.Reasons = append(t.Reasons, ClockUnmeasured)
	} else {
		if s.Skew().Abs() > skewIgnored {
			t.Reasons = append(t.Reasons, ClockOff)
		}
		if device.After(s.SentAt) {
			t.Reasons = append(t.Reasons, AheadOfReporting)
		}
	}
	if !around.Lower.IsZero() && device.Before(around.Lower) || !around.Higher.IsZero() && device.After(around.Higher) {
		t.Reasons = append(t.Reasons, ClockWentBack)
	}
	return t.settle(QualityA)
}

// GradeCarrier is Grade for a carrier, which has a clock of its own that nobody
// measured: B at best (DEL-423). The order of its records is its own time.
func GradeCarrier(carrier, received time.Time) Timing {
	t := Timing{Claimed: earlierOf(carrier, received), Received: received}
	if carrier.After(received.Add(skewIgnored)) {
		t.Reasons = append(t.Reasons, AheadOfReporting)
	}
	return t.settle(QualityB)
}

// GradeOnline is the time of an act at a desk: our own clock saw it.
func GradeOnline(now time.Time) Timing {
	return Timing{Claimed: now, Received: now, Effective: now, Quality: QualityA}
}

func (t Timing) settle(best Quality) Timing {
	age := t.Received.Sub(t.Claimed)
	if age > reportedMost {
		t.Reasons = append(t.Reasons, ReportedTooLate)
	}
	switch {
	case len(t.Reasons) > 0:
		t.Quality, t.Effective = QualityC, t.Received
	case age > reportedNow:
		t.Quality, t.Effective = QualityB, t.Claimed
	default:
		t.Quality, t.Effective = best, t.Claimed
	}
	return t
}

func earlierOf(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
