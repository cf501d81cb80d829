// Package apikey knows the keys with which programs act for an account. It alone builds
// rows of api_keys.
//
// A key is shown once, when it is made. What is stored of its secret is a digest under a
// secret of the installation, sealed under its owner's key: neither the database nor the
// installation's secret alone can check a key, nothing gives one back, and it dies with
// its owner's key. What cannot be a key is refused by its length, its characters and its
// checksum before anything is looked up.
package apikey

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// The bounds of keys.
const (
	// MaxKeys is how many keys that are neither revoked nor expired an account may have.
	MaxKeys = 50
	// DefaultTTL is how long a key is good for when nothing else is asked for.
	DefaultTTL = 365 * 24 * time.Hour
	// MaxTTL is how long a key may be good for.
	MaxTTL  = 5 * 365 * 24 * time.Hour
	maxName = 100
	// MaxPerMinute is the largest limit that a key may have of its own.
	MaxPerMinute = 1_000_000_000

	// remembered is how long a key that was checked is believed: also how soon an instance
	// that is cut off from the others notices that a key is revoked.
	remembered    = time.Second
	maxRemembered = 10_000
)

// The scopes, and those of a key that names none.
var (
	Scopes        = []models.Scope{models.ScopeChatWrite, models.ScopeConversationsRead, models.ScopeModelsRead, models.ScopeUsageRead}
	DefaultScopes = []models.Scope{models.ScopeChatWrite, models.ScopeModelsRead, models.ScopeUsageRead}
)

// Owners opens the keys of owners.
type Owners interface {
	LockTx(tx *gorm.DB, v viewer.Viewer) error
	// Fresh refuses with REAUTHENTICATION_REQUIRED who hasn't just proved who it is.
	Fresh(v viewer.Viewer) error
	// Key is an owner's key; NOT_FOUND when the owner is gone.
	Key(ctx context.Context, ownerID string) (*seal.Key, error)
}

// Budgets keeps what keys may spend.
type Budgets interface {
	// LimitKeyTx sets the most that a key may spend; nil: no limit of its own.
	LimitKeyTx(tx *gorm.DB, ownerID, keyID string, limit *int64) (models.KeyBudget, error)
	// KeyLimitTx is the most that a key may spend; nil: no limit of its own.
	KeyLimitTx(tx *gorm.DB, ownerID, keyID string) (*int64, error)
	// KeyBudgets are those of an owner's keys, by key.
	KeyBudgets(ctx context.Context, ownerID string) (map[string]models.KeyBudget, error)
}

// Bus carries revocations to the other instances.
type Bus interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handle func(data []byte, reply func([]byte) error)) (stop func(), err error)
}

// Stopper ends what goes on for a key.
type Stopper interface {
	StopKey(ctx context.Context, ownerID, keyID string) error
}

// Tries bounds what keys cost that are not good.
type Tries interface {
	// TryKey counts a try from an address, or refuses it with RATE_LIMITED; done says whether
	// the key was not good, and takes it back otherwise.
	TryKey(ctx context.Context, from netip.Addr) (done func(bad bool), err error)
	// ListKey reports whether a refusal of a key that was good once is to be listed.
	ListKey(keyID string) bool
}

// Config is what a Service is made of.
type Config struct {
	DB      *database.DB
	Audit   *audit.Service // writes acts down; without it none is done
	Owners  Owners
	Budgets Budgets
	Clock   clock.Clock
	Log     *slog.Logger
	Bus     Bus   // nil: there are no other instances
	Tries   Tries // nil: nothing is bounded
	// Secret is a secret of the installation of at least 32 bytes: with another one no
	// key is good any more.
	Secret []byte
}

// Service makes, checks and revokes keys.
type Service struct {
	Config
	pepper   pepper
	known    *viewer.Cache // by the SHA-256 of a key
	proven   *proven
	instance string

	stopper Stopper

	mu        sync.Mutex
	callbacks []func(ownerID, keyID string)
	deaf      func()
}

// New makes the service; Start lets it hear of what other instances revoke.
func New(c Config) *Service {
	return &Service{Config: c, pepper: newPepper(c.Secret), known: viewer.NewCache(c.Clock.Now, remembered, maxRemembered), proven: newProven(), instance: id.New(id.Instance)}
}

// StopWith hands over what ends a revoked key's replies. It is called once, before the
// first request.
func (s *Service) StopWith(stopper Stopper) { s.stopper = stopper }

func digestPlace(owner, key string) seal.Place {
	return seal.Place{Table: "api_keys", Column: "digest_sealed", Row: key, Owner: owner}
}

func namePlace(owner, key string) seal.Place {
	return seal.Place{Table: "api_keys", Column: "name_sealed", Row: key, Owner: owner}
}

// Create asks for a key.
type Create struct {
	Name        string
	Scopes      []models.Scope // nil: DefaultScopes
	ExpiresAt   *time.Time     // nil: after DefaultTTL
	CreditLimit *int64         // micro-credits that it may spend in all; nil: no limit of its own
	// What it may do a minute; nil: as much as every key.
	RequestsPerMinute, TokensPerMinute *int64
}

// Create makes a key and returns it with its secret, which nobody can ask for again. It
// refuses with UNAUTHENTICATED all but accounts, with INVALID what a key cannot be, and
// with CONFLICT who has MaxKeys already.
func (s *Service) Create(ctx context.Context, v viewer.Viewer, in Create) (*models.APIKey, string, error) {
	if err := mustBeAccount(v); err != nil {
		return nil, "", err
	}
	k, err := s.newKey(v, in)
	if err != nil {
		return nil, "", err
	}
	secret, publicID := newSecret()
	k.PublicID, k.LastFour = publicID, secret[len(secret)-4:]
	k.DigestSealed = v.Key.Seal(digestPlace(k.OwnerID, k.ID), s.pepper.digest(secret))
	k.NameSealed = v.Key.SealString(namePlace(k.OwnerID, k.ID), k.Name)
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.Owners.LockTx(tx, v); err != nil {
			return err
		}
		var n int64
		if err := tx.Model(&models.APIKey{}).Where("owner_id = ? AND revoked_at IS NULL AND expires_at > ?", v.OwnerID, k.CreatedAt).Count(&n).Error; err != nil {
			return fmt.Errorf("count the keys: %w", err)
		}
		if n >= MaxKeys {
			return fault.New(fault.Conflict, "you have %d API keys already: revoke one that you don't need", n)
		}
		k.Capped = in.CreditLimit != nil
		if err := tx.Create(k).Error; err != nil {
			return fmt.Errorf("write the key: %w", err)
		}
		var err error
		if k.Budget, err = s.Budgets.LimitKeyTx(tx, k.OwnerID, k.ID, in.CreditLimit); err != nil {
			return err
		}
		return s.didTx(tx, v, models.AuditKeyCreated, k.ID)
	})
	if err != nil {
		return nil, "", fmt.Errorf("make an API key: %w", err)
	}
	return k, secret, nil
}

// newKey checks what is asked for.
func (s *Service) newKey(v viewer.Viewer, in Create) (*models.APIKey, error) {
	now := s.Clock.Now()
	k := &models.APIKey{OwnerID: v.OwnerID, ID: id.New(id.APIKey), Name: strings.TrimSpace(in.Name), Granted: granted(DefaultScopes), CreatedAt: now, ExpiresAt: now.Add(DefaultTTL),
		RequestsPerMinute: in.RequestsPerMinute, TokensPerMinute: in.TokensPerMinute}
	var faults fault.List
	faults = checkName(faults, k.Name)
	if in.Scopes != nil {
		k.Granted = granted(in.Scopes)
		if len(in.Scopes) == 0 || slices.ContainsFunc(in.Scopes, func(x models.Scope) bool { return !slices.Contains(Scopes, x) }) {
			faults = append(faults, fault.On("scopes", fault.Invalid, "choose at least one of chat:write, conversations:read, models:read and usage:read"))
		}
	}
	if in.ExpiresAt != nil {
		k.ExpiresAt = *in.ExpiresAt
		if !k.ExpiresAt.After(now) || k.ExpiresAt.After(now.Add(MaxTTL)) {
			faults = append(faults, fault.On("expiresAt", fault.Invalid, "a key must end after now and within five years"))
		}
	}
	faults = checkLimit(faults, in.CreditLimit)
	faults = checkPerMinute(faults, "requestsPerMinute", in.RequestsPerMinute, 1)
	faults = checkPerMinute(faults, "tokensPerMinute", in.TokensPerMinute, 1)
	return k, faults.OrNil()
}

// granted writes scopes down, each once and always in one order.
func granted(scopes []models.Scope) string {
	var names []string
	for _, x := range slices.Compact(slices.Sorted(slices.Values(scopes))) {
		names = append(names, string(x))
	}
	return strings.Join(names, " ")
}

func checkName(faults fault.List, name string) fault.List {
	if name == "" || utf8.RuneCountInString(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return append(faults, fault.On("name", fault.Invalid, "give the key a name of 1 to %d characters, on one line", maxName))
	}
	return faults
}

func checkLimit(faults fault.List, limit *int64) fault.List {
	if limit != nil && *limit < 0 {
		return append(faults, fault.On("creditLimit", fault.Invalid, "a limit can't be negative: leave it out for none"))
	}
	return faults
}

// checkPerMinute refuses a limit that a key can't have; nil is none.
func checkPerMinute(faults fault.List, field string, limit *int64, lowest int64) fault.List {
	if limit != nil && (*limit < lowest || *limit > MaxPerMinute) {
		return append(faults, fault.On(field, fault.Invalid, "a limit is between %d and %d a minute", lowest, MaxPerMinute))
	}
	return faults
}

// List is the viewer's keys, those that are good first, then by their creation, newest
// first. An API key sees none.
func (s *Service) List(ctx context.Context, v viewer.Viewer) ([]*models.APIKey, error) {
	if !isAccount(v) {
		return []*models.APIKey{}, nil
	}
	keys := []*models.APIKey{}
	err := s.DB.Gorm(ctx).Where("owner_id = ?", v.OwnerID).Order("revoked_at IS NOT NULL, id DESC").Find(&keys).Error
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	return keys, s.open(ctx, v, keys)
}

// open fills in what is sealed or kept elsewhere.
func (s *Service) open(ctx context.Context, v viewer.Viewer, keys []*models.APIKey) (err error) {
	budgets, err := s.Budgets.KeyBudgets(ctx, v.OwnerID)
	if err != nil {
		return fmt.Errorf("read what keys may spend: %w", err)
	}
	for _, k := range keys {
		if k.Name, err = v.Key.OpenString(namePlace(k.OwnerID, k.ID), k.NameSealed); err != nil {
			return fmt.Errorf("open an API key's name: %w", err)
		}
		k.Budget = budgets[k.ID]
	}
	return nil
}

// Update changes a key. Nil leaves as it is; Unlimited takes the credit limit away, 0 a
// limit a minute.
type Update struct {
	KeyID                              string
	Name                               *string
	CreditLimit                        *int64
	Unlimited                          bool
	RequestsPerMinute, TokensPerMinute *int64
}

// Update renames a key or changes what it may spend and do; other instances know it within
// a second. It refuses with NOT_FOUND what is none of the viewer's, and with
// REAUTHENTICATION_REQUIRED to let a key spend or do more than before without a fresh proof.
func (s *Service) Update(ctx context.Context, v viewer.Viewer, in Update) (*models.APIKey, error) {
	if err := mustBeAccount(v); err != nil {
		return nil, err
	}
	var faults fault.List
	changes := map[string]any{}
	if in.Name != nil {
		name := strings.TrimSpace(*in.Name)
		faults = checkName(faults, name)
		changes["name_sealed"] = v.Key.SealString(namePlace(v.OwnerID, in.KeyID), name)
	}
	if in.CreditLimit != nil || in.Unlimited {
		changes["capped"] = in.CreditLimit != nil
	}
	faults = checkPerMinute(faults, "requestsPerMinute", in.RequestsPerMinute, 0)
	faults = checkPerMinute(faults, "tokensPerMinute", in.TokensPerMinute, 0)
	for column, limit := range map[string]*int64{"requests_per_minute": in.RequestsPerMinute, "tokens_per_minute": in.TokensPerMinute} {
		if limit != nil {
			changes[column] = gorm.Expr("nullif(?::bigint, 0)", *limit)
		}
	}
	if in.CreditLimit != nil && in.Unlimited {
		faults = append(faults, fault.On("unlimited", fault.Invalid, "give either a credit limit or unlimited"))
	}
	if err := checkLimit(faults, in.CreditLimit).OrNil(); err != nil {
		return nil, err
	}
	var k models.APIKey
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		k = models.APIKey{}
		if err := findTx(tx, v, in.KeyID, &k); err != nil {
			return err
		}
		if err := s.mayWidenTx(tx, v, &k, in); err != nil {
			return err
		}
		if len(changes) > 0 {
			if err := tx.Model(&models.APIKey{}).Where("owner_id = ? AND id = ?", v.OwnerID, k.ID).Updates(changes).Error; err != nil {
				return fmt.Errorf("write the key: %w", err)
			}
			if err := findTx(tx, v, in.KeyID, &k); err != nil {
				return err
			}
		}
		if in.CreditLimit != nil || in.Unlimited {
			if _, err := s.Budgets.LimitKeyTx(tx, v.OwnerID, k.ID, in.CreditLimit); err != nil {
				return err
			}
		}
		return s.didTx(tx, v, models.AuditKeyUpdated, k.ID)
	})
	if err != nil {
		return nil, fmt.Errorf("change an API key: %w", err)
	}
	s.known.Forget(func(known viewer.Viewer) bool { return known.KeyID == k.ID })
	return &k, s.open(ctx, v, []*models.APIKey{&k})
}

// mayWidenTx asks for a fresh proof where a change gives the key more than it has. The key is
// locked.
func (s *Service) mayWidenTx(tx *gorm.DB, v viewer.Viewer, k *models.APIKey, in Update) error {
	limit, err := s.Budgets.KeyLimitTx(tx, v.OwnerID, k.ID)
	if err != nil {
		return fmt.Errorf("read what the key may spend: %w", err)
	}
	spends := limit != nil && (in.Unlimited || in.CreditLimit != nil && *in.CreditLimit > *limit)
	if spends || raises(k.RequestsPerMinute, in.RequestsPerMinute) || raises(k.TokensPerMinute, in.TokensPerMinute) {
		return s.Owners.Fresh(v)
	}
	return nil
}

// raises reports whether a new limit a minute, 0 for none, allows more than the present one.
func raises(present, wanted *int64) bool {
	return present != nil && wanted != nil && (*wanted == 0 || *wanted > *present)
}

// findTx locks one of the viewer's keys.
func findTx(tx *gorm.DB, v viewer.Viewer, keyID string, k *models.APIKey) error {
	none := fault.On("apiKeyId", fault.NotFound, "you have no such API key")
	if !id.Is(id.APIKey, keyID) {
		return none
	}
	found := tx.Raw(`SELECT * FROM api_keys WHERE owner_id = ? AND id = ? FOR NO KEY UPDATE`, v.OwnerID, keyID).Scan(k)
	if found.Error != nil {
		return fmt.Errorf("find the key: %w", found.Error)
	}
	if found.RowsAffected == 0 {
		return none
	}
	return nil
}

// didTx writes down what the viewer did to its keys.
func (s *Service) didTx(tx *gorm.DB, v viewer.Viewer, act models.AuditAct, keyIDs ...string) error {
	entries := make([]audit.Entry, len(keyIDs))
	for i, keyID := range keyIDs {
		entries[i] = audit.Entry{Act: act, Subject: v.OwnerID, By: audit.By(v), Facts: models.AuditFacts{KeyID: keyID}}
	}
	return s.Audit.WriteTx(tx, entries...)
}

func isAccount(v viewer.Viewer) bool { return v.Kind == viewer.Account && v.IsOwner() }

func mustBeAccount(v viewer.Viewer) error {
	if !isAccount(v) {
		return fault.New(fault.Unauthenticated, "API keys belong to accounts: sign in first")
	}
	return nil
}
