package inspection

// system is a branch of the administration, the same at every level.
type system struct {
	code string
	name Words
}

// systems are the codes of facts section 3; most frequent first.
var systems = []system{
	{"amr", Words{"市场监管", "Market regulation"}},
	{"fire", Words{"消防救援", "Fire and rescue"}},
	{"housing", Words{"住建", "Housing and construction"}},
	{"health", Words{"卫健", "Health"}},
	{"ecology", Words{"生态环境", "Ecology and environment"}},
	{"culture", Words{"文旅广体", "Culture, tourism and sport"}},
	{"police", Words{"公安", "Police"}},
	{"urban", Words{"城管", "City management"}},
	{"education", Words{"教育", "Education"}},
	{"labour", Words{"人社", "Labour and social security"}},
	{"tobacco", Words{"烟草专卖", "Tobacco monopoly"}},
	{"emergency", Words{"应急管理", "Emergency management"}},
	{"agriculture", Words{"农业农村", "Agriculture"}},
	{"commerce", Words{"商务", "Commerce"}},
	{"transport", Words{"交通运输", "Transport"}},
	{"civil", Words{"民政", "Civil affairs"}},
	{"press", Words{"新闻出版", "Press and film"}},
	{"post", Words{"邮政管理", "Postal administration"}},
	{"forestry", Words{"林业", "Forestry"}},
	{"tax", Words{"税务", "Taxation"}},
}

// Systems lists the codes of department systems.
func Systems() []string {
	out := make([]string, len(systems))
	for i, s := range systems {
		out[i] = s.code
	}
	return out
}

// SystemName names a department system, with empty Words for an unknown code.
func SystemName(code string) Words {
	for _, s := range systems {
		if s.code == code {
			return s.name
		}
	}
	return Words{}
}
