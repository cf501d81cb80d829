/**
 * The types without an id: what they hold belongs to the noun that they are asked of. `+` stands for
 * `Payload`. While developing the cache wants them named, to warn of a forgotten id; in a build it
 * sees for itself that there is none, and the names are left out.
 */
const names = `
  Engine ModelPrice GuestAllowance TextMatch Usage ReplyError InputError GuestLimitError RateLimitError Gate Consent
  SignInProvider PolicyAcceptance Money CreditBalance UsageReport UsageSum UsageGroup LedgerFinding AbsurdUsage
  EstimateError RemovedRows InsufficientCreditsError CreditsChanged PurchaseChanged ConversationChanged
  ConversationDeleted ReplyStarted ReplyEnded RequestAnalytics RequestSum RequestGroup Quantiles RateLimit
  RateLimitState ConversationsDeleted Transparency TransparencyChange Recipient Hop MessageSend+ ReplyContinue+ ReplyStop+ ConversationUpdate+ ConversationDelete+
  AgeConfirm+ PolicyAccept+ ConsentSet+ AccountUpdate+ IdentityUnlink+ SessionRevoke+ SessionRevokeOthers+
  MailRetry+ CreditNoticeUpdate+ CreditAdjust+ UsageReview+ LedgerVerify+ CreditCheckoutCreate+ BillingPortalCreate+
  AccountRemove+ QuarantineResolve+ Reconcile+ DataInventory DataGroup DataTable DataRetention DataColumn DataRow DataValue RetentionConfirm+ RetentionRule RetentionHolding RetentionDay PolicyNews PolicyTranslation NoticePreview NoticeSave+ NoticeSend+ NoticeDiscard+ LegalRequest+ Opening+ OpeningRead+ OpenedConversation OpenedMessage BrowserEntry ConversationShare+ ShareRevoke+ ShareCopy+
`

const noKey = () => null

/** Their keys for the cache: none. */
export const embeddedTypes: Readonly<Record<string, () => null>> = import.meta.env.DEV
  ? Object.fromEntries(
      names
        .trim()
        .split(/\s+/)
        .map((name) => [name.replace('+', 'Payload'), noKey]),
    )
  : {}
