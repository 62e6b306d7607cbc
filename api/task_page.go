package api

import (
	"strings"

	"lianban/inspection"
)

// taskLine is a task with the page where it is done.
type taskLine struct {
	inspection.Task
	Href     string
	Closable bool
}

// taskPage is where a kind of task is done, and what ends it: the act itself, or
// somebody who says that it is done.
type taskPage struct {
	href  string // {visit}, {subject} and {absence} are filled in
	byAct bool
}

var taskPages = map[inspection.TaskKind]taskPage{
	inspection.TaskReadMail:     {"/queue/{subject}", true},
	inspection.TaskLoan:         {"/items/{subject}", true},
	inspection.TaskElectronic:   {"/files/{subject}", true},
	inspection.TaskGiveList:     {"/visits/{visit}/rectify", true},
	inspection.TaskRevisit:      {"/visits/{visit}/rectify#revisit", true},
	inspection.TaskRectifyOver:  {"/visits/{visit}/rectify#revisit", true},
	inspection.TaskConclude:     {"/visits/{visit}/rectify#conclude", true},
	inspection.TaskIssue:        {"/visits/{visit}", true},
	inspection.TaskPhotoRefused: {"/visits/{visit}/rectify", false},
	inspection.TaskPhotoLate:    {"/visits/{visit}/rectify", false},
	inspection.TaskAskApplicant: {"/visits/{visit}/rectify#revisit", false},
	inspection.TaskRevisitLate:  {"/visits/{visit}/rectify#revisit", false},
	inspection.TaskAskedAgain:   {"/visits/{visit}/rectify#revisit", false},
	inspection.TaskBreach:       {"/ledger/{subject}", true},
	inspection.TaskDanger:       {"/visits/{visit}#dangers", true},
	inspection.TaskPair:         {"/visits/{visit}/site#items", true},
	inspection.TaskAnswerBreach: {"/ledger/{subject}", true},
	inspection.TaskDecideItem:   {"/visits/{visit}/rectify#proposal-{subject}", true},
	inspection.TaskLeave:        {"/leaves/{absence}", true},
	inspection.TaskTrip:         {"/trips/{subject}", false},
	inspection.TaskObjection:    {"/visits/{visit}", true},
	inspection.TaskExtension:    {"/cases/{subject}/extension", true},
	inspection.TaskTellExtended: {"/cases/{subject}", false},
	inspection.TaskBook:         {"/cases/{subject}", false},
	inspection.TaskMissing:      {"/visits/{visit}/site#part-{subject}", false},
	inspection.TaskAbsence:      {"/visits/{visit}/site#part-{subject}", false},
	inspection.TaskCorrect:      {"/visits/{visit}/site#part-{subject}", true},
	inspection.TaskDeemed:       {"/visits/{visit}#parts", false},
	inspection.TaskApplicant:    {"/cases/{subject}", false},
	inspection.TaskContested:    {"/visits/{visit}#part-{subject}", false},
	inspection.TaskContest:      {"/visits/{visit}#part-{subject}", true},
	inspection.TaskConfirm:      {"/visits/{visit}#part-{subject}", true},
	inspection.TaskConfirmLate:  {"/visits/{visit}#part-{subject}", true},
	inspection.TaskReview:       {"/visits/{visit}#part-{subject}", true},
	inspection.TaskReverse:      {"/visits/{visit}#part-{subject}", true},
	inspection.TaskWaive:        {"/visits/{visit}#part-{subject}", true},
	inspection.TaskCounter:      {"/visits/{visit}#part-{subject}", true},
	inspection.TaskExcuse:       {"/visits/{visit}#part-{subject}", true},
	inspection.TaskOverdue:      {"/visits/{visit}#part-{subject}", true},
}

// taskOf finds the page of a task; one without a page of its own leads to its visit,
// if it has any.
func taskOf(t inspection.Task) taskLine {
	page, ok := taskPages[t.Kind]
	if !ok && t.VisitID != "" {
		page.href = "/visits/{visit}#parts"
	}
	absence, _, _ := strings.Cut(t.Subject, "/") // of a leave; the rest names the visit
	fill := strings.NewReplacer("{visit}", t.VisitID, "{subject}", t.Subject, "{absence}", absence)
	return taskLine{t, fill.Replace(page.href), !page.byAct}
}
