package main

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/frontend"
	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/edge"
	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
	"github.com/kimi-k2/kimi-k2/internal/inventory"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
	"github.com/kimi-k2/kimi-k2/resolvers"
)

// openEdge builds what clients talk to.
func (s *server) openEdge(secret []byte) error {
	public, err := url.Parse(s.cfg.PublicURL)
	if err != nil {
		return fmt.Errorf("PUBLIC_URL: %w", err)
	}
	if err := s.openSignIns(secret, public); err != nil {
		return err
	}
	documents, err := frontend.Documents()
	if err != nil {
		return err
	}
	schema, err := graph.Schema()
	if err != nil {
		return err
	}
	resolver := &resolvers.Resolver{Chat: s.chat, Policy: s.policy, Keys: s.keys, Requests: s.requests, Audit: s.audit, Accounts: s.accounts, Credit: s.credit, Outbox: s.mails, Billing: s.billing, Engine: s.engine, Limits: s.limits, Cursors: page.NewSigner(secret),
		Inventory: inventory.New(rows.Reader{DB: s.db, Register: s.register}), Transparency: s.transparency, Ends: s.retention, Exporter: s.exports, Links: s.shares, Notices: s.notices, Disclosures: s.disclosures,
		Info: resolvers.Info{Name: s.cfg.ServiceName, SupportEmail: s.cfg.SupportEmail, URL: s.cfg.ServiceURL, Version: version,
			Providers: s.signIns.Providers()}}
	s.http = web.Server(s.cfg.ListenAddr, web.New(web.Config{
		Account: s.accounts, Gates: s.policy, Sessions: s.accounts, SignIns: s.signIns, Admission: s.policy, GraphQL: s.graphql(graph.Config{Resolvers: resolver, Schema: schema}, resolver, public, documents), SchemaSDL: graph.SDL(), Static: frontend.Dist(), PublicURL: public,
		TrustedProxies: s.cfg.TrustedProxies, Clock: s.clock, Log: s.log, Ready: s.ready, SupportEmail: s.cfg.SupportEmail, Webhooks: s.billing, Keys: s.keys, API: s.api(), Books: s.credit, Requests: s.requests,
		Transparency: s.transparency, Exports: s.exports, Imports: s.imports(), Shares: s.shares, Name: s.cfg.ServiceName, Newsletters: s.policy, PayHosts: s.payHosts(),
	}), s.log)
	return nil
}

// graphql is the schema on its transports, all of which share one gate.
func (s *server) graphql(config graph.Config, resolver *resolvers.Resolver, public *url.URL, documents map[string]string) *handler.Server {
	connections := gate.New(gate.Limits{Total: s.cfg.SocketsTotal, PerIP: s.cfg.SocketsPerIP, Log: s.log})
	principal := func(ctx context.Context) string { return viewer.From(ctx).OwnerID }
	perPrincipal := func(context.Context) int { return s.cfg.SocketsPerPrincipal }
	clientIP := web.ClientIP(s.cfg.TrustedProxies)
	open, recorder := s.openConnections(), s.recorder()
	s.sockets = wsconn.New(wsconn.Config{
		Hosts: hosts(public), Origins: origins(public), Init: s.initSocket, Principal: principal, MaxPerPrincipal: perPrincipal, ClientIP: clientIP, Gate: connections, Live: open, Log: s.log, Clock: s.clock, Record: recorder,
		FeedExtensions: edge.FirstExtensions,
		Feed: func(ctx context.Context, op *graphql.OperationContext) wsconn.Feed {
			s.becomeGuest(ctx, op)
			if f := resolver.ReplyFeed(ctx, op); f != nil {
				return f
			}
			return nil
		},
	})
	h := edge.NewServer(graph.NewExecutableSchema(config), edge.Options{
		Log: s.log, RequestID: web.RequestID, Clock: s.clock, Websocket: s.sockets, Spend: s.spend, Weights: weights, Lists: lists, CrossOrigin: crossOrigin(public), Documents: documents, TrustedOnly: s.trustedOnly, Record: recorder,
		Streams: edge.Streams{Gate: connections, Live: open, ClientIP: clientIP, Principal: principal, MaxPerPrincipal: perPrincipal, Stop: s.streams},
	})
	h.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		s.becomeGuest(ctx, graphql.GetOperationContext(ctx))
		return next(ctx)
	})
	h.AroundResponses(graph.Bounded)
	h.AroundResponses(resolver.WithLoaders)
	return h
}

// trustedOnly binds whoever is no program to the page's own documents.
func (s *server) trustedOnly(ctx context.Context) bool {
	return s.cfg.TrustedDocuments == "on" && viewer.From(ctx).Kind != viewer.APIKey
}

// becomeGuest lets a socket that was opened before the first message follow what that
// message began: its visitor may be a guest by now.
func (s *server) becomeGuest(ctx context.Context, op *graphql.OperationContext) {
	v := viewer.From(ctx)
	if op.Operation == nil || op.Operation.Operation != ast.Subscription || v.Kind != viewer.Visitor {
		return
	}
	if now, err := s.accounts.Refresh(ctx, v); err == nil {
		viewer.Become(ctx, now)
	}
}

// hosts are the names under which sockets are accepted: any loopback name where the
// server is for this machine only.
func hosts(public *url.URL) []string {
	if ip, err := netip.ParseAddr(public.Hostname()); public.Hostname() == "localhost" || (err == nil && ip.IsLoopback()) {
		return nil
	}
	return []string{public.Host}
}

// origins accepts sockets from pages of the public address only: what another port of this
// host serves, or the same over plain http, gets the browser's cookies but is another's. A
// server for this machine only has many names: there the origin must be what the request was
// sent to.
func origins(public *url.URL) func(*http.Request) bool {
	if hosts(public) == nil {
		return nil
	}
	own := public.Scheme + "://" + strings.ToLower(public.Host)
	if port, usual := public.Port(), map[string]string{"http": "80", "https": "443"}; port == usual[public.Scheme] {
		own = strings.TrimSuffix(own, ":"+port) // as browsers write it
	}
	return func(r *http.Request) bool { return r.Header.Get("Origin") == own }
}

// crossOrigin trusts the public address besides the same origin.
func crossOrigin(public *url.URL) *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	_ = p.AddTrustedOrigin(public.Scheme + "://" + public.Host) // well formed: the settings were checked
	return p
}
