package house

import "strings"

// kind is the sort of a room.
type kind string

const (
	program     kind = "program"     // puts everything together: may import everything
	nouns       kind = "nouns"       // models: pure
	wire        kind = "wire"        // the GraphQL schema and its generated code
	interpreter kind = "interpreter" // resolvers, web: translate, decide nothing
	domain      kind = "domain"      // the verbs: rules, permission, transactions
	record      kind = "record"      // what was done, written down: every domain may use it
	tool        kind = "tool"        // one mechanism each
	assets      kind = "assets"      // files inside the binary
	testOnly    kind = "test-only"   // helpers that only tests import
	outside     kind = "outside"     // benches, tests of the whole, generators
)

// rooms classifies every package by its folder. A folder ending in "/..." stands
// for all below it; the longest match counts.
var rooms = map[string]kind{
	".":                      program,
	"frontend":               assets,
	"graph/...":              wire,
	"models":                 nouns,
	"resolvers":              interpreter,
	"internal/rest":          interpreter,
	"internal/web":           interpreter,
	"internal/account":       domain,
	"internal/apikey":        domain,
	"internal/audit":         record,
	"internal/billing":       domain,
	"internal/chat":          domain,
	"internal/completion":    domain,
	"internal/credit":        domain,
	"internal/inventory":     domain,
	"internal/export":        domain,
	"internal/disclosure":    domain,
	"internal/notice":        domain,
	"internal/notify":        domain,
	"internal/policy":        domain,
	"internal/ratelimit":     domain,
	"internal/requestlog":    domain,
	"internal/retention":     domain,
	"internal/restore":       domain,
	"internal/share":         domain,
	"internal/signin":        domain,
	"internal/transparency":  domain,
	"policy":                 assets,
	"internal/bus/...":       tool,
	"internal/clock/...":     tool,
	"internal/config/...":    tool,
	"internal/database/...":  tool,
	"internal/edge/...":      tool,
	"internal/egress/...":    tool,
	"internal/fairqueue/...": tool,
	"internal/fault/...":     tool,
	"internal/id/...":        tool,
	"internal/inference/...": tool,
	"internal/jobs/...":      tool,
	"internal/journal/...":   tool,
	"internal/mail/...":      tool,
	"internal/page/...":      tool,
	"internal/payment/...":   tool,
	"internal/rawio/...":     tool,
	"internal/register/...":  tool,
	"internal/seal/...":      tool,
	"internal/sheet/...":     tool,
	"internal/viewer/...":    tool,
	"internal/wsconn/...":    tool,

	"internal/audit/audittest":         testOnly,
	"internal/database/dbtest":         testOnly,
	"internal/edge/edgetest/...":       testOnly,
	"internal/house":                   testOnly,
	"internal/inference/badline":       testOnly,
	"internal/measured":                testOnly,
	"internal/inference/inferencetest": testOnly,
	"internal/inference/realengine":    testOnly,
	"internal/mail/mailtest":           testOnly,
	"internal/payment/paymenttest/...": testOnly,
	"internal/register/registertest":   testOnly,
	"internal/signin/signintest":       testOnly,

	"bench/...":    outside,
	"examples/...": outside,
	"scripts/...":  outside,
	"tests/...":    outside,
	"tools/...":    outside,
}

// kindOf is the kind of the package in dir, "" when it is not classified.
func kindOf(dir string) kind {
	if k, ok := rooms[dir]; ok {
		return k
	}
	return rooms[family(dir)+"/..."]
}

// family is the folder, of dir and those above it, that stands in rooms for all
// below it; dir itself when there is none.
func family(dir string) string {
	for d := dir; d != "."; d = parent(d) {
		if _, ok := rooms[d+"/..."]; ok {
			return d
		}
	}
	return dir
}

func parent(dir string) string {
	if i := strings.LastIndexByte(dir, '/'); i >= 0 {
		return dir[:i]
	}
	return "."
}

// mayImport says which of our own rooms each kind may use: kinds, or folders.
var mayImport = map[kind][]string{
	nouns:       {"internal/id"},
	wire:        {string(nouns), "internal/id", "internal/page", "internal/viewer", "internal/fault"},
	interpreter: {string(nouns), string(domain), string(record), string(wire), string(tool)},
	domain:      {string(nouns), string(record), string(tool)},
	record:      {string(nouns), string(tool)},
	tool:        {},
	assets:      {},
}

// toolMayImport says which other tools each tool may use. What lies below a tool's
// folder is part of it.
var toolMayImport = map[string][]string{
	"internal/bus":       {"internal/clock", "internal/egress", "internal/fault", "internal/id"},
	"internal/clock":     {},
	"internal/config":    {},
	"internal/database":  {"internal/clock", "internal/fault"},
	"internal/egress":    {"internal/clock"},
	"internal/edge":      {"internal/clock", "internal/fault", "internal/id", "internal/page", "internal/viewer", "internal/wsconn"},
	"internal/fairqueue": {"internal/clock", "internal/fault", "internal/inference"},
	"internal/fault":     {},
	"internal/id":        {},
	"internal/inference": {"internal/clock", "internal/egress", "internal/fault", "internal/rawio"},
	"internal/jobs":      {"internal/clock", "internal/database", "internal/fault"},
	"internal/journal":   {},
	"internal/mail":      {"internal/clock", "internal/egress", "internal/fault"},
	"internal/page":      {"internal/fault"},
	"internal/payment":   {"internal/clock", "internal/egress", "internal/fault"},
	"internal/rawio":     {},
	"internal/register":  {"internal/database", "internal/seal"},
	"internal/seal":      {},
	"internal/sheet":     {"internal/fault"},
	"internal/viewer":    {"internal/seal"},
	"internal/wsconn":    {"internal/clock", "internal/edge", "internal/fault", "internal/id", "internal/rawio"},
}

// mustNotImport names imports that a folder must do without although its kind
// would allow them: ours by folder, others by path. A path stands for all below it.
var mustNotImport = map[string][]string{
	"models":        {"context", "database/sql", "io/fs", "log/slog", "net", "os"},
	"graph":         {"net/http"},
	"resolvers":     {"database/sql", "internal/bus", "internal/config", "internal/database", "internal/web", "net/http"},
	"internal/rest": {"database/sql", "graph", "internal/bus", "internal/config", "internal/database", "internal/web", "resolvers"},
	"internal/web":  {"database/sql", "graph", "internal/bus", "internal/database", "resolvers"},
}

// confined says which folders alone may import a library; all below a named
// folder are meant too.
var confined = map[string][]string{
	"gorm.io":                      {".", "models", "internal/account", "internal/apikey", "internal/audit", "internal/billing", "internal/chat", "internal/completion", "internal/credit", "internal/database", "internal/disclosure", "internal/export", "internal/jobs", "internal/notice", "internal/notify", "internal/policy", "internal/restore", "internal/retention", "internal/share", "internal/signin", "internal/transparency"},
	"github.com/jackc/pgx":         {".", "internal/account", "internal/apikey", "internal/audit", "internal/billing", "internal/chat", "internal/completion", "internal/credit", "internal/database", "internal/export", "internal/jobs", "internal/notify", "internal/policy", "internal/ratelimit", "internal/register/rows", "internal/requestlog", "internal/retention", "internal/share", "internal/signin", "internal/transparency"},
	"github.com/pressly/goose":     {"internal/database"},
	"github.com/nats-io":           {"internal/bus"},
	"github.com/gorilla/websocket": {"internal/wsconn"},
	"github.com/99designs/gqlgen":  {".", "graph", "models", "resolvers", "internal/edge", "internal/wsconn"},
	"github.com/vektah/gqlparser":  {".", "graph", "resolvers", "internal/edge", "internal/wsconn"},
	"github.com/caarlos0/env":      {"internal/config"},
	"github.com/markbates/goth":    {"internal/signin"},
	"github.com/go-jose":           {"internal/signin"},
	"github.com/zitadel":           {},
	"golang.org/x/oauth2":          {"internal/signin"},
	"github.com/riverqueue/river":  {"internal/jobs"},
	"github.com/wneessen/go-mail":  {"internal/mail"},
	"github.com/stripe/stripe-go":  {"internal/payment"},
	"github.com/tiktoken-go":       {"internal/inference/vocabulary"},
	"github.com/google/uuid":       {"internal/id"},
	"github.com/goccy/go-yaml":     {"internal/register"},
	"go.uber.org/goleak":           {},
	"testing":                      {},
	"net/http/httptest":            {},
	"math/rand":                    {"internal/bus", "internal/chat", "internal/database", "internal/fairqueue", "internal/inference", "internal/notify"}, // jitter, never secrets
	"crypto/md5":                   {},
	"crypto/sha1":                  {"internal/wsconn"},
	"crypto/aes":                   {"internal/seal"},
	"crypto/cipher":                {"internal/seal"},
}

// tables says which package owns each table, and which model its rows are. Only
// the owner builds the rows, and only the owner's SQL names the table.
var tables = []struct{ name, model, owner string }{
	{"installation", "Installation", "internal/account"},
	{"key_encryption_keys", "KeyEncryptionKey", "internal/account"},
	{"key_holders", "KeyHolder", "internal/account"},
	{"owners", "Owner", "internal/account"},
	{"sessions", "Session", "internal/account"},
	{"accounts", "Account", "internal/account"},
	{"identities", "Identity", "internal/account"},
	{"operator_links", "OperatorLink", "internal/account"},
	{"email_changes", "EmailChange", "internal/account"},
	{"purge_receipts", "PurgeReceipt", "internal/account"},
	{"erasures", "Erasure", "internal/account"},
	{"retention_rules", "RetentionState", "internal/retention"},
	{"retention_sweeps", "RetentionSweep", "internal/retention"},
	{"audit_subjects", "AuditSubject", "internal/audit"},
	{"audit_entries", "AuditEntry", "internal/audit"},
	{"audit_links", "AuditLink", "internal/audit"},
	{"audit_checkpoints", "AuditCheckpoint", "internal/audit"},
	{"sign_ins", "SignIn", "internal/signin"},
	{"transparency_checks", "TransparencyCheck", "internal/transparency"},
	{"transparency_changes", "TransparencyChange", "internal/transparency"},
	{"age_confirmations", "AgeConfirmation", "internal/policy"},
	{"policy_acceptances", "PolicyAcceptance", "internal/policy"},
	{"consents", "Consent", "internal/policy"},
	{"mails", "Mail", "internal/notify"},
	{"notices", "Notice", "internal/notice"},
	{"legal_requests", "LegalRequest", "internal/disclosure"},
	{"legal_subjects", "LegalSubject", "internal/disclosure"},
	{"openings", "Opening", "internal/disclosure"},
	{"river_job", "", "internal/jobs"}, // those of River, which alone reads them
	{"river_leader", "", "internal/jobs"},
	{"river_migration", "", "internal/jobs"},
	{"river_notification", "", "internal/jobs"},
	{"river_queue", "", "internal/jobs"},
	{"conversations", "Conversation", "internal/chat"},
	{"messages", "Message", "internal/chat"},
	{"runs", "Run", "internal/chat"},
	{"run_chunks", "RunChunk", "internal/chat"},
	{"clearings", "Clearing", "internal/chat"},
	{"exports", "Export", "internal/export"},
	{"shares", "Share", "internal/share"},
	{"ledger_accounts", "LedgerAccount", "internal/credit"},
	{"ledger_balances", "LedgerBalance", "internal/credit"},
	{"ledger_transfers", "LedgerTransfer", "internal/credit"},
	{"ledger_entries", "LedgerEntry", "internal/credit"},
	{"ledger_holds", "LedgerHold", "internal/credit"},
	{"ledger_checks", "LedgerCheck", "internal/credit"},
	{"wallets", "Wallet", "internal/credit"},
	{"credit_adjustments", "CreditAdjustment", "internal/credit"},
	{"usage_rows", "UsageRow", "internal/credit"},
	{"api_keys", "APIKey", "internal/apikey"},
	{"key_budgets", "KeyBudget", "internal/credit"},
	{"completions", "Completion", "internal/completion"},
	{"rate_buckets", "", "internal/ratelimit"}, // rows that are numbers only
	{"rate_places", "", "internal/ratelimit"},
	{"purchases", "Purchase", "internal/billing"},
	{"payment_details", "PaymentDetail", "internal/billing"},
	{"payment_customers", "PaymentCustomer", "internal/billing"},
	{"payment_events", "PaymentEvent", "internal/billing"},
	{"payment_disputes", "PaymentDispute", "internal/billing"},
	{"payment_quarantine", "QuarantinedPayment", "internal/billing"},
	{"reconciliations", "Reconciliation", "internal/billing"},
	{"api_request_subjects", "", "internal/requestlog"},
	{"api_request_keys", "", "internal/requestlog"},
	{"api_request_logs", "RequestLog", "internal/requestlog"},
	{"api_request_hours", "", "internal/requestlog"},
	{"api_request_thirds", "", "internal/requestlog"},
	{"api_request_days", "RequestDay", "internal/requestlog"},
}
