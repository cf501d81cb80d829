package paymenttest

import (
	"html/template"
	"net/http"
	"strings"
)

// bill is what the mock payment page shows.
type bill struct {
	Provider, Name, Price, Action, State string
}

var payPage = template.Must(template.New("pay").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>{{.Provider}} test payment</title></head>
<body><main><h1>{{.Provider}} test payment</h1><p>{{.Name}}: {{.Price}}</p>
{{if .State}}<p role="status">{{.State}}</p>{{else}}<form method="post" action="{{.Action}}">
<button name="act" value="pay">Pay</button> <button name="act" value="cancel">Cancel</button></form>{{end}}
</main></body></html>`))

var portalPage = template.Must(template.New("portal").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Billing portal</title></head>
<body><main><h1>Billing portal</h1><p>{{.Customer}}</p>{{if .Back}}<a href="{{.Back}}">Return</a>{{end}}</main></body></html>`))

func show(w http.ResponseWriter, t *template.Template, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = t.Execute(w, data) // the browser is gone
}

// leave sends the browser to where the program wants it back.
func leave(w http.ResponseWriter, r *http.Request, to, sessionID string) {
	if to == "" {
		show(w, payPage, bill{Provider: "Mock", State: "Done. You may close this page."})
		return
	}
	http.Redirect(w, r, strings.ReplaceAll(to, "{CHECKOUT_SESSION_ID}", sessionID), http.StatusSeeOther)
}
