package account

import (
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// maxSubject bounds a provider's stable id, in bytes.
const maxSubject = 1000

// Proof is what a provider said about somebody: the stable id, and whether the
// address is confirmed there.
type Proof struct {
	Provider models.Provider
	Subject  string
	Name     string
	Email    string
	Verified bool
	At       time.Time // when the provider last asked; zero: it does not say
}

// String is the provider alone: the rest is personal.
func (p Proof) String() string { return string(p.Provider) }

// GoString is String.
func (p Proof) GoString() string { return p.String() }

// checked is a proof that may count: its name shown safely, its address comparable.
type checked struct {
	Proof
	email address
	index []byte // of the subject
}

// check refuses with INVALID what a provider did not say in full: a missing or
// unverified address, which only the operator's link may lack.
func (s *Service) check(p Proof) (checked, error) {
	switch p.Provider {
	case models.ProviderGoogle, models.ProviderGitHub, models.ProviderOIDC, models.ProviderOperator:
	default:
		return checked{}, fault.New(fault.Invalid, "there is no such way to sign in")
	}
	if p.Subject == "" || len(p.Subject) > maxSubject {
		return checked{}, fault.New(fault.Invalid, "the provider did not say who you are: try again, or sign in another way")
	}
	p.Name = cutName(cleanName(p.Name))
	c := checked{Proof: p, index: s.index.ofSubject(p.Provider, p.Subject)}
	if p.Provider == models.ProviderOperator {
		return c, nil
	}
	email, ok := parseAddress(p.Email)
	if !ok || !email.deliverable() || !p.Verified {
		return checked{}, fault.New(fault.Invalid, "your account at the provider has no confirmed e-mail address: confirm one there and sign in again")
	}
	c.email = email
	return c, nil
}

// Where sealed values live.

func namePlace(owner string) seal.Place {
	return seal.Place{Table: "accounts", Column: "name_sealed", Row: owner, Owner: owner}
}

func emailPlace(owner string) seal.Place {
	return seal.Place{Table: "accounts", Column: "email_sealed", Row: owner, Owner: owner}
}

func subjectPlace(owner, identity string) seal.Place {
	return seal.Place{Table: "identities", Column: "subject_sealed", Row: identity, Owner: owner}
}

func changePlace(owner string) seal.Place {
	return seal.Place{Table: "email_changes", Column: "email_sealed", Row: owner, Owner: owner}
}

// sealEmail leaves nothing where there is no address.
func sealEmail(k *seal.Key, p seal.Place, a address) []byte {
	if a.text == "" {
		return nil
	}
	return k.SealString(p, a.text)
}
