package slot

// Rows is a Problem laid out as bits. It holds scratch space: one goroutine at
// a time.
type Rows struct{ problem Problem }

// Prepare lays out a Problem. It fails with a plain error when the Problem
// contradicts itself: a duration off the grain, a day or an ID given twice.
func Prepare(p Problem) (*Rows, error) { return &Rows{problem: p}, nil }

// Search gives the best offers, at most max of them; 0 asks for all. They are
// ranked by day, then added travel, then load, then start (INS-508, SIM-10).
func (r *Rows) Search(max int) []Offer { return nil }

// Check judges one choice by the rules that Search and Explain use; the named
// resources must all be free. The zero Reason means that it may be booked.
func (r *Rows) Check(c Choice) Reason { return Reason{} }
