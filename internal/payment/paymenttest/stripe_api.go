package paymenttest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Stripe) routes() http.Handler {
	api := http.NewServeMux()
	api.HandleFunc("POST /v1/checkout/sessions", s.createSession)
	api.HandleFunc("GET /v1/checkout/sessions/{id}", s.getSession)
	api.HandleFunc("GET /v1/checkout/sessions", s.listSessions)
	api.HandleFunc("GET /v1/charges/{id}", s.getCharge)
	api.HandleFunc("GET /v1/refunds", s.listRefunds)
	api.HandleFunc("GET /v1/events", s.listEvents)
	api.HandleFunc("POST /v1/billing_portal/sessions", s.portal)
	api.HandleFunc("DELETE /v1/customers/{id}", s.deleteCustomer)
	mux := http.NewServeMux()
	mux.Handle("/v1/", s.wrap(s.authorised(api)))
	mux.HandleFunc("GET /pay/{id}", s.showPage)
	mux.HandleFunc("POST /pay/{id}", s.pressed)
	mux.HandleFunc("GET /portal/{id}", func(w http.ResponseWriter, r *http.Request) {
		show(w, portalPage, map[string]string{"Customer": r.PathValue("id"), "Back": r.URL.Query().Get("back")})
	})
	mux.Handle("/control/", s.control())
	return mux
}

func stripeError(w http.ResponseWriter, status int, code, param string) {
	reply(w, status, object{"error": object{"type": "invalid_request_error", "code": code, "param": param, "message": "refused by the model: " + code + " " + param}})
}

func (s *Stripe) authorised(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.o.Key != "" && r.Header.Get("Authorization") != "Bearer "+s.o.Key {
			stripeError(w, http.StatusUnauthorized, "invalid_api_key", "")
			return
		}
		if err := r.ParseForm(); err != nil {
			stripeError(w, http.StatusBadRequest, "unreadable", "")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// createSession repeats the first answer to an idempotency key, and refuses another
// request under the same one.
func (s *Stripe) createSession(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, form := r.Header.Get("Idempotency-Key"), r.PostForm.Encode()
	if saved, ok := s.replies[key]; ok && key != "" {
		if saved.form != form {
			stripeError(w, http.StatusBadRequest, "idempotency_error", "")
			return
		}
		reply(w, saved.status, saved.body)
		return
	}
	x, param := s.newSession(r.PostForm)
	switch {
	case param == "customer":
		stripeError(w, http.StatusBadRequest, "resource_missing", param)
		return
	case param != "":
		stripeError(w, http.StatusBadRequest, "parameter_invalid", param)
		return
	}
	s.sessions = append(s.sessions, x)
	body := s.sessionJSON(x, false)
	s.replies[key] = savedReply{form: form, status: http.StatusOK, body: body}
	reply(w, http.StatusOK, body)
}

// newSession reads a session from a form; param is what is wrong with it.
func (s *Stripe) newSession(f url.Values) (_ *stripeSession, param string) {
	const line = "line_items[0][price_data]"
	price, _ := strconv.ParseInt(f.Get(line+"[unit_amount]"), 10, 64)
	x := &stripeSession{id: newID("cs_test"), name: f.Get(line + "[product_data][name]"), currency: f.Get(line + "[currency]"), status: "open", paymentStatus: "unpaid",
		price: price, customer: f.Get("customer"), email: f.Get("customer_email"), success: f.Get("success_url"), cancel: f.Get("cancel_url"),
		ref: f.Get("client_reference_id"), metadata: formMap(f, "metadata"), intentMetadata: formMap(f, "payment_intent_data[metadata]"), created: s.now(),
		automaticTax: f.Get("automatic_tax[enabled]") == "true", taxIncluded: f.Get(line+"[tax_behavior]") == "inclusive"}
	x.total = price
	if x.automaticTax {
		x.total, x.tax = taxed(price, s.o.Tax, x.taxIncluded)
	}
	x.expires = x.created + int64((24 * time.Hour).Seconds())
	if e := f.Get("expires_at"); e != "" {
		x.expires, _ = strconv.ParseInt(e, 10, 64)
	}
	ahead := time.Duration(x.expires-x.created) * time.Second
	switch {
	case f.Get("mode") != "payment":
		return nil, "mode"
	case price <= 0 || len(x.currency) != 3 || strings.ToLower(x.currency) != x.currency || x.name == "" || f.Get("line_items[0][quantity]") != "1":
		return nil, "line_items"
	case x.success == "":
		return nil, "success_url"
	case ahead < 30*time.Minute || ahead > 24*time.Hour:
		return nil, "expires_at"
	case x.customer != "" && (x.email != "" || f.Get("customer_creation") != ""):
		return nil, "customer_email"
	case x.customer != "" && !s.customers[x.customer]:
		return nil, "customer"
	}
	return x, ""
}

func formMap(f url.Values, prefix string) map[string]string {
	out := map[string]string{}
	for name := range f {
		if key, ok := strings.CutPrefix(name, prefix+"["); ok {
			out[strings.TrimSuffix(key, "]")] = f.Get(name)
		}
	}
	return out
}

func (s *Stripe) getSession(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.session(r.PathValue("id"))
	if x == nil || x.id != r.PathValue("id") {
		stripeError(w, http.StatusNotFound, "resource_missing", "session")
		return
	}
	reply(w, http.StatusOK, s.sessionJSON(x, len(r.Form["expand[]"]) > 0))
}

func (s *Stripe) listSessions(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []object
	for _, x := range s.sessions {
		all = append(all, s.sessionJSON(x, len(r.Form["expand[]"]) > 0))
	}
	page(w, r, all)
}

func (s *Stripe) getCharge(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.charge(r.PathValue("id"))
	if c == nil {
		stripeError(w, http.StatusNotFound, "resource_missing", "charge")
		return
	}
	reply(w, http.StatusOK, s.chargeJSON(c))
}

func (s *Stripe) listRefunds(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []object
	for _, x := range s.refunds {
		all = append(all, s.refundJSON(x, len(r.Form["expand[]"]) > 0))
	}
	page(w, r, all)
}

func (s *Stripe) listEvents(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []object
	for _, e := range s.events {
		kind, _ := e["type"].(string)
		if types := r.Form["types[]"]; len(types) == 0 || slices.Contains(types, kind) {
			all = append(all, maps.Clone(e))
		}
	}
	page(w, r, all)
}

// page answers with one page of a list, the newest first.
func page(w http.ResponseWriter, r *http.Request, all []object) {
	since, _ := strconv.ParseInt(r.Form.Get("created[gte]"), 10, 64)
	limit, _ := strconv.Atoi(r.Form.Get("limit"))
	if limit <= 0 || limit > 100 {
		limit = 10
	}
	after := r.Form.Get("starting_after")
	data, more := []object{}, false
	for _, o := range slices.Backward(all) {
		created, _ := o["created"].(int64)
		switch {
		case after != "":
			if o["id"] == after {
				after = ""
			}
		case created < since:
		case len(data) == limit:
			more = true
		default:
			data = append(data, o)
		}
	}
	reply(w, http.StatusOK, object{"object": "list", "url": r.URL.Path, "has_more": more, "data": data})
}

func (s *Stripe) portal(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	customer := r.PostForm.Get("customer")
	if !s.customers[customer] {
		stripeError(w, http.StatusBadRequest, "resource_missing", "customer")
		return
	}
	reply(w, http.StatusOK, object{"id": newID("bps"), "object": "billing_portal.session", "customer": customer, "created": s.now(), "livemode": s.o.Live,
		"return_url": r.PostForm.Get("return_url"), "url": s.URL() + "/portal/" + customer + "?back=" + url.QueryEscape(r.PostForm.Get("return_url"))})
}

func (s *Stripe) deleteCustomer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.PathValue("id")
	if !s.customers[id] {
		stripeError(w, http.StatusNotFound, "resource_missing", "id")
		return
	}
	delete(s.customers, id)
	reply(w, http.StatusOK, object{"id": id, "object": "customer", "deleted": true})
}
