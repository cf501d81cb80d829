package register

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// StorageFile is the name of the declaration of what is kept in browsers, in the policy's
// files. The page reads it as well, so it is JSON.
const StorageFile = "storage.json"

// Storage is a cookie, or something else that the page keeps in a browser.
type Storage struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"` // cookie, sessionStorage or localStorage
	Host      bool   `json:"host"` // the cookie's name begins with __Host- where the page comes by https
	Purpose   string `json:"purpose"`
	Necessary bool   `json:"necessary"` // else it is kept only after somebody has agreed
	TTL       string `json:"ttl"`       // in words
	Clause    string `json:"clause"`
}

// Field is something that leaves the database: a key of a line of the log, the label of a
// metric, a fact in a mail, what a recipient gets.
type Field struct {
	Name     string
	Category string `yaml:"category"`
	About    string `yaml:"about"`
}

// Mail is a kind of mail that the program writes.
type Mail struct {
	Kind   string
	About  string
	Clause string
	// OptOut says that who doesn't want such mails gets none.
	OptOut bool
	Facts  []Field // that it tells
}

// Recipient is a kind of somebody else who gets something of a person.
type Recipient struct {
	Kind    string // inference, payment, sign-in or mail
	About   string
	Clause  string
	Consent bool    // it gets nothing before the person has agreed to it by name
	Fields  []Field // that it gets
}

// Place is where data lies or is copied to beside the tables: a file of DATA_DIR, a backup.
type Place struct {
	Name   string
	About  string `yaml:"about"`
	Kept   string `yaml:"kept"` // how long, in words
	Clause string `yaml:"clause"`
}

// Open is a promise that no test names, and why.
type Open struct{ Promise, Why string }

// The kinds of recipients.
const (
	RecipientInference = "inference"
	RecipientPayment   = "payment"
	RecipientSignIn    = "sign-in"
	RecipientMail      = "mail"
)

// Recipient is the recipient of a kind.
func (r *Register) Recipient(kind string) (Recipient, bool) {
	i := slices.IndexFunc(r.Recipients, func(x Recipient) bool { return x.Kind == kind })
	if i < 0 {
		return Recipient{}, false
	}
	return r.Recipients[i], true
}

// LogField is the field of the log with a name.
func (r *Register) LogField(name string) (Field, bool) {
	i := slices.IndexFunc(r.LogFields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return r.LogFields[i], true
}

func readStorage(files fs.FS) ([]Storage, error) {
	raw, err := fs.ReadFile(files, StorageFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is kept in browsers: %w", err)
	}
	var declared struct{ Entries []Storage }
	if err := json.Unmarshal(raw, &declared); err != nil {
		return nil, fmt.Errorf("%s: %w", StorageFile, err)
	}
	return declared.Entries, nil
}

// checkSections looks for what the sections beside the tables lack or contradict.
func (r *Register) checkSections() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	clause := func(what, id string) {
		if !r.hasClause(id) {
			bad("%s: there is no clause %s", what, id)
		}
	}
	for _, f := range slices.Concat(r.LogFields, r.Metrics) {
		if !loggable(f.Category) {
			bad("log field or metric %q: %q is no category that may leave the database: system.… or user.unique_id only", f.Name, f.Category)
		}
	}
	for _, m := range r.Mails {
		clause("mail "+m.Kind, m.Clause)
		errs = append(errs, checkFields("mail "+m.Kind, m.About, m.Facts)...)
	}
	for _, x := range r.Recipients {
		clause("recipient "+x.Kind, x.Clause)
		errs = append(errs, checkFields("recipient "+x.Kind, x.About, x.Fields)...)
		if len(x.Fields) == 0 {
			bad("recipient %s: what does it get?", x.Kind)
		}
	}
	for _, p := range slices.Concat(r.Files, r.Backups) {
		clause("place "+p.Name, p.Clause)
		if p.About == "" || p.Kept == "" {
			bad("place %s: about and kept are needed", p.Name)
		}
	}
	for _, s := range r.Storage {
		clause(StorageFile+": "+s.Name, s.Clause)
		if s.Name == "" || s.Purpose == "" || s.TTL == "" || !slices.Contains([]string{"cookie", "sessionStorage", "localStorage"}, s.Kind) {
			bad("%s: %q needs a name, a kind, a purpose and a ttl", StorageFile, s.Name)
		}
	}
	return errs
}

// loggable says whether values of a category may stand in the log: nothing that a person
// wrote, is called or can be reached by, only who it was as an opaque id.
func loggable(category string) bool {
	return strings.HasPrefix(category, "system.") || category == "user.unique_id"
}

func checkFields(of, about string, fields []Field) (errs []error) {
	if about == "" {
		errs = append(errs, fmt.Errorf("%s: about is needed", of))
	}
	for _, f := range fields {
		if !isCategory(f.Category) {
			errs = append(errs, fmt.Errorf("%s, %s: %q is no category", of, f.Name, f.Category))
		}
	}
	return errs
}

func isCategory(c string) bool {
	return strings.HasPrefix(c, "user.") || strings.HasPrefix(c, "system.")
}

func (r *Register) hasClause(id string) bool {
	return id == "" || slices.ContainsFunc(r.Clauses, func(c Clause) bool { return c.ID == id })
}
