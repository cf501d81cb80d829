package paymenttest

import (
	"fmt"
	"net/http"
	"strings"
)

func (s *Stripe) showPage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.session(r.PathValue("id"))
	if x == nil {
		http.NotFound(w, r)
		return
	}
	b := bill{Provider: "Stripe", Name: x.name, Price: fmt.Sprintf("%d.%02d %s", x.total/100, x.total%100, strings.ToUpper(x.currency)), Action: "/pay/" + x.id}
	if x.status != "open" {
		b.State = "This checkout is " + x.status + "."
	}
	show(w, payPage, b)
}

func (s *Stripe) pressed(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.mu.Lock()
	x := s.session(id)
	s.mu.Unlock()
	if x == nil {
		http.NotFound(w, r)
		return
	}
	if r.PostFormValue("act") == "cancel" {
		leave(w, r, x.cancel, id)
		return
	}
	if _, err := s.Pay(id); err != nil {
		http.Redirect(w, r, "/pay/"+id, http.StatusSeeOther)
		return
	}
	leave(w, r, x.success, id)
}
