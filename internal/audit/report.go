package audit

import "fmt"

// Result is the verdict on a bundle.
type Result string

// The verdicts of a verification (EV-11).
const (
	Pass     Result = "PASS"     // everything was proved, under a key the caller pinned
	Fail     Result = "FAIL"     // something is wrong or missing
	Conflict Result = "CONFLICT" // the log's own signatures contradict each other
	Unpinned Result = "UNPINNED" // everything fits, but under a key nobody vouched for
)

// ExitUnreadable is the exit code when OpenBundle or Verify gives an error.
const ExitUnreadable = 2

// Exit gives the exit code of `lianban verify` for the verdict (EV-11).
func (r Result) Exit() int {
	switch r {
	case Pass:
		return 0
	case Unpinned:
		return 3
	case Fail, Conflict:
		return 1
	}
	return ExitUnreadable
}

// Line is one finding of a verification.
type Line struct {
	Check  int    // number of the check in EV-11; 0 is the bundle as a file
	Code   string // why it failed, lower snake; "" if it holds
	zh, en string
}

// In gives the finding in the language asked for: "en" is English, all else Chinese.
func (l Line) In(lang string) string {
	if lang == "en" {
		return l.en
	}
	return l.zh
}

// Report collects the findings of a verification. Bundle.Verify begins it, the
// domain's own checks go on with the same report.
type Report struct {
	Key        string     // verifier key that the bundle was checked against
	Pinned     bool       // the caller gave that key
	Checkpoint Checkpoint // where all proofs lead; At is the issuer's word
	Lines      []Line

	failed, conflict bool
}

// Hold adds a finding that is as it should be. zh and en are formats for the
// same args.
func (r *Report) Hold(check int, zh, en string, args ...any) {
	r.add(Line{Check: check}, zh, en, args)
}

// Fail adds a finding that is not; both texts say what to do. As with
// fault.Refuse, code is a literal.
func (r *Report) Fail(check int, code, zh, en string, args ...any) {
	r.failed = true
	r.add(Line{Check: check, Code: code}, zh, en, args)
}

// Contradict adds a finding where the log's own signatures contradict each
// other: no accident, and a matter for the supervising office.
func (r *Report) Contradict(check int, code, zh, en string, args ...any) {
	r.conflict = true
	r.add(Line{Check: check, Code: code}, zh, en, args)
}

func (r *Report) add(l Line, zh, en string, args []any) {
	l.zh, l.en = fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)
	r.Lines = append(r.Lines, l)
}

// Result gives the verdict; a conflict outweighs a failure, any of the two
// outweighs the missing pin.
func (r *Report) Result() Result {
	switch {
	case r.conflict:
		return Conflict
	case r.failed || len(r.Lines) == 0:
		return Fail
	case !r.Pinned:
		return Unpinned
	}
	return Pass
}
