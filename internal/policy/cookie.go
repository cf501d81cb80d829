package policy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// How long the gate cookie lasts: as long as a guest's, or until a refusal is over
// when it holds nothing else.
const (
	cookieTTL  = 30 * 24 * time.Hour
	refusalTTL = 24 * time.Hour
	maxCookie  = 3000
)

// encoding refuses spare bits, so that no two texts are the same cookie.
var encoding = base64.RawURLEncoding.Strict()

func cookieKey(secret []byte) []byte {
	return seal.Derive(secret, "gate cookie v1")
}

func (s *Service) tag(payload []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(payload)
	return mac.Sum(nil)
}

// sealedGate is a gate as the cookie carries it; times are microseconds since 1970.
type sealedGate struct {
	Until       int64         `json:"u"`
	Age         int64         `json:"a,omitempty"`
	AgePolicy   string        `json:"ap,omitempty"`
	Refused     int64         `json:"r,omitempty"`
	Policy      string        `json:"p,omitempty"`
	Accepted    int64         `json:"pa,omitempty"`
	AcceptedHow string        `json:"ph,omitempty"`
	Preferences *sealedChoice `json:"c,omitempty"`
	External    *sealedChoice `json:"x,omitempty"`
}

type sealedChoice struct {
	Granted  bool   `json:"g,omitempty"`
	Provider string `json:"n,omitempty"`
	Policy   string `json:"p"`
	How      string `json:"h"`
	At       int64  `json:"a"`
}

// Stamp is the gate as the value of a signed cookie, and how long it lasts. A gate that
// holds nothing has no value.
func (s *Service) Stamp(g viewer.Gate) (value string, lasts time.Duration) {
	if g == (viewer.Gate{}) {
		return "", 0
	}
	now := s.clock.Now()
	until := now.Add(cookieTTL)
	if g == g.Refusal() {
		until = g.AgeRefusedUntil
	}
	payload, err := json.Marshal(sealedGate{
		Until: until.UnixMicro(), Age: micros(g.AgeConfirmedAt), AgePolicy: g.AgePolicy, Refused: micros(g.AgeRefusedUntil),
		Policy: g.AcceptedPolicy, Accepted: micros(g.AcceptedAt), AcceptedHow: g.AcceptedHow,
		Preferences: sealChoice(g.Preferences), External: sealChoice(g.External),
	})
	if err != nil {
		return "", 0 // numbers and strings always encode
	}
	return encoding.EncodeToString(append(payload, s.tag(payload)...)), until.Sub(now)
}

// Read is the reverse of Stamp: the zero Gate for a value that was not signed here or
// whose time is over. A refusal that is over is left out.
func (s *Service) Read(value string) viewer.Gate {
	if len(value) > maxCookie {
		return viewer.Gate{}
	}
	raw, err := encoding.DecodeString(value)
	if err != nil || len(raw) <= sha256.Size {
		return viewer.Gate{}
	}
	payload, tag := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	var c sealedGate
	if !hmac.Equal(tag, s.tag(payload)) || json.Unmarshal(payload, &c) != nil {
		return viewer.Gate{}
	}
	now := s.clock.Now()
	if !now.Before(moment(c.Until)) {
		return viewer.Gate{}
	}
	g := viewer.Gate{
		AgeConfirmedAt: moment(c.Age), AgePolicy: c.AgePolicy, AgeRefusedUntil: moment(c.Refused),
		AcceptedPolicy: c.Policy, AcceptedAt: moment(c.Accepted), AcceptedHow: c.AcceptedHow,
		Preferences: c.Preferences.open(), External: c.External.open(),
	}
	if !now.Before(g.AgeRefusedUntil) {
		g.AgeRefusedUntil = time.Time{}
	}
	return g
}

func sealChoice(c viewer.Choice) *sealedChoice {
	if !c.Made() {
		return nil
	}
	return &sealedChoice{Granted: c.Granted, Provider: c.Provider, Policy: c.Policy, How: c.How, At: micros(c.At)}
}

func (c *sealedChoice) open() viewer.Choice {
	if c == nil {
		return viewer.Choice{}
	}
	return viewer.Choice{Granted: c.Granted, Provider: c.Provider, Policy: c.Policy, How: c.How, At: moment(c.At)}
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
