package api

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// atOnce sends requests together and gives the answers' statuses and ids.
func (w *world) atOnce(all []request) (statuses map[int]int, ids map[string]bool) {
	w.t.Helper()
	statuses, ids = map[int]int{}, map[string]bool{}
	sent := make([]*http.Request, len(all))
	for i, r := range all {
		sent[i] = w.http(r)
	}
	w.clock.forward(time.Minute)
	got := make([]*httptest.ResponseRecorder, len(all))
	var wait sync.WaitGroup
	for i := range sent {
		got[i] = httptest.NewRecorder()
		wait.Go(func() { w.handler.ServeHTTP(got[i], sent[i]) })
	}
	wait.Wait()
	for _, rec := range got {
		statuses[rec.Code]++
		if rec.Code < 300 {
			ids[(&reply{w.t, rec.Code, rec.Header(), rec.Body.Bytes()}).at("id")] = true
		}
	}
	return statuses, ids
}

// INS-604, STK-43: however fast somebody clicks, one thing is made.
func TestManyClicksAtOnceMakeOneCase(t *testing.T) {
	w := newWorld(t)
	click := request{as: "clerk", method: http.MethodPost, path: prefix + "/cases", body: restaurant(), header: map[string]string{"Idempotency-Key": freshKey()}}
	statuses, ids := w.atOnce([]request{click, click, click, click, click, click, click, click})
	if len(ids) != 1 || statuses[http.StatusCreated] != 8 {
		t.Errorf("%v, %d cases", statuses, len(ids))
	}
}

// INS-602, PRO-8: of many windows that want the same people one gets them.
func TestManyWindowsAtOnceBookOneSlotOnce(t *testing.T) {
	w := newWorld(t)
	var all []request
	for range 6 {
		draft := w.newDraft()
		all = append(all, request{
			as: "clerk", method: http.MethodPost, path: prefix + "/visits/" + draft + "/book", body: w.bestSlot(draft),
			header: map[string]string{"Idempotency-Key": freshKey()},
		})
	}
	statuses, ids := w.atOnce(all)
	if len(ids) != 1 || statuses[http.StatusOK] != 1 || statuses[http.StatusConflict] != 5 {
		t.Errorf("%v, %d visits", statuses, len(ids))
	}
}
