package delivery

import "fmt"

// BenchLabels gives what printing n labels costs once their facts are read, for
// `lianban bench labels` (DEL-1107).
func BenchLabels(n int) func() ([]byte, error) {
	labels := manyLabels(n)
	return func() ([]byte, error) {
		p, err := printLabels(labels)
		return p.PDF, err
	}
}

// manyLabels are labels as on a busy day, some with characters to flag.
func manyLabels(n int) []label {
	out := make([]label, n)
	for i := range out {
		number := fmt.Sprintf("LB03%08dK", i)
		out[i] = label{
			Centre: "永州市冷水滩区政务服务中心", Phone: "0746-8322222", Way: WayOwnCourier.In("zh"), Number: number, Code: number + ".M7Q4M2X9C",
			Classes: []string{"证照", "印章"}, Due: "11月25日 周三 17:30 前", Bag: fmt.Sprintf("B%04d", i), Note: "数据版本 3f9a12cd",
			To:   Addressee{Name: "张*", Phone: "1******5678", Address: fmt.Sprintf("湖南省永州市冷水滩区梧桐路%d号3栋***", i)},
			Door: []string{"收件人姓名、收货码", "收件人姓名、证件号后四位、签名"},
		}
		if i%50 == 0 {
			out[i].To.Name = "𡈼*"
		}
	}
	return out
}
