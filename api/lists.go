package api

import (
	"encoding/json"
	"reflect"
)

var marshaler = reflect.TypeFor[json.Marshaler]()

// withLists gives the answer with an empty list wherever it has a nil one, so
// that clients never meet null where the document says list.
func withLists(out any) any {
	p := reflect.New(reflect.TypeOf(out))
	p.Elem().Set(reflect.ValueOf(out))
	fillLists(p.Elem())
	return p.Interface()
}

func fillLists(v reflect.Value) {
	if v.Type().Implements(marshaler) {
		return // it writes itself
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fillLists(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fillLists(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.IsNil() && v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			fillLists(v.Index(i))
		}
	}
}
