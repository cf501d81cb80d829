package share

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// A link is random bytes, which can't be guessed, and a part of their MAC, by which one that
// was made here is known without asking anybody: of links that have ended nothing is kept,
// and they are told from those that never were all the same. Whoever forges a MAC learns
// nothing, since no row has its hash.
const (
	randomLen = 16
	macLen    = 8
	linkLen   = (randomLen + macLen) / 3 * 4 // characters
)

var encoding = base64.RawURLEncoding.Strict()

func linkKey(secret []byte) []byte { return mac(secret, []byte("share link v1")) }

func mac(key, of []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(of)
	return m.Sum(nil)
}

// newLink is a fresh link.
func (s *Service) newLink() string {
	b := make([]byte, randomLen, randomLen+macLen)
	_, _ = rand.Read(b) // never fails, it ends the process instead
	return encoding.EncodeToString(append(b, mac(s.linkKey, b)[:macLen]...))
}

// ours reports whether a link was made by this installation.
func (s *Service) ours(link string) bool {
	if len(link) != linkLen {
		return false
	}
	b, err := encoding.DecodeString(link)
	return err == nil && len(b) == randomLen+macLen && hmac.Equal(b[randomLen:], mac(s.linkKey, b[:randomLen])[:macLen])
}

// hashOf is what is stored of a link to find its row by.
func hashOf(link string) []byte {
	sum := sha256.Sum256([]byte(link))
	return sum[:]
}
