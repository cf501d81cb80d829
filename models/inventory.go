package models

// DataInventory is what is held about somebody, by kinds of data.
type DataInventory struct {
	PolicyVersion string
	Groups        []*DataGroup
	Browser       []*BrowserEntry
}

// BrowserEntryKind is where something is kept in a browser.
type BrowserEntryKind string

// The kinds.
const (
	BrowserCookie  BrowserEntryKind = "COOKIE"
	BrowserSession BrowserEntryKind = "SESSION_STORAGE"
	BrowserLocal   BrowserEntryKind = "LOCAL_STORAGE"
)

// BrowserEntry is something that the page keeps in browsers.
type BrowserEntry struct {
	Name      string
	Kind      BrowserEntryKind
	Purpose   string
	Necessary bool
	Kept      string // how long, in words
	Clause    string // the anchor of the policy's clause
}

// DataGroup is a kind of data that the privacy policy names.
type DataGroup struct {
	Name    string
	Purpose string
	Clause  *string // the anchor of the policy's clause
	Tables  []*DataTable
}

// DataTable is a table that holds something of people.
type DataTable struct {
	Name      string
	Group     string
	About     string
	Uses      []string
	Retention DataRetention
	Erasure   DataErasure
	Columns   []*DataColumn
}

// DataRetentionRule is for how long rows are kept.
type DataRetentionRule string

// The rules.
const (
	DataKeptWithOwner DataRetentionRule = "OWNER"
	DataKeptLimited   DataRetentionRule = "LIMITED"
	DataKeptForever   DataRetentionRule = "FOREVER"
)

// DataRetention is for how long rows are kept. Without Seconds there is no limit of time,
// with 0 each row says itself when it ends.
type DataRetention struct {
	Rule         DataRetentionRule
	Seconds      *int64
	GuestSeconds *int64 // of guests' rows, after the guest was last active
	Words        string
}

// DataErasure is what a deletion of the account does with rows.
type DataErasure string

// The ends of rows.
const (
	DataDeleted  DataErasure = "DELETED"
	DataUnlinked DataErasure = "UNLINKED" // they stay, and nothing leads from them to anybody
)

// DataStorage is how a value is stored.
type DataStorage string

// The ways.
const (
	DataPlain   DataStorage = "PLAIN"
	DataSealed  DataStorage = "SEALED"
	DataHashed  DataStorage = "HASHED"
	DataWrapped DataStorage = "WRAPPED"
)

// DataColumn is a column of a table.
type DataColumn struct {
	Name     string
	Category string
	Storage  DataStorage
	Shown    bool
	Why      *string // it is not shown
}

// DataRow is a row about somebody: the values of the columns that are shown.
type DataRow struct {
	Values   []*DataValue
	Position string // of the row in its table
}

// DataValue is the value of a column as text, nil where there is none.
type DataValue struct {
	Name  string
	Value *string
}
