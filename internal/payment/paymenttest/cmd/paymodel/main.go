// Paymodel runs the models of both payment providers until its standard input ends, for
// tests that are not written in Go. It prints one line of JSON: where the models are and
// with which keys and secrets a server has to be started. POST /control/webhook with
// {"url": …} at either says where its webhooks go, once the server is there;
// /control/pay, refund, dispute and so on with {"id": …} do what payers and banks do.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
)

// The keys and secrets are the models' own: nothing real has them.
const (
	stripeKey    = "sk_test_0123456789abcdefghijklmn"
	stripeSecret = "whsec_c3RyaXBlLW1vZGVsLXdlYmhvb2stc2VjcmV0LTAx"
	creemKey     = "creem_test_0123456789abcdefghijklmn"
	creemSecret  = "whsec_Y3JlZW0tbW9kZWwtd2ViaG9vay1zZWNyZXQtMDE="
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	webhooks := flag.String("webhooks", "", "the server's address, to which webhooks go")
	scale := flag.Float64("timescale", 0.01, "shortens the time between attempts")
	catalogue := flag.String("products", "", `Creem's catalogue as JSON: {"prod_…": {"Name": …, "Price": 500, "Currency": "USD"}}`)
	tax := flag.Int64("tax", 0, "the tax in per cent")
	flag.Parse()
	products := map[string]paymenttest.Product{}
	if *catalogue != "" {
		if err := json.Unmarshal([]byte(*catalogue), &products); err != nil {
			return fmt.Errorf("-products: %w", err)
		}
	}
	options := func(name, key, secret string) paymenttest.Options {
		o := paymenttest.Options{Key: key, Secret: secret, TimeScale: *scale, Tax: *tax}
		if *webhooks != "" {
			o.WebhookURL = *webhooks + "/webhooks/" + name
		}
		return o
	}
	s, err := paymenttest.StartStripe(options("stripe", stripeKey, stripeSecret))
	if err != nil {
		return err
	}
	defer s.Close()
	c, err := paymenttest.StartCreem(paymenttest.CreemOptions{Options: options("creem", creemKey, creemSecret), Products: products})
	if err != nil {
		return err
	}
	defer c.Close()
	err = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"stripe": map[string]string{"url": s.URL(), "key": stripeKey, "secret": stripeSecret},
		"creem":  map[string]string{"url": c.URL(), "key": creemKey, "secret": creemSecret},
	})
	if err != nil {
		return fmt.Errorf("print the addresses: %w", err)
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
