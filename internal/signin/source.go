package signin

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/markbates/goth"
)

// source is one provider. Its errors are of type *failure.
type source interface {
	// provider is goth's provider for one sign-in.
	provider(f *flow) (goth.Provider, error)
	// ask adds to the request that the browser takes to the provider.
	ask(q url.Values, p Purpose, nonce string)
	// mixedUp refuses an answer that names another issuer (RFC 9207).
	mixedUp(f *flow, answer url.Values) error
	// proof exchanges the code.
	proof(f *flow, code string) (Proof, error)
}

// onlyCode is what a provider of goth learns of the answer: openidConnect would also
// obey a redirect_uri and a code_verifier.
type onlyCode string

// Get is goth.Params'.
func (c onlyCode) Get(name string) string {
	if name == "code" {
		return string(c)
	}
	return ""
}

// authorize exchanges the code for tokens, which stay in the session.
func (f *flow) authorize(p goth.Provider, s goth.Session, code string) (err error) {
	defer func() {
		// goth takes for granted what types the members of the answer have.
		if recover() != nil {
			err = failed("tokens", "an answer that cannot be used")
		}
	}()
	if _, err := s.Authorize(p, onlyCode(code)); err != nil {
		return failed("tokens", f.courier.cause())
	}
	return nil
}

// user asks the provider about whoever signed in.
func (f *flow) user(p goth.Provider, s goth.Session) (u goth.User, err error) {
	defer func() {
		if recover() != nil {
			err = failed("profile", "an answer that cannot be used")
		}
	}()
	if u, err = p.FetchUser(s); err != nil {
		return goth.User{}, failed("profile", f.courier.cause())
	}
	return u, nil
}

// get reads a JSON document of the provider into out, as the bearer of token if any.
func (f *flow) get(stage, address, token string, out any) error {
	r, err := http.NewRequestWithContext(f.ctx, http.MethodGet, address, nil)
	if err != nil {
		return failed(stage, "its address is none")
	}
	r.Header.Set("Accept", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := f.client.Do(r)
	if err != nil {
		return failed(stage, f.courier.cause())
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return failed(stage, f.courier.cause())
	}
	if json.Unmarshal(body, out) != nil {
		return failed(stage, "an answer that cannot be used")
	}
	return nil
}

// namesAnother reports whether an answer names an issuer that is none of these.
func namesAnother(answer url.Values, issuers ...string) bool {
	named, ok := single(answer, "iss")
	if !ok {
		return true
	}
	for _, i := range issuers {
		if named == i {
			return false
		}
	}
	return named != ""
}

func errMixedUp() error { return failed("answer", "it names another issuer") }

// isTrue reads a claim that some providers write as a text.
func isTrue(claim any) bool { return claim == true || claim == "true" }

// maxEmail is what an address may have at most (RFC 5321); a longer one is none.
const maxEmail = 254

// emailOf is the address of a claim; empty when it can be none.
func emailOf(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxEmail || !strings.Contains(text, "@") || strings.ContainsAny(text, "\r\n\x00 ") {
		return ""
	}
	return text
}
