package inspection

// The words of documents stand here and not in the catalogue of the pages: a
// document that was issued reads the same when a button is renamed (INS-1105).

// documentTitle is what stands on top.
func (v VisitView) documentTitle(kind DocumentKind) string {
	review := v.Kind == KindReview
	switch {
	case kind == DocLaunch && review:
		return "联合评审发起单"
	case kind == DocOpinion && review:
		return "联合评审会议纪要"
	case kind == DocTask && review:
		return "评审任务单"
	case kind == DocEnded && v.State == VisitNotHeld:
		return v.act() + "未能进行通知书"
	}
	return map[DocumentKind]string{
		DocLaunch: "联合踏勘发起单", DocSignIn: "签到表", DocRectify: "整改通知书", DocOpinion: "联合勘验意见书", DocEnded: "取消通知书",
		DocNotice: "应约通知书", DocReply: "反馈函", DocTask: "现场勘验任务单", DocRecord: "核查表", DocDue: "出具意见通知书", DocAsk: "复勘申请单", DocRevisit: "复勘记录", DocDeemed: "视为同意记录单", DocService: "送达凭证",
	}[kind]
}

// act is the word for what the departments do together.
func (v VisitView) act() string { return actWords[v.Kind] }

var (
	actWords     = map[VisitKind]string{KindSite: "勘验", KindReview: "评审"}
	weekdayWords = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}
	resultWords  = map[string]string{ResultPassed: "通过", ResultRectify: "需整改", ResultFailed: "不通过"}
	opinionWords = map[OpinionKind]string{Agree: "同意", Rectify: "整改后复勘", Disagree: "不同意", Deferred: "暂缓出具"}
	whyWords     = map[string]string{whyRevisit: "复勘后重新出具", whyPhotos: "整改照片核查后重新出具", whyReversal: "撤销视为同意后重新出具"}
	verifyWords  = map[Verify]string{VerifyPhoto: "看照片", VerifyVisit: "现场复勘"}
	wayWords     = map[string]string{
		"portal": "收件箱", "mail": "邮件", "sms": "短信", "paper": "书面", "phone": "电话", "link": "答复链接", "window": "窗口",
	}
	classWords  = map[string]string{"A": "A 类，已收悉", "B": "B 类，已到达", "C": "C 类，已通知", "D": "D 类，已发出"}
	deemedWords = map[DeemedReason]string{
		NoReply: "收到通知后在期限内未反馈意见", NoShow: "收到通知后未按约定到场", NoOpinion: "到场或者获准不到场后，在期限内未出具意见",
	}
	searchWords = map[DeemedReason]string{
		NoReply:   "期限内未发现该部门的反馈；已核对收件箱、答复链接、邮件来件（含隔离、无法识别和待人工分拣的）以及窗口登记的电话和书面答复。",
		NoShow:    "至认定时未发现该部门的正当理由、来件或意见；已核对收件箱、答复链接、邮件来件（含隔离、无法识别和待人工分拣的）以及窗口登记的电话和书面答复。",
		NoOpinion: "期限内未发现该部门的意见或来件；已核对意见登记、收件箱、邮件来件（含隔离、无法识别和待人工分拣的）以及窗口登记。",
	}
	attendanceWords = map[Attendance]string{AttendancePresent: "到场", AttendanceLate: "迟到", AttendanceShort: "人数不足"}
	attestWords     = map[AttestRole]string{
		AttestWindow: "窗口在场人员", AttestApplicant: "申请人", AttestDepartment: "其他部门人员", AttestSupervisor: "主管",
	}
	endWords = map[string]string{
		"applicant_asked": "申请人要求", "applicant_absent": "申请人未到场", "holiday": "遇放假", "weather": "天气原因", "site_not_ready": "场所未准备好",
		"case_withdrawn": "办件已撤回", "danger": "当场有危险", "error": "登记错误", "other": "其他", "department_excused": "部门有正当理由",
		"counter_accepted": "采纳改期建议",
	}
)
