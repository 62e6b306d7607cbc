package delivery

import "testing"

func TestMasks(t *testing.T) { // FAC-20, DEL-1103
	t.Parallel()
	for name, c := range map[string]struct {
		mask  func(string) string
		pairs map[string]string
	}{
		"name": {MaskName, map[string]string{
			"张三": "张*", "欧阳修": "欧**", "李": "*", " 张三 ": "张*", "": "",
			"张䶮": "张*", "李㛃": "李*", "𬱖": "*", "𬱖𬱖": "𬱖*", "王𡈼": "王*", // DEL-1105: one character each, whatever its plane
		}},
		"phone": {MaskPhone, map[string]string{
			"13800001234": "1******1234", "13812345678": "1******5678", "0746-8322222": "0*******2222", "83222222": "********", "": "",
		}},
		"id number": {MaskIDNo, map[string]string{"11010519491231002X": "1****************X", "E12345678": "E*******8", "12": "**"}},
		"address": {MaskAddress, map[string]string{
			"某路1号3栋2单元501":          "某路1号3栋***",
			"某路1号3栋":                "某路1号3栋",
			"冷水滩区梧桐路12号":            "冷水滩区梧桐路12号",
			"冷水滩区梧桐路12号501室":        "冷水滩区梧桐路12号***",
			"冷水滩区梧桐路12号2单元（近B座）501": "冷水滩区梧桐路12号***",
			"梧桐路１２号Ａ座１２０３":          "梧桐路１２号Ａ座***",
			"阳光小区七号楼三单元402室":        "阳光小区七号楼***",
			"万达广场3楼305":             "万达广场***",
			"道县道州路5号2楼":             "道县道州路5号***",
			"张家村李四屋后":               "张家村***",
			"李四家":                   "***",
		}},
		"street": {MaskStreet, map[string]string{
			"冷水滩区梧桐路12号3栋501": "冷水滩区梧桐路",
			"道县道州路5号":         "道县道州路",
			"零陵区潇水中路8号":       "零陵区潇水中路",
			"宁远县舜陵镇100号":      "宁远县舜陵镇",
			"李四家501":          "",
		}},
	} {
		for in, want := range c.pairs {
			if got := c.mask(in); got != want {
				t.Errorf("%s %q is shown as %q, want %q", name, in, got, want)
			}
		}
	}
}
