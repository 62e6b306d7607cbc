package office

import (
	"strings"

	"lianban/internal/fault"
)

// second refuses a decision by the one who proposed, or by a program (SEC-4).
func second(proposer, by string) error {
	if proposer == by || !isPerson(proposer) || !isPerson(by) {
		return fault.Refuse(fault.Forbidden, "two_persons",
			"此项须由两人办理：请由提出人以外的另一名人员审核", "this takes two persons; somebody other than the proposer has to decide")
	}
	return nil
}

// isPerson knows the actor strings that auth.Actor makes.
func isPerson(actor string) bool { return strings.HasPrefix(actor, "person:") }

// decided is the answer to whoever comes second to a decision.
func decided() error {
	return fault.Refuse(fault.Conflict, "already_decided",
		"该申请已由他人处理，请刷新后核对", "this proposal has been decided by somebody else; reload and check")
}

// proposalUnknown is the answer to an id that no proposal has.
func proposalUnknown() *fault.Error {
	return fault.Refuse(fault.NotFound, "proposal_unknown",
		"没有这项申请，请刷新列表后重试", "there is no such proposal; reload the list and try again")
}
