package delivery

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/uptrace/bun"
)

// Copies asks for a database of a size to measure: N copies of a parcel that
// was made by the real acts, each with its events and its couriers, numbered
// from First on.
type Copies struct {
	ParcelID string
	First, N int
}

// Copy writes them on the caller's transaction, inside the database: ten
// million events would take an hour on their way through the program. Copies
// have no leaves in the evidence log and hold no items; they are for
// `lianban bench` on databases of its own.
func Copy(ctx context.Context, tx bun.IDB, c Copies) error {
	const nth = "'-' || CAST(n.i AS text)" // as many digits for each, so that the indexes grow at their end
	id, parcel := "o.id || "+nth, "o.parcel_id || "+nth
	for _, table := range []struct {
		model   any
		renamed map[string]string
	}{
		{(*Parcel)(nil), map[string]string{"id": id, "number": "o.number || " + nth}},
		{(*assignment)(nil), map[string]string{"id": id, "parcel_id": parcel}},
		{(*EventRow)(nil), map[string]string{"id": id, "parcel_id": parcel}},
	} {
		if err := copyRows(ctx, tx, table.model, table.renamed, c); err != nil {
			return fmt.Errorf("copy parcel %s: %w", c.ParcelID, err)
		}
	}
	return nil
}

// copyRows copies the rows of one table that belong to the parcel.
func copyRows(ctx context.Context, tx bun.IDB, model any, renamed map[string]string, c Copies) error {
	table := tx.Dialect().Tables().Get(reflect.TypeOf(model))
	var columns, values []string
	for _, f := range table.Fields {
		value := renamed[f.Name]
		if value == "" {
			value = "o." + string(f.SQLName)
		}
		columns, values = append(columns, string(f.SQLName)), append(values, value)
	}
	owner := "o.parcel_id"
	if _, parcel := model.(*Parcel); parcel {
		owner = "o.id"
	}
	_, err := tx.NewRaw("INSERT INTO ? ("+strings.Join(columns, ", ")+") "+
		"WITH RECURSIVE n (i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?) "+
		"SELECT "+strings.Join(values, ", ")+" FROM n CROSS JOIN ? AS o WHERE "+owner+" = ? ORDER BY o.id, n.i",
		table.SQLName, copiesFrom+c.First, copiesFrom+c.First+c.N-1, table.SQLName, c.ParcelID).Exec(ctx)
	return err
}

const copiesFrom = 10_000_000
