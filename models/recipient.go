package models

// RecipientKind is the sort of somebody who gets data.
type RecipientKind string

// The sorts.
const (
	RecipientInference RecipientKind = "INFERENCE"
	RecipientPayment   RecipientKind = "PAYMENT"
	RecipientSignIn    RecipientKind = "SIGN_IN"
	RecipientMail      RecipientKind = "MAIL"
	RecipientInternal  RecipientKind = "INTERNAL" // of the installation itself, such as a message broker
)

// Recipient is somebody who gets data from this installation. What isn't here can't be
// reached.
type Recipient struct {
	Kind      RecipientKind `json:"kind"`
	Name      string        `json:"name"`
	Hosts     []string      `json:"hosts"`     // host:port
	Sent      []string      `json:"sent"`      // what it gets
	Gets      []SentData    `json:"gets"`      // the same by name, in its order
	Purpose   string        `json:"purpose"`   // and for what
	Clause    string        `json:"clause"`    // of the policy
	Local     bool          `json:"local"`     // on this machine: nothing leaves it
	Encrypted bool          `json:"encrypted"` // on the way, or local
	Consent   bool          `json:"consent"`   // only of people who agreed to it by name
}

// SentData is what a recipient gets.
type SentData string

// What recipients get.
const (
	SentBranch       SentData = "BRANCH"
	SentAPIRequest   SentData = "API_REQUEST"
	SentModel        SentData = "MODEL"
	SentPayerAddress SentData = "PAYER_ADDRESS"
	SentPurchase     SentData = "PURCHASE"
	SentPurchaseMark SentData = "PURCHASE_MARK"
	SentSignIn       SentData = "SIGN_IN"
	SentMailAddress  SentData = "MAIL_ADDRESS"
	SentMail         SentData = "MAIL"
	SentPieces       SentData = "PIECES"
)

var sentWords = map[SentData]string{
	SentBranch:       "the messages of the branch that is answered",
	SentAPIRequest:   "what a program asks over the API",
	SentModel:        "which model is to answer",
	SentPayerAddress: "your e-mail address, to fill in its form",
	SentPurchase:     "what you buy and for how much",
	SentPurchaseMark: "a random number of the purchase",
	SentSignIn:       "that somebody signs in here, and when; it is asked for your name and e-mail address",
	SentMailAddress:  "your e-mail address",
	SentMail:         "the mails to you, with your name; nothing of your conversations",
	SentPieces:       "pieces of answers while they are written",
}

// Words say it in English.
func (d SentData) Words() string { return sentWords[d] }

// HopWay is between whom a hop is.
type HopWay string

// The ways that data take.
const (
	HopBrowser   HopWay = "BROWSER"   // from people to the server
	HopDatabase  HopWay = "DATABASE"  // from the server to its database
	HopRecipient HopWay = "RECIPIENT" // from the server to a recipient
	HopProxy     HopWay = "PROXY"     // through a proxy on the way out
)

// HopProtection is how a hop is protected, or why it isn't.
type HopProtection string

// The protections.
const (
	HopLocal       HopProtection = "LOCAL"
	HopFronted     HopProtection = "FRONTED"
	HopVerified    HopProtection = "VERIFIED"
	HopUnverified  HopProtection = "UNVERIFIED"
	HopMaybePlain  HopProtection = "MAYBE_PLAIN"
	HopPlain       HopProtection = "PLAIN"
	HopPlainPublic HopProtection = "PLAIN_PUBLIC"
	HopPassing     HopProtection = "PASSING"
	HopUnreadable  HopProtection = "UNREADABLE"
)

var protectionWords = map[HopProtection]string{
	HopLocal:       "It does not leave this machine.",
	HopFronted:     "Encrypted (https), up to the operator's own proxy in front of this server.",
	HopVerified:    "Encrypted (TLS), and the other end is verified.",
	HopUnverified:  "Encrypted (TLS), but the other end is not verified: the operator sets sslmode=verify-full.",
	HopMaybePlain:  "It may be not encrypted: the operator sets sslmode=verify-full.",
	HopPlain:       "Not encrypted.",
	HopPlainPublic: "Not encrypted: the operator allows http.",
	HopPassing:     "Calls go through it; what is encrypted stays so for it.",
	HopUnreadable:  "Its address can't be read.",
}

// Words say it in English.
func (p HopProtection) Words() string { return protectionWords[p] }

// Hop is one way that data take.
type Hop struct {
	Name       string            `json:"name"`
	Way        HopWay            `json:"way"`
	To         string            `json:"to"` // the recipient, of a way to one
	Host       string            `json:"host"`
	State      TransparencyState `json:"state"`
	About      string            `json:"about"` // how it is protected, or why it isn't
	Protection HopProtection     `json:"protection"`
}

// Protect says how the hop is protected, and what that is worth.
func (h *Hop) Protect(state TransparencyState, by HopProtection) {
	h.State, h.Protection, h.About = state, by, by.Words()
}
