package delivery

import "slices"

// Move is one allowed move of a guarded row: the act that makes it and the
// states it may start from.
type Move[S ~string] struct {
	Act  string
	From []S
	To   S
	Rule string
}

// LineMoves are the moves of a ResultLine; any other is refused as line_settled.
var LineMoves = []Move[LineState]{
	{"Expect, AddLine", nil, LineExpected, "DEL-302"},
	{"Accept", []LineState{LineExpected, LineSplit}, LineReceived, "DEL-301"},
	{"Waive", []LineState{LineExpected, LineSplit}, LineWaived, "DEL-302"},
	{"ConfirmDestroy", []LineState{LineReceived}, LineWaived, "DEL-946"},
	{"Choose split", []LineState{LineExpected}, LineSplit, "DEL-303"},
	{"Choose wait", []LineState{LineSplit}, LineExpected, "DEL-303"},
	{"SendFile", []LineState{LineExpected, LineSplit}, LineWaived, "DEL-240"},
	{"ChangeWay", []LineState{LineWaived}, LineExpected, "DEL-242"},
}

// FileMoves are the moves of an ElectronicFile; any other is refused as
// electronic_over.
var FileMoves = []Move[FileState]{
	{"Supply", nil, FileSupplied, "DEL-241"},
	{"Send", []FileState{FileSupplied, FileSent}, FileSent, "DEL-242"},
	{"serve", []FileState{FileSent}, FileServed, "DEL-242"},
	{"ChangeWay", []FileState{FileSupplied, FileSent}, FileWithdrawn, "DEL-242"},
}

// TransferMoves are the moves of a Transfer; any other is refused as
// transfer_over.
var TransferMoves = []Move[TransferState]{
	{"Release", nil, Released, "DEL-910"},
	{"Accept", []TransferState{Released}, Accepted, "DEL-910"},
	{"Accept some", []TransferState{Released}, AcceptedPartial, "DEL-910"},
	{"Refuse", []TransferState{Released}, RefusedTransfer, "DEL-910"},
}

// BagMoves are the moves of a Bag; any other is refused as bag_over.
var BagMoves = []Move[BagState]{
	{"NewBag", nil, BagFilling, "DEL-920"},
	{"Cancel", []BagState{BagFilling}, BagCancelled, "DEL-920"},
	{"Release", []BagState{BagFilling}, BagReleased, "DEL-910"},
	{"Accept", []BagState{BagReleased}, BagAccepted, "DEL-910"},
	{"Accept some", []BagState{BagReleased}, BagAcceptedPartial, "DEL-910"},
	{"Refuse", []BagState{BagReleased}, BagRefused, "DEL-910"},
}

// LoanMoves are the moves of a Loan; any other is refused as loan_over.
var LoanMoves = []Move[LoanState]{
	{"Lend", nil, LoanGranted, "DEL-940"},
	{"Borrow", []LoanState{LoanGranted}, LoanOut, "DEL-940"},
	{"Return", []LoanState{LoanOut}, LoanReturned, "DEL-940"},
	{"Cancel", []LoanState{LoanGranted}, LoanCancelled, "DEL-940"},
}

// DestructionMoves are the moves of a Destruction; any other is refused as
// destroy_over.
var DestructionMoves = []Move[DestructionState]{
	{"ProposeDestroy", nil, DestroyProposed, "DEL-946"},
	{"ConfirmDestroy", []DestructionState{DestroyProposed}, DestroyDone, "DEL-946"},
	{"WithdrawDestroy", []DestructionState{DestroyProposed}, DestroyWithdrawn, "DEL-946"},
}

// DamageMoves are the moves of a Damage; any other is refused as damage_over.
var DamageMoves = []Move[DamageState]{
	{"ReportDamage", nil, DamageOpen, "DEL-808"},
	{"DecideDamage", []DamageState{DamageOpen}, DamageReissue, "DEL-808"},
	{"DecideDamage", []DamageState{DamageOpen}, DamageKeep, "DEL-808"},
	{"DecideDamage", []DamageState{DamageOpen}, DamageVoid, "DEL-808"},
}

// RunMoves are the moves of a Run; any other is refused as run_over.
var RunMoves = []Move[RunState]{
	{"ReleaseBag, Release", nil, RunPlanned, "DEL-922"},
	{"Leave", []RunState{RunPlanned}, RunAway, "DEL-922"},
	{"Miss", []RunState{RunPlanned}, RunMissed, "DEL-922"},
	{"Pass", []RunState{RunPlanned}, RunIdle, "DEL-922"},
	{"Close", []RunState{RunAway}, RunClosed, "DEL-923"},
}

// moveOf finds the move that an act makes.
func moveOf[S ~string](moves []Move[S], act string) Move[S] {
	return moves[slices.IndexFunc(moves, func(m Move[S]) bool { return m.Act == act })]
}
