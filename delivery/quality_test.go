package delivery

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// at is a moment of Tue 2026-11-24 in Shanghai, as the examples of DEL §7.6.
func at(hour, minute int) time.Time {
	return time.Date(2026, 11, 24, hour, minute, 0, 0, time.FixedZone("CST", 8*3600)).UTC()
}

// DEL §7.6, examples 14 and 15; due 18:00.
func TestABasementIsBelievedAndAClockSetBackIsNot(t *testing.T) {
	due := at(18, 0)
	basement := Grade(at(17, 50), Sync{SentAt: at(18, 20), ReceivedAt: at(18, 20)}, Neighbours{Lower: at(17, 30)})
	if basement.Quality != QualityB || basement.Effective.After(due) {
		t.Errorf("example 14: %+v", basement)
	}
	setBack := Grade(at(16, 38), Sync{SentAt: at(16, 40), ReceivedAt: at(18, 40)}, Neighbours{})
	if setBack.Quality != QualityC || !setBack.Effective.After(due) || setBack.Claimed.After(due) || !slices.Equal(setBack.Reasons, []string{ClockOff}) {
		t.Errorf("example 15: %+v", setBack)
	}
}

// SIM-15, each condition at its edge.
func TestDeviceTimeCountsWithinTheLimits(t *testing.T) {
	now := at(15, 0)
	sync := func(behind time.Duration) Sync { return Sync{SentAt: now.Add(-behind), ReceivedAt: now} }
	for name, c := range map[string]struct {
		age     time.Duration
		sync    Sync
		around  Neighbours
		quality Quality
		reason  string
	}{
		"at once":                        {time.Second, sync(0), Neighbours{}, QualityA, ""},
		"a minute ago":                   {time.Minute, sync(0), Neighbours{}, QualityA, ""},
		"over a minute ago":              {61 * time.Second, sync(0), Neighbours{}, QualityB, ""},
		"four hours ago":                 {4 * time.Hour, sync(0), Neighbours{}, QualityB, ""},
		"over four hours ago":            {4*time.Hour + time.Millisecond, sync(0), Neighbours{}, QualityC, ReportedTooLate},
		"a clock two minutes behind":     {3 * time.Minute, sync(2 * time.Minute), Neighbours{}, QualityB, ""},
		"a clock over two minutes off":   {3 * time.Minute, sync(2*time.Minute + time.Second), Neighbours{}, QualityC, ClockOff},
		"a clock two minutes ahead":      {0, sync(-2 * time.Minute), Neighbours{}, QualityA, ""},
		"a clock over two minutes ahead": {0, sync(-2*time.Minute - time.Second), Neighbours{}, QualityC, ClockOff},
		"no clock reading":               {0, Sync{ReceivedAt: now}, Neighbours{}, QualityC, ClockUnmeasured},
		"later than its sending":         {-time.Minute, sync(0), Neighbours{}, QualityC, AheadOfReporting},
		"same as the one before":         {time.Hour, sync(0), Neighbours{Lower: now.Add(-time.Hour)}, QualityB, ""},
		"before the one before":          {time.Hour, sync(0), Neighbours{Lower: now.Add(-time.Hour + 1)}, QualityC, ClockWentBack},
		"after the one behind":           {time.Hour, sync(0), Neighbours{Higher: now.Add(-time.Hour - 1)}, QualityC, ClockWentBack},
		"half the round trip is road":    {3 * time.Minute, Sync{SentAt: now.Add(-150 * time.Second), ReceivedAt: now, RoundTrip: time.Minute}, Neighbours{}, QualityB, ""},
		"a round trip nobody believes":   {3 * time.Minute, Sync{SentAt: now.Add(-150 * time.Second), ReceivedAt: now, RoundTrip: time.Hour}, Neighbours{}, QualityC, ClockOff},
	} {
		got := Grade(now.Add(-c.age), c.sync, c.around)
		if got.Quality != c.quality || c.reason == "" && got.Reasons != nil || c.reason != "" && !slices.Equal(got.Reasons, []string{c.reason}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// DEL-423.
func TestACarriersTimeIsGradeBAtBest(t *testing.T) {
	now := at(15, 0)
	for age, want := range map[time.Duration]Quality{
		0: QualityB, time.Hour: QualityB, 5 * time.Hour: QualityC, -time.Minute: QualityB, -time.Hour: QualityC,
	} {
		if got := GradeCarrier(now.Add(-age), now); got.Quality != want || got.Effective.After(now) {
			t.Errorf("%v old: %+v, want %s", age, got, want)
		}
	}
	if got := GradeOnline(now); got.Quality != QualityA || !got.Effective.Equal(now) {
		t.Errorf("at a desk: %+v", got)
	}
}

func TestEffectiveIsNeverLaterThanReceived(t *testing.T) {
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		return at(12, 0).Add(time.Duration(rapid.Int64Range(-6*3600, 6*3600).Draw(t, "second")) * time.Second)
	})
	rapid.Check(t, func(t *rapid.T) {
		device, s := moment.Draw(t, "device"), Sync{SentAt: moment.Draw(t, "sent"), ReceivedAt: moment.Draw(t, "received")}
		got := Grade(device, s, Neighbours{Lower: moment.Draw(t, "lower"), Higher: moment.Draw(t, "higher")})
		if got.Effective.After(s.ReceivedAt) || got.Claimed.After(s.ReceivedAt) {
			t.Fatalf("%+v", got)
		}
		if (got.Quality == QualityC) != (len(got.Reasons) > 0) || got.Quality != QualityC && !got.Effective.Equal(got.Claimed) {
			t.Fatalf("%+v", got)
		}
		for _, reason := range got.Reasons {
			if ClockReasonWord(reason, "zh") == "" || ClockReasonWord(reason, "en") == "" {
				t.Fatalf("%s has no words", reason)
			}
		}
	})
}
