package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/payment/creem"
	"github.com/kimi-k2/kimi-k2/internal/payment/stripe"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/models"
)

// The names under which recipients stand on the list of who can be reached.
const (
	toEngine = "inference"
	toMail   = "mail"
	toBus    = "bus"
	toStripe = stripe.Name
	toCreem  = creem.Name
	toGoogle = string(models.ProviderGoogle)
	toGitHub = string(models.ProviderGitHub)
	toOIDC   = string(models.ProviderOIDC)
)

// newEgress lists all whom the settings name: nobody else can be called. The engine joins
// when it is found.
func newEgress(c config.Config, log *slog.Logger) (*egress.Guard, error) {
	g := egress.New(egress.Config{Clock: clock.System{}, Log: log})
	for name, addresses := range addresses(c) {
		if err := g.Allow(name, addresses...); err != nil {
			return nil, fmt.Errorf("list who can be called (%s): %w", name, err)
		}
	}
	return g, nil
}

// addresses are where the settings lead to, by recipient.
func addresses(c config.Config) map[string][]string {
	out := map[string][]string{}
	add := func(used bool, name string, addresses ...string) {
		if used {
			out[name] = addresses
		}
	}
	add(c.InferenceURL != "", toEngine, c.InferenceURL)
	add(c.SMTPURL != "", toMail, c.SMTPURL)
	add(c.NATSURL != "", toBus, natsServers(c)...)
	add(c.StripeSecretKey != "", toStripe, orElse(c.StripeAPIURL, stripe.URL))
	live, _ := creem.Mode(c.CreemAPIKey)
	add(c.CreemAPIKey != "", toCreem, orElse(c.CreemAPIURL, creem.AddressFor(live)))
	add(c.GoogleClientID != "", toGoogle, signin.Hosts[models.ProviderGoogle]...)
	add(c.GitHubClientID != "", toGitHub, signin.Hosts[models.ProviderGitHub]...)
	add(c.OIDCClientID != "", toOIDC, c.OIDCIssuer)
	return out
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func natsServers(c config.Config) []string {
	return slices.DeleteFunc(strings.Split(c.NATSURL, ","), func(s string) bool { return s == "" })
}

// recipient is somebody on the list, and by which addresses it is called.
type recipient struct {
	id   string
	urls []string
	models.Recipient
}

// recipients are all who get data from this installation, as people are told of them.
func (s *server) recipients() []recipient {
	c, list := s.cfg, addresses(s.cfg)
	engine := s.engine.Info()
	switch engine.Kind {
	case inference.KindDemo:
		engine.Name = "Built-in demo engine"
	case inference.KindExternal: // as the consent names it
		engine.Name += " at " + engine.Host
	case inference.KindLocal:
	}
	all := []recipient{{toEngine, []string{s.engineURL}, models.Recipient{Kind: models.RecipientInference, Name: engine.Name, Clause: "C-READ-RECIPIENTS", Consent: engine.Kind == inference.KindExternal,
		Gets: []models.SentData{models.SentBranch, models.SentAPIRequest, models.SentModel}, Purpose: "writing the answers"}}}
	add := func(id string, urls []string, kind models.RecipientKind, name, clause, purpose string, gets ...models.SentData) {
		if list[id] != nil {
			all = append(all, recipient{id, urls, models.Recipient{Kind: kind, Name: name, Clause: clause, Purpose: purpose, Gets: gets}})
		}
	}
	pay := []models.SentData{models.SentPayerAddress, models.SentPurchase, models.SentPurchaseMark}
	add(toStripe, list[toStripe], models.RecipientPayment, "Stripe", "C-SHARE-PROCESSORS", "selling credits", pay...)
	add(toCreem, list[toCreem], models.RecipientPayment, "Creem", "C-SHARE-PROCESSORS", "selling credits", pay...)
	add(toGoogle, list[toGoogle], models.RecipientSignIn, "Google", "C-SHARE-PROCESSORS", "signing you in", models.SentSignIn)
	add(toGitHub, list[toGitHub], models.RecipientSignIn, "GitHub", "C-SHARE-PROCESSORS", "signing you in", models.SentSignIn)
	add(toOIDC, list[toOIDC], models.RecipientSignIn, c.OIDCName, "C-SHARE-PROCESSORS", "signing you in", models.SentSignIn)
	add(toMail, list[toMail], models.RecipientMail, "Mail server", "C-READ-RECIPIENTS", "sending you mails", models.SentMailAddress, models.SentMail)
	add(toBus, list[toBus], models.RecipientInternal, "Message broker of this installation", "C-READ-RECIPIENTS", "bringing answers from one server of this installation to another", models.SentPieces)
	return all
}

// publicRecipients are the recipients with what the list of who can be reached says.
func (s *server) publicRecipients() []*models.Recipient {
	var out []*models.Recipient
	for _, r := range s.recipients() {
		p := r.Recipient
		for _, data := range p.Gets {
			p.Sent = append(p.Sent, data.Words())
		}
		p.Hosts = s.egress.Addresses(r.id)
		p.Local = len(p.Hosts) > 0 && !slices.ContainsFunc(p.Hosts, func(h string) bool { return !isLocal(h) })
		p.Encrypted = hopTo(p.Name, r.urls).State == models.TransparencyGreen
		out = append(out, &p)
	}
	return out
}

// reachable names who can be reached, as the recipients are named; who is none of them has
// the name of the list.
func (s *server) reachable() []string {
	names := s.egress.Recipients()
	for i, name := range names {
		for _, r := range s.recipients() {
			if r.id == name {
				names[i] = r.Name
			}
		}
	}
	return names
}

// isLocal reports whether host:port is on this machine.
func isLocal(address string) bool {
	u, err := url.Parse("tcp://" + address)
	return err == nil && egress.LoopbackName(u.Hostname())
}
