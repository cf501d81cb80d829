package apikey

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"
)

// The parts of a key: Prefix, the public id by which its row is found, "_", the secret and
// a checksum of all before it. 32 characters of 62 are 190 random bits.
const (
	Prefix    = "k2_live_"
	publicLen = 10
	secretLen = 32
	sumLen    = 6
	keyLen    = len(Prefix) + publicLen + 1 + secretLen + sumLen

	// Pattern finds keys in text, for secret scanners. What it finds is a key when its
	// last six characters are the checksum: CRC-32 (IEEE) of all before them, in base 62
	// with the digits 0-9, A-Z, a-z, padded with 0.
	Pattern = `k2_live_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}`
)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// word is n random characters of the alphabet, all equally likely.
func word(n int) string {
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // never fails
		for _, b := range buf {
			if len(out) < n && b < 62*4 {
				out = append(out, alphabet[b%62])
			}
		}
	}
	return string(out)
}

// newSecret makes a key.
func newSecret() (key, publicID string) {
	publicID = word(publicLen)
	body := Prefix + publicID + "_" + word(secretLen)
	return body + checksum(body), publicID
}

func checksum(body string) string {
	n := crc32.ChecksumIEEE([]byte(body))
	var out [sumLen]byte
	for i := range out {
		out[sumLen-1-i] = alphabet[n%62]
		n /= 62
	}
	return string(out[:])
}

// parse takes a key apart; false for what cannot be one. It looks nothing up.
func parse(key string) (publicID string, ok bool) {
	if len(key) != keyLen || !strings.HasPrefix(key, Prefix) || key[len(Prefix)+publicLen] != '_' {
		return "", false
	}
	for i := len(Prefix); i < keyLen; i++ {
		if i != len(Prefix)+publicLen && strings.IndexByte(alphabet, key[i]) < 0 {
			return "", false
		}
	}
	body := key[:keyLen-sumLen]
	return key[len(Prefix) : len(Prefix)+publicLen], checksum(body) == key[keyLen-sumLen:]
}

// pepper is the installation's part in every digest: who has only the database cannot
// tell whether a key is right.
type pepper []byte

func newPepper(secret []byte) pepper {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("api key digest v1"))
	return m.Sum(nil)
}

func (p pepper) digest(key string) []byte {
	m := hmac.New(sha256.New, p)
	m.Write([]byte(key))
	return m.Sum(nil)
}
