package api

import (
	"net/http"
	"testing"
)

// INS-1115
func TestTheLimitsOfACaseStandOnItsPagesAndInItsJSON(t *testing.T) {
	s := newStage(t)
	for _, path := range []string{"/cases/" + s.booked.CaseID, "/visits/" + s.booked.ID} {
		s.browse("clerk", path, nil).is(http.StatusOK).says("法定办结期限", "还剩 45 个工作日", "多部门联合办理", "行政许可法第四十二条第二款", "承诺办结期限", "还剩 22 个工作日")
	}
	var c struct {
		Limits struct {
			Joint           bool
			Legal, Promised struct {
				Setting, Due string
				Days, Left   int
			}
		}
	}
	s.get("clerk", "/cases/"+s.booked.CaseID).is(http.StatusOK).into(&c)
	if l := c.Limits; !l.Joint || l.Legal.Setting != "limit.joint" || l.Legal.Days != 45 || l.Promised.Left != 22 || l.Promised.Due == "" {
		t.Errorf("%+v", l)
	}
}
