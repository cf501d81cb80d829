package signin

import (
	"net/url"

	"github.com/markbates/goth"
	"github.com/markbates/goth/providers/github"
)

type githubSource struct {
	client Client
	back   string
}

// provider asks goth for the profile only: it would take a public address for a
// checked one. The scope of the addresses is added by ask.
func (g *githubSource) provider(f *flow) (goth.Provider, error) {
	p := github.New(g.client.ID, g.client.Secret, g.back, "read:user")
	p.HTTPClient = f.client
	return p, nil
}

func (g *githubSource) ask(q url.Values, _ Purpose, _ string) { q.Set("scope", "read:user user:email") }

func (g *githubSource) mixedUp(_ *flow, answer url.Values) error {
	if namesAnother(answer, "https://github.com", "https://github.com/login/oauth") {
		return errMixedUp()
	}
	return nil
}

// proof is who the number of the profile says, whatever the login is called today,
// and the primary address if GitHub has checked it.
func (g *githubSource) proof(f *flow, code string) (Proof, error) {
	p, _ := g.provider(f) // it only makes a value
	session := &github.Session{}
	if err := f.authorize(p, session, code); err != nil {
		return Proof{}, err
	}
	user, err := f.user(p, session)
	if err != nil {
		return Proof{}, err
	}
	if user.UserID == "" || user.UserID == "0" {
		return Proof{}, failed("profile", "it has no id")
	}
	proof := Proof{Subject: user.UserID, Name: user.Name}
	if proof.Name == "" {
		proof.Name = user.NickName
	}
	var addresses []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := f.get("addresses", github.EmailURL, session.AccessToken, &addresses); err != nil {
		return Proof{}, err
	}
	for _, a := range addresses {
		if a.Primary {
			proof.Email, proof.Verified = emailOf(a.Email), a.Verified
		}
	}
	return proof, nil
}
