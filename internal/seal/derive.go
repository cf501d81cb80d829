package seal

import (
	"crypto/hmac"
	"crypto/sha256"
)

// Derive is a key of its own for one purpose, made of a secret: 32 bytes from which neither
// the secret nor the key of another purpose can be found. Of a text instead of a purpose it
// is the text's mark, which only who holds the secret can make.
func Derive(secret []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}
