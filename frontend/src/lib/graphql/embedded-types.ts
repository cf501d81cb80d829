/** The types without an id: what they hold belongs to the noun that they are asked of. */
const names = `
  Engine ModelPrice GuestAllowance PageInfo ConversationConnection ConversationEdge MessageConnection
  MessageEdge TextMatch Usage ReplyError InputError GuestLimitError RateLimitError MessageSendPayload
  ReplyContinuePayload ReplyStopPayload ConversationUpdatePayload ConversationDeletePayload Gate Consent
  SignInProvider PolicyAcceptance AgeConfirmPayload PolicyAcceptPayload ConsentSetPayload AccountUpdatePayload
  IdentityUnlinkPayload SessionRevokePayload SessionRevokeOthersPayload MailConnection MailEdge MailRetryPayload
  Money CreditBalance LedgerEntryConnection LedgerEntryEdge UsageReport UsageSum UsageGroup LedgerFinding
  AbsurdUsage EstimateError PurchaseConnection PurchaseEdge CreditNoticeUpdatePayload CreditAdjustPayload
  UsageReviewPayload LedgerVerifyPayload CreditCheckoutCreatePayload BillingPortalCreatePayload
  AccountRemovePayload RemovedRows QuarantineResolvePayload ReconcilePayload InsufficientCreditsError CreditsChanged PurchaseChanged
  ConversationChanged ConversationDeleted ReplyStarted ReplyEnded RequestAnalytics RequestSum RequestGroup Quantiles
  RateLimit RateLimitState ConversationsDeleted AccessLogConnection AccessLogEdge AuditConnection AuditEdge
`

const noKey = () => null

/** Their keys for the cache: none. */
export const embeddedTypes: Readonly<Record<string, () => null>> = Object.fromEntries(
  names
    .trim()
    .split(/\s+/)
    .map((name) => [name, noKey]),
)
