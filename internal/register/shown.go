package register

import "slices"

// Shown are the tables whose rows lead to somebody and of which something is exported, in
// the register's order. Of the others nobody is shown even that there is a row: that an
// authority asked may be forbidden to tell.
func (r *Register) Shown() []Table {
	return slices.DeleteFunc(r.Personal(), func(t Table) bool { return !slices.ContainsFunc(t.Columns, Column.Exported) })
}
