package delivery

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/png"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
)

// account gives a department somebody who signs in, so that the window may not
// act for it.
func (w *testWorld) account(department string) {
	w.t.Helper()
	_, err := w.Auth.AddPerson(w.t.Context(), auth.System("test"), auth.NewPerson{
		Login: department + "1", Name: "张䶮", Post: auth.Post{Department: department, Roles: []auth.Role{auth.Inspector}}, Password: "Meiwan-Road-1",
	})
	w.must(err)
}

func needs(form Class, departments ...string) (out []Need) {
	for _, d := range departments {
		out = append(out, Need{DepartmentID: d, Form: form})
	}
	return out
}

func (w *testWorld) material(title string, needs []Need) MaterialIn {
	return MaterialIn{CaseID: newID(), CaseNumber: "431103-2026-000001", CentreID: w.centre.ID, Division: "431103", Title: title, Needs: needs}
}

// takeIn hands a material in at the window.
func (w *testWorld) takeIn(m MaterialIn) (out []Material, err error) {
	err = w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		materials, leaves, err := w.TakeIn(w.t.Context(), tx, w.clerk, m)
		if err != nil {
			return err
		}
		out = materials
		return audit.Record(w.t.Context(), tx, leaves...)
	})
	return out, err
}

// lease is a lease that market regulation keeps and fire and urban get copies of.
func (w *testWorld) lease() (original, forFire, forUrban Material) {
	w.t.Helper()
	materials, err := w.takeIn(w.material("租赁合同", needs(ClassCopy, "amr", "fire", "urban")))
	w.must(err)
	return materials[0], materials[1], materials[2]
}

func (w *testWorld) stamp(materials ...Material) {
	w.t.Helper()
	for _, p := range materials {
		_, err := w.Stamp(w.t.Context(), w.clerk, p.ItemID, "蒋志远")
		w.must(err)
	}
}

// bag packs materials for a department or, "" for it, back to the window.
func (w *testWorld) bag(by auth.Actor, to string, materials ...Material) Bag {
	w.t.Helper()
	b, err := w.NewBag(w.t.Context(), by, NewBagRequest{To: to, Centre: w.centre.ID})
	w.must(err)
	for _, p := range materials {
		_, err := w.PutInBag(w.t.Context(), by, b.ID, p.Item.Number)
		w.must(err)
	}
	return b
}

// send packs and gives away.
func (w *testWorld) send(by auth.Actor, to string, materials ...Material) BagView {
	w.t.Helper()
	v, err := w.ReleaseBag(w.t.Context(), by, BagRelease{BagID: w.bag(by, to, materials...).ID, Seal: "F0001", Count: len(materials)})
	w.must(err)
	return v
}

// open signs for everything in a bag.
func (w *testWorld) open(by auth.Actor, v BagView) BagView {
	w.t.Helper()
	out, err := w.AcceptBag(w.t.Context(), by, BagAccept{BagID: v.ID, Count: len(v.Items)})
	w.must(err)
	return out
}

// photo puts an image and gives its hash.
func (w *testWorld) photo() string {
	w.t.Helper()
	var out bytes.Buffer
	w.must(png.Encode(&out, image.NewGray(image.Rect(0, 0, 4, 4))))
	sum := sha256.Sum256(out.Bytes())
	_, err := w.PutBlob(w.t.Context(), w.clerk, hex.EncodeToString(sum[:]), out.Bytes())
	w.must(err)
	return hex.EncodeToString(sum[:])
}

// whereIs is where the register says a material is, as kind/id.
func (w *testWorld) whereIs(p Material) string {
	w.t.Helper()
	v, err := w.FindMaterial(w.t.Context(), w.auditor, p.ItemID)
	w.must(err)
	return string(v.Item.CustodianKind) + "/" + v.Item.Custodian
}

func (w *testWorld) historyOf(p Material) string {
	w.t.Helper()
	v, err := w.FindMaterial(w.t.Context(), w.auditor, p.ItemID)
	w.must(err)
	var out []string
	for _, s := range v.History {
		out = append(out, string(s.Kind))
	}
	return strings.Join(out, " ")
}

func (w *testWorld) stamped(p Material) Material {
	w.t.Helper()
	w.stamp(p)
	return p
}
