// Package paymenttest has models of payment providers: servers on this machine that
// speak the providers' own protocols, show a page where nothing is really paid, sign
// webhooks as the providers do and send them again until they are taken. A program
// needs nothing but STRIPE_API_URL or CREEM_API_URL to pay at them.
//
// What goes wrong at the real ones can be made to go wrong here: webhooks come twice,
// late, in another order or not at all; payments are refunded and disputed; the
// provider is down, slow or answers nonsense.
package paymenttest
