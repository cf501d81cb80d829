package paymenttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

func (c *Creem) routes() http.Handler {
	api := http.NewServeMux()
	api.HandleFunc("POST /v1/checkouts", c.createCheckout)
	api.HandleFunc("GET /v1/checkouts", c.getCheckout)
	api.HandleFunc("POST /v1/customers/billing", c.portal)
	api.HandleFunc("GET /v1/transactions/search", c.searchTransactions)
	mux := http.NewServeMux()
	mux.Handle("/v1/", c.wrap(c.authorised(api)))
	mux.HandleFunc("GET /pay/{id}", c.showPage)
	mux.HandleFunc("POST /pay/{id}", c.pressed)
	mux.HandleFunc("GET /portal/{id}", func(w http.ResponseWriter, r *http.Request) {
		show(w, portalPage, map[string]string{"Customer": r.PathValue("id"), "Back": ""})
	})
	mux.Handle("/control/", c.control())
	return mux
}

func creemError(w http.ResponseWriter, status int, message string) {
	reply(w, status, object{"trace_id": newID("trace"), "status": status, "error": http.StatusText(status), "message": []string{message}, "timestamp": 0})
}

func (c *Creem) authorised(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if key := r.Header.Get("X-Api-Key"); key == "" || c.o.Key != "" && key != c.o.Key {
			creemError(w, http.StatusForbidden, "the key is not known")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c *Creem) createCheckout(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		RequestID  string         `json:"request_id"`
		ProductID  string         `json:"product_id"`
		SuccessURL string         `json:"success_url"`
		Metadata   map[string]any `json:"metadata"`
		Customer   struct {
			ID    string `json:"id"`
			Email string `json:"email"`
		} `json:"customer"`
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		creemError(w, http.StatusBadRequest, "the body is no JSON")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.o.Products[ask.ProductID]; !ok {
		creemError(w, http.StatusNotFound, "Product not found")
		return
	}
	x := &creemCheckout{id: newID("ch"), request: ask.RequestID, product: ask.ProductID, success: ask.SuccessURL, metadata: ask.Metadata, status: "pending",
		customer: ask.Customer.ID, email: ask.Customer.Email, created: c.o.Clock.Now()}
	c.checkouts = append(c.checkouts, x)
	reply(w, http.StatusOK, c.checkoutJSON(x))
}

func (c *Creem) getCheckout(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.checkout(r.URL.Query().Get("checkout_id"))
	if x == nil {
		creemError(w, http.StatusNotFound, "Checkout not found")
		return
	}
	reply(w, http.StatusOK, c.checkoutJSON(x))
}

func (c *Creem) portal(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		CustomerID string `json:"customer_id"`
	}
	_ = json.NewDecoder(r.Body).Decode(&ask) // nonsense names no customer
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.checkouts, func(x *creemCheckout) bool { return x.customer == ask.CustomerID && x.customer != "" }) {
		creemError(w, http.StatusNotFound, "Customer not found")
		return
	}
	reply(w, http.StatusOK, object{"customer_portal_link": c.URL() + "/portal/" + url.PathEscape(ask.CustomerID)})
}

// searchTransactions lists all payments, or those of a product, the newest first.
func (c *Creem) searchTransactions(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	number, _ := strconv.Atoi(r.URL.Query().Get("page_number"))
	size, _ := strconv.Atoi(r.URL.Query().Get("page_size"))
	number, size = max(number, 1), min(max(size, 1), 100)
	all, product := []object{}, r.URL.Query().Get("product_id")
	for _, x := range slices.Backward(c.checkouts) {
		if x.order != nil && (product == "" || x.product == product) {
			all = append(all, c.transactionJSON(x))
		}
	}
	pages := (len(all) + size - 1) / size
	from, to := min((number-1)*size, len(all)), min(number*size, len(all))
	pagination := object{"total_records": len(all), "total_pages": pages, "current_page": number, "next_page": nil, "prev_page": nil}
	if number < pages {
		pagination["next_page"] = number + 1
	}
	if number > 1 {
		pagination["prev_page"] = number - 1
	}
	reply(w, http.StatusOK, object{"items": all[from:to], "pagination": pagination})
}

func (c *Creem) showPage(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.checkout(r.PathValue("id"))
	if x == nil {
		http.NotFound(w, r)
		return
	}
	p := c.o.Products[x.product]
	b := bill{Provider: "Creem", Name: p.Name, Price: fmt.Sprintf("%d.%02d %s", p.Price/100, p.Price%100, p.Currency), Action: "/pay/" + x.id}
	if x.status != "pending" {
		b.State = "This checkout is " + x.status + "."
	}
	show(w, payPage, b)
}

// pressed pays, or leaves the page: Creem leads back after a payment only.
func (c *Creem) pressed(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	c.mu.Lock()
	x := c.checkout(id)
	c.mu.Unlock()
	if x == nil {
		http.NotFound(w, r)
		return
	}
	if r.PostFormValue("act") == "cancel" {
		leave(w, r, "", id)
		return
	}
	order, err := c.Pay(id)
	if err != nil || x.success == "" {
		http.Redirect(w, r, "/pay/"+id, http.StatusSeeOther)
		return
	}
	to, err := url.Parse(x.success)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	q := to.Query()
	q.Set("checkout_id", id)
	q.Set("order_id", order)
	to.RawQuery = q.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

func (c *Creem) control() http.Handler {
	a := common(c.Courier, &c.trouble)
	a["pay"] = func(x command) (string, error) { return c.Pay(x.ID) }
	a["expire"] = func(x command) (string, error) { return "", c.Expire(x.ID) }
	a["refund"] = func(x command) (string, error) { return "", c.Refund(x.ID, x.Amount) }
	a["dispute"] = func(x command) (string, error) { return "", c.Dispute(x.ID) }
	return a.handler()
}
