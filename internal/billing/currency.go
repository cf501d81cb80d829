package billing

import "strings"

// The currencies of ISO 4217 that people pay with, by their number of decimals; those
// with two are the rule. Stripe counts some of the others differently (ISK and UGX as if
// they had two decimals, three-decimal amounts in tens only): those are left out.
const (
	twoDecimals = ` AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CVE CZK DKK DOP DZD
 EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
 MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STN SZL
 THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS WST XCD YER ZAR ZMW `
	noDecimals = ` BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF `
)

func knownCurrency(code string) bool {
	return len(code) == 3 && (listed(twoDecimals, code) || listed(noDecimals, code))
}

// Decimals is how many decimals amounts of a currency have.
func Decimals(currency string) int {
	if listed(noDecimals, currency) {
		return 0
	}
	return 2
}

func listed(list, code string) bool {
	for c := range strings.FieldsSeq(list) {
		if c == code {
			return true
		}
	}
	return false
}
