package api

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
)

func picture(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// onSiteNow is a visit to which fire accepted and that has just been started by
// its button.
func onSiteNow(t *testing.T) (s *stage, at string) {
	t.Helper()
	s, at = newBooked(t)
	_, err := s.Inspection.Reply(t.Context(), s.actor("inspector"), inspection.ReplyRequest{
		ParticipantID: s.partOf(s.booked, "431103-fire").ID, Round: 1, Kind: inspection.ReplyAccept, Channel: "portal",
	})
	s.must(err)
	for _, system := range []string{"431103-amr", "431103-urban"} {
		_, err := s.Inspection.Reply(t.Context(), s.actor("clerk"), inspection.ReplyRequest{
			ParticipantID: s.partOf(s.booked, system).ID, Round: 1, Kind: inspection.ReplyAccept, Channel: "phone", GivenBy: "办公室",
		})
		s.must(err)
	}
	s.until(s.booked.Start)
	s.again()
	s.browse("clerk", at+"/start", url.Values{}).is(http.StatusSeeOther)
	return s, at
}

func TestADeviceIsAWordThatTellsNoTelephoneFromAnother(t *testing.T) { // INS-1002
	for agent, want := range map[string]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Mobile/15E148": "phone",
		"Mozilla/5.0 (Linux; Android 15; ALN-AL00) AppleWebKit/537.36 Mobile Safari/537.36":      "phone",
		"Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1 Mobile/15E148":          "tablet",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36":                           "computer",
		"platform-client/2": "program", "": "program",
	} {
		if got := deviceOf(http.Header{"User-Agent": {agent}}); got != want {
			t.Errorf("%q is a %s, want %s", agent, got, want)
		}
	}
}

// INS-1002, INS-1004, INS-922
func TestTheWindowSeesOnItsTelephoneWhoCameAndWhoIsMissing(t *testing.T) {
	s, at := onSiteNow(t)
	site, inbox := at+"/site", "/inbox/"+s.booked.ID
	s.browse("clerk", at, nil).is(http.StatusOK).says("现场签到")
	s.browse("clerk", site, nil).is(http.StatusOK).says("宽限时间至", "还没有人签到", "应到")
	s.browseIn("en", "clerk", site, nil).is(http.StatusOK).says("Grace until", "Nobody has checked in yet")
	s.upload("clerk", site+"/checkins", map[string]string{"party": "window"}, nil).is(http.StatusSeeOther)
	s.upload("clerk", site+"/checkins", map[string]string{"party": "applicant", "name": "李梅"}, nil).is(http.StatusUnprocessableEntity).says("请填写执法证号")
	s.upload("clerk", site+"/checkins", map[string]string{"party": "applicant", "name": "李梅", "certificate": "1234"}, nil).is(http.StatusSeeOther)

	s.browse("inspector", inbox, nil).is(http.StatusOK).says("我已到场，签到")
	place := url.Values{"certificate": {"湘F1001"}, "latitude": {"unknown"}, "longitude": {"111.61"}, "accuracy": {"18.4"}}
	s.browse("inspector", inbox+"/checkin", place).is(http.StatusUnprocessableEntity).says("请不附位置，直接签到")
	place.Set("latitude", "26.43")
	s.browse("inspector", inbox+"/checkin", place).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("您已签到", "人数不足", "误差约 19 米")
	s.browse("clerk", site, nil).is(http.StatusOK).says("误差约 19 米")
	fire := s.partOf(s.booked, "431103-fire").ID
	s.upload("clerk", site+"/checkins", map[string]string{"party": fire, "name": "吴勇", "certificate": "湘F1002"}, nil).is(http.StatusSeeOther)
	shown := s.browse("clerk", site, nil).is(http.StatusOK).says("已到", "吴勇", "李梅")
	if bytes.Contains([]byte(shown.body), []byte("湘F1002")) {
		t.Error("a certificate is shown in full")
	}

	s.until(s.booked.Start.Add(31 * time.Minute))
	amr := s.partOf(s.booked, "431103-amr").ID
	s.browse("clerk", site, nil).is(http.StatusOK).says("未到部门", "拨打 0746-8000000", "确认未到场")
	if desk := s.browse("clerk", "/", nil).is(http.StatusOK).says("联系未到部门"); !strings.Contains(desk.body, site+"#part-"+amr) {
		t.Error("the task does not lead to the missing department")
	}
	s.upload("clerk", site+"/parts/"+amr+"/absence", map[string]string{"role": "applicant"}, nil).is(http.StatusUnprocessableEntity).says("请上传纸质件的扫描件")
	s.upload("clerk", site+"/parts/"+amr+"/absence", map[string]string{"role": "window"}, nil).is(http.StatusSeeOther)
	s.upload("clerk", site+"/parts/"+amr+"/absence", map[string]string{"role": "window"}, nil).is(http.StatusConflict).says("同一人只能确认一次")
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("未到的部门", "确认未到场")
	s.browse("inspector", inbox+"/absent/"+amr, url.Values{}).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("撤回确认")
	s.browse("inspector", inbox+"/absent/"+amr+"/withdraw", url.Values{"reason": {"看错了"}}).is(http.StatusSeeOther)
	s.upload("clerk", site+"/parts/"+amr+"/absence", map[string]string{"role": "applicant"}, picture(t)).is(http.StatusSeeOther)
	s.browse("clerk", at+"/end", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", site, nil).is(http.StatusOK).says("缺席", "申请人 李梅", "撤回确认")

	late := map[string]string{"attendance": "late", "reason": "保安登记有到场记录"}
	s.upload("clerk", site+"/parts/"+amr+"/attendance", late, nil).is(http.StatusUnprocessableEntity).says("请上传")
	s.upload("clerk", site+"/parts/"+amr+"/attendance", late, picture(t)).is(http.StatusSeeOther)
	s.browse("clerk", site, nil).is(http.StatusOK).says("拟更正为", "迟到")
	s.browse("clerk", site+"/parts/"+amr+"/attendance/decide", url.Values{"decision": {"agree"}}).is(http.StatusForbidden)
	s.browse("supervisor", site+"/parts/"+amr+"/attendance/decide", url.Values{"decision": {"agree"}}).is(http.StatusSeeOther)
	if got := s.partOf(s.booked, "431103-amr").Attendance; got != inspection.AttendanceLate {
		t.Errorf("amr is %s", got)
	}
	s.browse("clerk", at, nil).is(http.StatusOK).says("到场情况更正为迟到", "已由两人确认")
}

// INS-1008, INS-1003, INS-913
func TestAnOpinionIsSignedOnTheTelephoneAndOnPaper(t *testing.T) {
	s, at := onSiteNow(t)
	site, inbox := at+"/site", "/inbox/"+s.booked.ID
	fire := s.partOf(s.booked, "431103-fire").ID
	s.browse("inspector", inbox+"/checkin", url.Values{"certificate": {"湘F1001"}}).is(http.StatusSeeOther)
	s.browse("inspector", inbox+"/opinion", url.Values{"kind": {"agree"}}).is(http.StatusSeeOther)
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("意见待会签", "到场人数不足：还须本部门另一名", "您已签署")
	s.upload("clerk", site+"/checkins", map[string]string{"party": fire, "name": "吴勇", "certificate": "湘F1002"}, nil).is(http.StatusSeeOther)
	s.browse("clerk", site, nil).is(http.StatusOK).says("意见待会签", "还缺签名：", "登记书面签名")
	s.browseIn("en", "clerk", site, nil).is(http.StatusOK).says("Still to sign", "Enter a signature on paper")

	draft := s.partOf(s.booked, "431103-fire").Draft
	paper := site + "/parts/" + fire + "/opinion/" + draft.ID + "/paper"
	s.browse("inspector", inbox+"/opinion/"+draft.ID+"/sign", url.Values{}).is(http.StatusConflict).says("已经签署，不用再签")
	s.browse("inspector", inbox+"/opinion/"+draft.ID+"/drop", url.Values{"reason": {" "}}).is(http.StatusUnprocessableEntity)
	s.upload("clerk", paper, map[string]string{"check_in": s.checkInOf("吴勇")}, nil).is(http.StatusUnprocessableEntity).says("请上传纸质件的扫描件")
	s.upload("clerk", paper, map[string]string{"check_in": s.checkInOf("吴勇")}, picture(t)).is(http.StatusSeeOther)
	if got := s.partOf(s.booked, "431103-fire"); got.Opinion != inspection.OpinionGiven {
		t.Fatalf("%s", got.Opinion)
	}
	s.browse("clerk", at, nil).is(http.StatusOK).says("会签 吴勇", "签名页", "意见签署完成：同意")

	s.browse("inspector", inbox+"/opinion", url.Values{"kind": {"disagree"}, "text": {"依据消防法第十五条"}}).is(http.StatusSeeOther)
	s.browse("clerk", site, nil).is(http.StatusOK).says("意见待会签")
	draft = s.partOf(s.booked, "431103-fire").Draft
	drop := site + "/parts/" + fire + "/opinion/" + draft.ID + "/drop"
	s.browse("supervisor", site, nil).is(http.StatusOK).says("撤回这份意见")
	s.browse("supervisor", drop, url.Values{"reason": {"该部门来电撤回"}}).is(http.StatusSeeOther)
	s.browse("supervisor", at, nil).is(http.StatusOK).says("已撤回", "该部门来电撤回")
}

// checkInOf is the check-in of a person by name.
func (s *stage) checkInOf(name string) string {
	found, err := s.Inspection.FindVisit(s.t.Context(), s.actor("clerk"), s.booked.ID)
	s.must(err)
	for _, c := range found.CheckIns {
		if c.Name == name {
			return c.ID
		}
	}
	s.t.Fatalf("%s has not checked in", name)
	return ""
}

// review books one, in a room.
func (s *stage) review() inspection.Visit {
	s.until(s.trust.Now().Add(time.Hour))
	s.must(s.db.Write(s.t.Context(), func(tx bun.IDB) error {
		_, err := tx.NewRaw("UPDATE matter_rules SET check_kind = 'both'").Exec(s.t.Context())
		return err
	}))
	c := s.accept("湘味轩餐饮店", inspection.YesNo(true))
	draft, err := s.Inspection.Plan(s.t.Context(), s.actor("clerk"), inspection.PlanRequest{CaseID: c.ID, Kind: inspection.KindReview})
	s.must(err)
	found, err := s.Inspection.Slots(s.t.Context(), s.actor("clerk"), inspection.SlotRequest{VisitID: draft.ID, Limit: 1})
	s.must(err)
	v, err := s.Inspection.Book(s.t.Context(), s.actor("clerk"), inspection.BookRequest{
		VisitID: draft.ID, Choice: inspection.SlotChoice{Start: found.Offers[0].Start, Resources: resourcesOf(found.Offers[0])},
	})
	s.must(err)
	return v
}

func TestTheRollOfAReviewIsCalledAtTheWindowAndAnsweredInTheInbox(t *testing.T) { // INS-1014
	s := &stage{world: newWorld(t)}
	v := s.review()
	s.until(v.Start)
	s.again()
	site, inbox := "/visits/"+v.ID+"/site", "/inbox/"+v.ID
	s.browse("clerk", site+"/roll-call", url.Values{}).is(http.StatusConflict).says("请先点“开始”")
	s.browse("clerk", "/visits/"+v.ID+"/start", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", site, nil).is(http.StatusOK).says("远程参会点名", "开始点名")
	s.browse("inspector", inbox, nil).is(http.StatusOK).says("等窗口点名后在此应答")
	answer := url.Values{"certificate": {"湘F1001"}, "way": {"remote"}}
	s.browse("inspector", inbox+"/checkin", answer).is(http.StatusConflict).says("窗口还没有点名")
	s.browse("clerk", site+"/roll-call", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", site, nil).is(http.StatusOK).says("已点名")
	s.browseIn("en", "inspector", inbox, nil).is(http.StatusOK).says("I attend from afar: answer the roll call")
	s.browse("inspector", inbox+"/checkin", answer).is(http.StatusSeeOther)
	checkPage(t, inbox, s.browse("inspector", inbox, nil).is(http.StatusOK).says("您已签到", "远程参会").body)
	checkPage(t, site, s.browse("clerk", site, nil).is(http.StatusOK).says("远程参会").body)
}

// A review meets in a room: nothing on its pages sends anybody to a site.
func TestThePagesOfAReviewSayNothingOfASite(t *testing.T) { // INS-1014
	s := &stage{world: newWorld(t)}
	v := s.review()
	pages := map[string]string{"/visits/" + v.ID: "clerk", "/visits/" + v.ID + "/site": "clerk", "/inbox/" + v.ID: "inspector"}
	look := func() {
		t.Helper()
		for path, who := range pages {
			for lang, wrong := range map[string]*regexp.Regexp{"zh": siteWords, "en": siteWordsEnglish} {
				body := s.browseIn(lang, who, path, nil).is(http.StatusOK).body
				_, body, _ = strings.Cut(body, "<main")
				if found := wrong.FindAllString(crumbs.ReplaceAllString(body, ""), -1); len(found) > 0 {
					t.Errorf("%s of a %s review says %q", path, s.stateOf(v.ID), found)
				}
			}
		}
	}
	look()
	s.until(v.Start)
	s.again()
	look()
	s.browse("clerk", "/visits/"+v.ID+"/start", url.Values{}).is(http.StatusSeeOther)
	look()
	s.browse("clerk", "/visits/"+v.ID+"/end", url.Values{}).is(http.StatusSeeOther)
	look()
	s.browse("clerk", "/visits/"+v.ID+"/site", nil).says("评审签到", "窗口在场人员")
	s.browse("clerk", "/visits/"+v.ID, nil).says("评审会议结束")
}

var (
	siteWords        = regexp.MustCompile(`.{0,12}(?:勘验|踏勘|现场(?:[^复]|$)).{0,12}`) // 现场复勘 is where a revisit may be
	siteWordsEnglish = regexp.MustCompile(`(?i)on (?:the )?site|site part|joint inspection|inspectors`)
	crumbs           = regexp.MustCompile(`<p class="crumbs">.*?</p>`)
)

func (s *stage) stateOf(visit string) inspection.VisitState {
	found, err := s.Inspection.FindVisit(s.t.Context(), s.actor("clerk"), visit)
	s.must(err)
	return found.State
}
