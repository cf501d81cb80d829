package audit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// subjectSize is the length of pseudonyms in bytes.
const subjectSize = 16

// maxFacts is how long the facts of an act may be, as JSON.
const maxFacts = 1000

// errUnwritten refuses acts where nobody writes them down.
var errUnwritten = errors.New("nobody writes acts down, so none is done")

// WriteTx writes acts down in the transaction that does them. Its error must end that
// transaction: what isn't written isn't done. It refuses acts that are not among
// models.AuditActs, acts of nobody, and facts that could be somebody's text.
func (s *Service) WriteTx(tx *gorm.DB, entries ...Entry) error {
	if s == nil {
		return errUnwritten
	}
	if len(entries) == 0 {
		return nil
	}
	known, err := subjectsTx(tx, entries)
	if err != nil {
		return err
	}
	now := s.Clock.Now()
	rows := make([]models.AuditEntry, len(entries))
	for i, e := range entries {
		if rows[i], err = s.row(e, known, now); err != nil {
			return fmt.Errorf("write %s down: %w", e.Act, err)
		}
	}
	if err := tx.Create(&rows).Error; err != nil {
		return fmt.Errorf("write down what was done: %w", err)
	}
	return nil
}

func (s *Service) row(e Entry, known map[string][]byte, now time.Time) (row models.AuditEntry, err error) {
	if !e.Act.Valid() {
		return row, errors.New("there is no such act")
	}
	kind, err := e.By.kindFor(e.Subject)
	if err != nil {
		return row, err
	}
	facts, err := encode(e.Facts)
	if err != nil {
		return row, err
	}
	row = models.AuditEntry{ID: id.New(id.Audit), At: now, Act: e.Act, ActorKind: kind, Actor: known[e.By.owner], KeyID: e.By.key, SessionID: e.By.session,
		Subject: known[e.Subject], Facts: facts}
	row.MAC = s.mac(&row)
	return row, nil
}

// plain is what a fact may be: an id, a name of a closed set, a version.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:+ -]{0,100}$`)

func encode(f models.AuditFacts) (string, error) {
	texts := []string{string(f.Provider), f.SessionID, f.KeyID, string(f.Consent), f.Version, f.Outcome, f.Ref}
	if slices.ContainsFunc(texts, func(t string) bool { return !plain.MatchString(t) }) {
		return "", errors.New("a fact is neither an id nor a name of a closed set")
	}
	b, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encode facts: %w", err)
	}
	if len(b) > maxFacts {
		return "", errors.New("the facts are too long")
	}
	return string(b), nil
}

// subjectsTx are the pseudonyms of everybody the entries speak of; who has none yet gets
// one. They are made in one order, so that transactions don't wait for each other in a circle.
func subjectsTx(tx *gorm.DB, entries []Entry) (map[string][]byte, error) {
	var owners []string
	for _, e := range entries {
		owners = append(owners, e.Subject, e.By.owner)
	}
	slices.Sort(owners)
	owners = slices.DeleteFunc(slices.Compact(owners), func(o string) bool { return o == "" })
	known := map[string][]byte{}
	if len(owners) == 0 {
		return known, nil
	}
	asked := make([]any, 0, 2*len(owners))
	for _, o := range owners {
		asked = append(asked, o, newSubject())
	}
	statement := fmt.Sprintf(subjectsSQL, strings.Repeat(", (?::text, ?::bytea)", len(owners))[2:])
	for range 2 { // whose was just made by somebody else is found by a second look
		var rows []models.AuditSubject
		if err := tx.Raw(statement, asked...).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("find or make pseudonyms: %w", err)
		}
		for _, r := range rows {
			known[r.OwnerID] = r.Subject
		}
		if len(known) == len(owners) {
			break
		}
	}
	return known, nil
}

// subjectsSQL finds pseudonyms and makes those that are missing.
const subjectsSQL = `WITH asked AS (
	SELECT v.owner_id, v.subject, (SELECT s.subject FROM audit_subjects s WHERE s.owner_id = v.owner_id AND NOT s.joined) AS known FROM (VALUES %s) AS v (owner_id, subject)
), fresh AS (
	INSERT INTO audit_subjects (owner_id, subject) SELECT owner_id, subject FROM asked WHERE known IS NULL ORDER BY owner_id
	ON CONFLICT (owner_id) WHERE NOT joined DO NOTHING RETURNING owner_id, subject
)
SELECT owner_id, known AS subject FROM asked WHERE known IS NOT NULL UNION ALL SELECT owner_id, subject FROM fresh`

// MoveTx makes what was written of a guest the account's to see: its pseudonym stands for the
// account too. Entries stay as they are.
func (s *Service) MoveTx(tx *gorm.DB, from, to viewer.Viewer) error {
	if err := tx.Exec(`UPDATE audit_subjects SET owner_id = ?, joined = true WHERE owner_id = ?`, to.OwnerID, from.OwnerID).Error; err != nil {
		return fmt.Errorf("move a guest's pseudonym: %w", err)
	}
	return nil
}

func newSubject() []byte {
	b := make([]byte, subjectSize)
	_, _ = rand.Read(b) // never fails, it ends the process instead
	return b
}

// canonical is the unambiguous form of an entry: each part led by its length.
func canonical(e *models.AuditEntry) []byte {
	b := []byte{1}
	for _, part := range [...][]byte{[]byte(e.ID), moment(e.At), []byte(e.Act), []byte(e.ActorKind), e.Actor, []byte(e.KeyID), []byte(e.SessionID), e.Subject, []byte(e.Facts)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part))) //nolint:gosec // the columns are short
		b = append(b, part...)
	}
	return b
}

// moment is a time in microseconds, which is what the database keeps.
func moment(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro())) //nolint:gosec // two's complement is as good as any form
}

func (s *Service) mac(e *models.AuditEntry) []byte {
	m := hmac.New(sha256.New, s.macKey)
	m.Write(canonical(e))
	return m.Sum(nil)
}
