package main

// The invented city of the demonstration (DEC-8). Offices bear the names such
// offices have; every person, address, number and business is made up.

// area is one staffed centre with its departments.
type area struct {
	code     string // division
	key      string // short form in ids, logins and mail domains
	centre   string
	centreEN string
	address  string
	phone    string
	lat, lon float64
	systems  []string // departments
}

var districts = []string{"amr", "fire", "urban", "ecology", "housing", "police", "health", "culture"}

var areas = []area{
	{"431103", "lst", "冷水滩区政务服务中心", "Lengshuitan Government Service Centre", "冷水滩区梅湾路136号", "0746-8320103", 26.4462, 111.5921, districts},
	{"431102", "ll", "零陵区政务服务中心", "Lingling Government Service Centre", "零陵区芝山路58号", "0746-6220102", 26.2214, 111.6273, districts},
	{"431100", "yz", "永州市政务服务中心", "Yongzhou Government Service Centre", "永州市冷水滩区逸云路1号", "0746-8380100", 26.4201, 111.6128, []string{"commerce", "education", "emergency", "tobacco"}},
}

// offices are the names of departments; %s is the district.
var offices = map[string]string{
	"amr": "%s市场监督管理局", "fire": "%s消防救援大队", "urban": "%s城市管理和综合执法局", "ecology": "永州市生态环境局%s分局",
	"housing": "%s住房和城乡建设局", "police": "永州市公安局%s分局", "health": "%s卫生健康局", "culture": "%s文化旅游广电体育局",
	"commerce": "永州市商务局", "education": "永州市教育局", "emergency": "永州市应急管理局", "tobacco": "永州市烟草专卖局",
	"agriculture": "%s农业农村局",
}

// officers are the three people of each department: its head and two
// inspectors. Some have characters that old systems cannot write.
var officers = map[string][3]string{
	"lst/amr": {"蒋志远", "唐晓芸", "王𡈼"}, "lst/fire": {"张䶮", "周志强", "邓海波"},
	"lst/urban": {"李建军", "何秀英", "陈𬱖"}, "lst/ecology": {"黄雪梅", "雷鸣", "吕文杰"},
	"lst/housing": {"罗国庆", "伍思敏", "彭亮"}, "lst/police": {"杨立新", "廖勇", "盘玉兰"},
	"lst/health": {"欧阳慧", "刘㛃", "莫小军"}, "lst/culture": {"龙建平", "奉丽君", "文静"},
	"ll/amr": {"郑明华", "屈爱国", "柏婷"}, "ll/fire": {"胡振宇", "宋磊", "谢荣"},
	"ll/urban": {"屈晓东", "万芳", "卿志勇"}, "ll/ecology": {"段丽萍", "吴刚", "程远"},
	"ll/housing": {"魏长生", "眭平", "高洁"}, "ll/police": {"曾庆国", "石磊", "鲁珍"},
	"ll/health": {"朱玉梅", "孙䶮", "钟伟"}, "ll/culture": {"于海燕", "汤克勤", "贺敏"},
	"yz/commerce": {"袁志刚", "翟翠", "成立"}, "yz/education": {"姜文博", "冯玲", "申屠明"},
	"yz/emergency": {"毛铁军", "易凡", "蓝天佑"}, "yz/tobacco": {"赖永健", "施红", "柳青"},
}

// staff is somebody who works for a centre or for the whole house.
type staff struct {
	login, name, area string
	window            string // number, of a clerk
	role              string
}

var staffs = []staff{
	{"clerk", "王敏", "lst", "3", "clerk"}, {"clerk2", "李㛃", "lst", "5", "clerk"}, {"supervisor", "李国强", "lst", "", "supervisor"},
	{"clerk.ll", "唐海燕", "ll", "1", "clerk"}, {"clerk2.ll", "何晓芸", "ll", "2", "clerk"}, {"supervisor.ll", "陈卫东", "ll", "", "supervisor"},
	{"clerk.yz", "周雅婷", "yz", "8", "clerk"}, {"clerk2.yz", "蒋丽华", "yz", "9", "clerk"}, {"supervisor.yz", "欧阳建民", "yz", "", "supervisor"},
	{"courier", "刘燚", "lst", "", "courier"}, {"courier2", "罗小川", "lst", "", "courier"}, {"courier3", "盘志明", "lst", "", "courier"},
	{"courier.ll", "赵子扬", "ll", "", "courier"}, {"courier2.ll", "蒋㵘", "ll", "", "courier"}, {"courier.yz", "奉大海", "yz", "", "courier"},
	{"auditor", "沈心怡", "", "", "auditor"}, {"admin", "顾维", "", "", "admin"}, {"admin2", "方圆", "", "", "admin"},
	{"security", "秦岭", "", "", "security"}, {"security2", "白露", "", "", "security"},
}

// demoPassword opens every account of the demonstration: the plan's year.
const demoPassword = "Yongzhou-2019"

// unreachable is the department nobody can be reached at: no account was ever
// used, and its mailbox does not exist.
const unreachable = "ll/culture"
