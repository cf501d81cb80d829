export * from './documents/app';
export * from './documents/fragments';
export * from './documents/billing';
export * from './documents/chat';
export * from './documents/conversations';
export * from './documents/deletion';
export * from './documents/developers';
export * from './documents/exports';
export * from './documents/held';
export * from './documents/operator-legal';
export * from './documents/operator-money';
export * from './documents/operator-notices';
export * from './documents/operator';
export * from './documents/retention';
export * from './documents/settings';
export * from './documents/shares';
export * from './documents/usage';
export * from './documents/account';
export * from './documents/cost';
export * from './documents/consent';
export * from './documents/gate';
export * from './documents/palette';
export * from './documents/policy';
export * from './documents/service';
export * from './documents/transparency';
/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** Ways to prove who one is. */
export type Provider =
  /** Google. */
  | 'GOOGLE'
  /** GitHub. */
  | 'GITHUB'
  /** The OpenID Connect provider of this installation's company. */
  | 'OIDC'
  /** The one-time link that the server gives its operator. */
  | 'OPERATOR'
  /** No proof: a guest. */
  | 'GUEST';

/** What an account may do beyond its own data. */
export type Role =
  /** Nothing. */
  | 'USER'
  /** Run this installation. Conversations of others stay closed to it. */
  | 'ADMIN';

/** Light or dark. */
export type Theme =
  /** As the device says. */
  | 'SYSTEM'
  /** Light. */
  | 'LIGHT'
  /** Dark. */
  | 'DARK';

/** Which key sends a message. */
export type SendKey =
  /** Enter sends, Shift+Enter is a new line. */
  | 'ENTER'
  /** Ctrl or Cmd with Enter sends. */
  | 'MOD_ENTER';

/** What accountUpdate changes. */
export type AccountUpdateInput = {
  /** At most 200 characters, no control characters; left out: it stays. */
  name?: string | null | undefined;
  /** A mail goes to it; left out: it stays. Needs a proof of the last ten minutes of who it is: else REAUTHENTICATION_REQUIRED. */
  email?: string | null | undefined;
  /** Left out: it stays. */
  theme?: Theme | null | undefined;
  /** A BCP 47 tag of a language the page has; left out: it stays. */
  language?: string | null | undefined;
  /** Left out: it stays. */
  sendKey?: SendKey | null | undefined;
};

/** Which identity. */
export type IdentityUnlinkInput = {
  /** Its id. */
  identityId: string;
};

/** Which session. */
export type SessionRevokeInput = {
  /** Its id. */
  sessionId: string;
};

/** Nothing is needed. */
export type SessionRevokeOthersInput = {
  /** The caller's own mark; it is ignored. */
  clientMutationId?: string | null | undefined;
};

/** What apiKeyCreate makes. */
export type ApiKeyCreateInput = {
  /** 1 to 100 characters, on one line. */
  name: string;
  /** `chat:write`, `conversations:read`, `models:read`, `usage:read`; left out: `chat:write`, `models:read` and `usage:read`. */
  scopes?: Array<string> | null | undefined;
  /** Within five years; left out: in 365 days. */
  expiresAt?: string | null | undefined;
  /** The most that it may spend in all; left out: as much as the balance. */
  creditLimit?: string | null | undefined;
  /** The requests that it may send a minute, 1 to 1,000,000,000; left out: as many as every key. The installation's limit counts when it is lower. */
  requestsPerMinute?: number | null | undefined;
  /** The tokens that it may use a minute, read and written, 1 to 1,000,000,000; left out: as many as every key. The installation's limit counts when it is lower. */
  tokensPerMinute?: number | null | undefined;
};

/** What apiKeyUpdate changes. */
export type ApiKeyUpdateInput = {
  /** Which key. */
  apiKeyId: string;
  /** 1 to 100 characters, on one line; left out: it stays. */
  name?: string | null | undefined;
  /** The most that it may spend in all, counting what it has spent; left out: it stays. */
  creditLimit?: string | null | undefined;
  /** Takes the limit away; creditLimit must be left out then. */
  unlimited?: boolean | null | undefined;
  /** The requests that it may send a minute; 0: as many as every key; left out: it stays. */
  requestsPerMinute?: number | null | undefined;
  /** The tokens that it may use a minute; 0: as many as every key; left out: it stays. */
  tokensPerMinute?: number | null | undefined;
};

/** Which key. */
export type ApiKeyRevokeInput = {
  /** Its id. */
  apiKeyId: string;
};

/** Nothing is needed. */
export type ApiKeyRevokeAllInput = {
  /** The caller's own mark; it is ignored. */
  clientMutationId?: string | null | undefined;
};

/** What was done. */
export type AuditAct =
  /** A sign-in, or a new proof of who one is. */
  | 'SESSION_BEGUN'
  /** A session ended: signed out, replaced by a newer one, or beyond the limit. */
  | 'SESSION_ENDED'
  /** A session was ended from elsewhere. */
  | 'SESSION_REVOKED'
  /** A way to sign in was added. */
  | 'IDENTITY_LINKED'
  /** A way to sign in was taken away. */
  | 'IDENTITY_UNLINKED'
  /** Another e-mail address was asked for. */
  | 'EMAIL_CHANGE_ASKED'
  /** The e-mail address became another. */
  | 'EMAIL_CHANGED'
  /** The account was made. */
  | 'ACCOUNT_CREATED'
  /** The account, or guest, was deleted with all that was its own. */
  | 'ACCOUNT_REMOVED'
  /** Guests whose time was over were deleted. */
  | 'GUESTS_PURGED'
  /** The account was made an administrator's. */
  | 'ADMIN_GRANTED'
  /** A link that signs the operator in was made. */
  | 'OPERATOR_LINK_MADE'
  /** An API key was made. */
  | 'KEY_CREATED'
  /** An API key was renamed, or what it may do was changed. */
  | 'KEY_UPDATED'
  /** An API key was revoked. */
  | 'KEY_REVOKED'
  /** The operator gave or took credits. */
  | 'CREDITS_ADJUSTED'
  /** The operator looked at absurd usage. */
  | 'USAGE_REVIEWED'
  /** The operator decided about a payment in quarantine. */
  | 'QUARANTINE_RESOLVED'
  /** Something was agreed to. */
  | 'CONSENT_GIVEN'
  /** Something was not agreed to, or not any more. */
  | 'CONSENT_WITHDRAWN'
  /** A version of the privacy policy was accepted. */
  | 'POLICY_ACCEPTED'
  /** It was confirmed that somebody is old enough. */
  | 'AGE_CONFIRMED'
  /** The operator had a mail tried again. */
  | 'MAIL_RETRIED'
  /** An export was made. */
  | 'EXPORT_MADE'
  /** An export was fetched. */
  | 'EXPORT_FETCHED'
  /** Conversations were brought in out of a file. */
  | 'DATA_IMPORTED'
  /** Something was deleted for good. */
  | 'DATA_DELETED'
  /** A conversation was shared by link. */
  | 'CONVERSATION_SHARED'
  /** Shared links were revoked. */
  | 'SHARE_REVOKED'
  /** Another administrator was asked for access to named conversations. */
  | 'CONTENT_ACCESS_ASKED'
  /** Another administrator approved it, for an hour. */
  | 'CONTENT_ACCESS_APPROVED'
  /** It ended before its time, or was refused. */
  | 'CONTENT_ACCESS_ENDED'
  /** A mail to everybody was sent. */
  | 'NOTICE_SENT'
  /** What an authority asks for was written down. */
  | 'LEGAL_REQUEST_RECEIVED'
  /** It was decided what an authority gets. */
  | 'LEGAL_REQUEST_DECIDED'
  /** A version of the privacy policy was published. */
  | 'POLICY_PUBLISHED'
  /** The operator opened content, for a reason and for a time. */
  | 'CONTENT_OPENED'
  /** The operator confirmed that held rows may be deleted, or that the clock is right. */
  | 'RETENTION_CONFIRMED'
  /** The operator began or finished an exchange of the key that wraps everybody's keys. */
  | 'SECRET_KEY_CHANGED';

/** Who did it. */
export type AuditActor =
  /** Whom it concerns. */
  | 'OWNER'
  /** A program with an API key of whom it concerns. */
  | 'API_KEY'
  /** Whoever runs this installation. */
  | 'OPERATOR'
  /** The program itself. */
  | 'SYSTEM';

/** Which acts; what is left out doesn't matter. */
export type AuditFilter = {
  /** One of these. */
  acts?: Array<AuditAct> | null | undefined;
  /** From then on. */
  from?: string | null | undefined;
  /** Up to then, not included. */
  to?: string | null | undefined;
};

/** Who takes people's money. */
export type PaymentProvider =
  /** Stripe. */
  | 'STRIPE'
  /** Creem. */
  | 'CREEM';

/** How far a purchase is. */
export type PurchaseStatus =
  /** The checkout is being made. */
  | 'CREATING'
  /** The checkout waits for its payer. */
  | 'OPEN'
  /** The provider has told that it is paid; the credits are in the wallet. */
  | 'PAID'
  /** The checkout was not used in time. */
  | 'EXPIRED'
  /** The payment failed. */
  | 'FAILED';

/** How the disputes of a payment stand. */
export type DisputeState =
  /** There is none. */
  | 'NONE'
  /** The payer disputes the payment, or part of it; the credits of that are taken back meanwhile. */
  | 'OPEN'
  /** All ended in our favour; the credits are back. */
  | 'WON'
  /** One ended in the payer's favour, and none is open. */
  | 'LOST';

/** What to buy, and with whom. */
export type CreditCheckoutCreateInput = {
  /** The pack. */
  packId: string;
  /** The provider. */
  provider: PaymentProvider;
  /** The caller's idempotency key, fresh for every click: 1 to 100 characters. Left out: one checkout a minute per pack and provider. */
  clientId?: string | null | undefined;
};

/** With whom. */
export type BillingPortalCreateInput = {
  /** The provider. */
  provider: PaymentProvider;
};

/** Why a payment wasn't credited. */
export type QuarantineReason =
  /** No purchase of ours. */
  | 'UNKNOWN_PURCHASE'
  /** Another amount than the pack's. */
  | 'AMOUNT'
  /** Another currency than the pack's. */
  | 'CURRENCY'
  /** Test money for a live purchase, or the reverse. */
  | 'MODE'
  /** Another product than was bought. */
  | 'PRODUCT'
  /** Another account than bought it. */
  | 'ACCOUNT'
  /** It contradicts what the provider told before. */
  | 'CONTRADICTION';

/** What the operator decides. */
export type QuarantineDecision =
  /** Credit the purchase as it was ordered. */
  | 'CREDIT'
  /** Leave it; whatever is right is done elsewhere. */
  | 'DISMISS';

/** Which payment, and what. */
export type QuarantineResolveInput = {
  /** Its id. */
  quarantineId: string;
  /** The decision. */
  decision: QuarantineDecision;
};

/** What to change; fields that are left out stay. */
export type ConversationUpdateInput = {
  /** The conversation to change. */
  conversationId: string;
  /** 1 to 200 characters. */
  title?: string | null | undefined;
  /** Whether it stands above all others. */
  pinned?: boolean | null | undefined;
  /** Whether it is out of the usual list. */
  archived?: boolean | null | undefined;
  /** Show the branch through this message, down to its newest descendant. */
  leafId?: string | null | undefined;
};

/** Which conversation to delete. */
export type ConversationDeleteInput = {
  /** The conversation to delete. */
  conversationId: string;
};

/** What moves credits. */
export type TransferKind =
  /** A reply or another billable act. */
  | 'CHARGE'
  /** Credits were bought. */
  | 'PURCHASE'
  /** A payment was given back. */
  | 'REFUND'
  /** A payer disputes a payment. */
  | 'DISPUTE'
  /** A dispute ended in our favour, in whole or in part, or a refund failed: the credits are back. */
  | 'REINSTATEMENT'
  /** The operator, or the welcome, gave credits. */
  | 'GRANT'
  /** The operator put something right. */
  | 'ADJUSTMENT'
  /** What was owed was paid. */
  | 'REPAYMENT';

/** What a billable act did. */
export type Feature =
  /** A message got its reply. */
  | 'CHAT'
  /** A message was written anew. */
  | 'EDIT'
  /** A reply was written anew. */
  | 'REGENERATE'
  /** A reply was gone on with. */
  | 'CONTINUE'
  /** A program asked. */
  | 'API';

/** How a billable act ended. */
export type RunStatus =
  /** It runs. */
  | 'RUNNING'
  /** The model finished. */
  | 'COMPLETE'
  /** The viewer stopped it. */
  | 'STOPPED'
  /** Its server was gone; what was stored counts. */
  | 'INTERRUPTED'
  /** It failed; what was stored counts. */
  | 'FAILED';

/** When to tell. */
export type CreditNoticeUpdateInput = {
  /** Below what balance; not negative, and 0 never; left out: as before. */
  threshold?: string | null | undefined;
  /** Whether to write a mail; left out: as before. */
  notice?: boolean | null | undefined;
};

/** What to give or take. */
export type CreditAdjustInput = {
  /** The caller's idempotency key: 1 to 100 characters. */
  clientId: string;
  /** The account's id or e-mail address. */
  account: string;
  /** Positive gives; negative takes, at most what is available. */
  amount: string;
  /** 1 to 500 characters; the account's owner sees it. */
  reason: string;
};

/** Which act. */
export type UsageReviewInput = {
  /** Its id. */
  usageId: string;
};

/** What has to be typed. */
export type AccountDeleteInput = {
  /** The account's own e-mail address; for guests, and for accounts without an address, the word DELETE. Anything else is INVALID. */
  confirmation: string;
};

/** How far a deletion is. */
export type DeletionState =
  /** It goes on by itself, whatever happens to who asked. */
  | 'RUNNING'
  /** It is over: nothing is left. */
  | 'DONE';

/** What has to be typed. */
export type ConversationDeleteAllInput = {
  /** The word DELETE. Anything else is INVALID. */
  confirmation: string;
};

/** A kind of data that an authority may ask for. */
export type DataKind =
  /** Name, address, ways to sign in. */
  | 'ACCOUNT'
  /** Conversations. */
  | 'CONVERSATIONS'
  /** What was used, and credits. */
  | 'USAGE'
  /** Where it is signed in. */
  | 'DEVICES'
  /** Payments. */
  | 'PAYMENTS'
  /** Logs of API requests. */
  | 'API_REQUESTS';

/** Why something may be disclosed at all, as the privacy policy has it. */
export type LegalGround =
  /** The law obliges to. */
  | 'LAW'
  /** It protects rights or safety. */
  | 'SAFETY';

/** What was decided about a request. */
export type LegalState =
  /** Nothing yet. */
  | 'OPEN'
  /** Something was given. */
  | 'DISCLOSED'
  /** Nothing was given. */
  | 'REFUSED';

/** Whether whom a request is about was told. */
export type Telling =
  /** Nothing is decided yet. */
  | 'UNDECIDED'
  /** It was told. */
  | 'TOLD'
  /** Something forbids to tell it. */
  | 'PROHIBITED'
  /** There is no address, or nobody any more. */
  | 'UNREACHABLE';

/** What an administrator's access to conversations is good for now. */
export type OpeningState =
  /** It waits for another administrator, for a day. */
  | 'ASKED'
  /** Who asked may read what it names. */
  | 'OPEN'
  /** Nothing can be read by it any more. */
  | 'ENDED';

/** What an authority asks for. */
export type LegalRequestReceiveInput = {
  /** Whom it is about: an id or an e-mail address. */
  account: string;
  /** Why something may be disclosed at all. */
  ground: LegalGround;
  /** Who asks. 1 to 200 characters; it outlives the account, so name no person that the request is about. */
  authority: string;
  /** By which law or order. 1 to 300 characters; it outlives the account too. */
  basis: string;
  /** The kinds of data that they ask for. */
  asked: Array<DataKind>;
  /** The authority's own number; up to 200 characters. */
  reference?: string | null | undefined;
  /** What exactly, and of which time; 1 to 2,000 characters. */
  scope: string;
  /** Why they ask; 1 to 2,000 characters. */
  reason: string;
};

/** What was decided. */
export type LegalRequestDecideInput = {
  /** The request's id. */
  id: string;
  /** The kinds of data that they get, of those they asked for; none: the request is refused. */
  given: Array<DataKind>;
  /** Why; 1 to 2,000 characters. */
  reason: string;
  /** What forbids to tell whom it is about; up to 2,000 characters. Left out: it is told. */
  prohibition?: string | null | undefined;
};

/** What is to be read, and why. */
export type OpeningAskInput = {
  /** Whose: an id or an e-mail address. */
  account: string;
  /** 1 to 10 ids of conversations. */
  conversations: Array<string>;
  /** Why; 10 to 2,000 characters. The owner may ask for it. */
  reason: string;
};

/** Which access. */
export type OpeningInput = {
  /** Its id. */
  id: string;
};

/** What is read. */
export type OpeningReadInput = {
  /** The access. */
  id: string;
  /** The conversation. */
  conversationId: string;
};

/** Nothing is needed. */
export type ExportStartInput = {
  /** The caller's own mark; it is ignored. */
  clientMutationId?: string | null | undefined;
};

/** How far an export is. */
export type ExportStatus =
  /** It is being written, by another instance when one dies. */
  | 'RUNNING'
  /** The file is there. */
  | 'READY'
  /** It could not be written; start another one. */
  | 'FAILED';

/** Stable names of refusals. The list may grow; treat an unknown code like INTERNAL. */
export type ErrorCode =
  /** Nobody is signed in and this needs somebody. */
  | 'UNAUTHENTICATED'
  /** The request's origin or principal may not do this. */
  | 'FORBIDDEN'
  /** It doesn't exist, or isn't yours. */
  | 'NOT_FOUND'
  /** It was there and is no more: it was taken back, its time is over, or what it belonged to was deleted. */
  | 'GONE'
  /** The input is wrong; message and field say how. */
  | 'INVALID'
  /** Another act is in the way, for example the same clientId with another body. */
  | 'CONFLICT'
  /** Too many requests; wait retryAfterMs. */
  | 'RATE_LIMITED'
  /** A guest has used all messages; signing in lifts the limit. */
  | 'GUEST_LIMIT_REACHED'
  /** The balance is too small for this; nothing was sent. Buy credits, or choose a cheaper model. */
  | 'INSUFFICIENT_CREDITS'
  /** The payment provider can't be reached or refuses; nothing was bought, try again. */
  | 'PAYMENT_UNAVAILABLE'
  /** Say first in which month you were born: ageConfirm. */
  | 'AGE_CONFIRMATION_REQUIRED'
  /** The service isn't for children under the policy's age. */
  | 'AGE_REFUSED'
  /** Accept the current policy first: policyAccept. */
  | 'POLICY_ACCEPTANCE_REQUIRED'
  /** Agree to this first: consentSet. */
  | 'CONSENT_REQUIRED'
  /** Prove again who you are: sign in once more, then repeat this within ten minutes. */
  | 'REAUTHENTICATION_REQUIRED'
  /** Whoever runs this installation doesn't allow conversations to be shared by link. */
  | 'SHARING_OFF'
  /** The API key has not the scope that this needs. */
  | 'SCOPE_MISSING'
  /** The API key was revoked: make a new one. */
  | 'KEY_REVOKED'
  /** The API key has spent what it may: raise its credit limit, or use another key. */
  | 'KEY_LIMIT_REACHED'
  /** The model isn't known or isn't served now; choose another. */
  | 'MODEL_UNAVAILABLE'
  /** The inference engine failed or can't be reached; try again. */
  | 'UPSTREAM_FAILED'
  /** The inference engine refuses more requests now; try again later. */
  | 'UPSTREAM_RATE_LIMITED'
  /** The inference engine refuses our key; the operator has to look. */
  | 'UPSTREAM_UNAUTHORIZED'
  /** The inference engine stopped sending; try again. */
  | 'UPSTREAM_STALLED'
  /** The conversation is longer than the model can read. */
  | 'CONTEXT_TOO_LONG'
  /** The server that wrote this reply is gone; its text so far is kept. Continue or regenerate. */
  | 'INTERRUPTED'
  /** The server's disk is full; nothing was changed. */
  | 'STORAGE_FULL'
  /** The database can't be reached; nothing was changed, try again. */
  | 'STORAGE_UNAVAILABLE'
  /** The server is shutting down; try again in a moment. */
  | 'SHUTTING_DOWN'
  /** The document is over a limit; extensions.cost says by how much. */
  | 'QUERY_TOO_COSTLY'
  /** Something failed on our side; the message carries a request id for support. */
  | 'INTERNAL';

/** Where something is kept in a browser. */
export type BrowserEntryKind =
  /** A cookie, which is sent to this service. */
  | 'COOKIE'
  /** Kept by the page until its tab is closed; never sent. */
  | 'SESSION_STORAGE'
  /** Kept by the page; never sent. */
  | 'LOCAL_STORAGE';

/** Rules of how long rows are kept. */
export type DataRetentionRule =
  /** As long as the account or guest. */
  | 'OWNER'
  /** Until a time. */
  | 'LIMITED'
  /** For good; after a deletion nothing leads from them to anybody. */
  | 'FOREVER';

/** What a deletion of the account does with rows. */
export type DataErasure =
  /** They are deleted. */
  | 'DELETED'
  /** They stay as numbers, and nothing leads from them to anybody. */
  | 'UNLINKED';

/** How a value is stored. */
export type DataStorage =
  /** As it is. */
  | 'PLAIN'
  /** Encrypted under the viewer's own key. */
  | 'SEALED'
  /** As a hash: it can't be read back. */
  | 'HASHED'
  /** Encrypted under the installation's key. */
  | 'WRAPPED';

/** Who speaks. */
export type MessageRole =
  /** The viewer. */
  | 'USER'
  /** The model. */
  | 'ASSISTANT';

/** How far a message is. Messages of the viewer are always COMPLETE. */
export type MessageStatus =
  /** The reply is accepted and waits for its first token. */
  | 'PENDING'
  /** Tokens are coming. */
  | 'STREAMING'
  /** The model finished. */
  | 'COMPLETE'
  /** The viewer stopped it. */
  | 'STOPPED'
  /** The server that wrote it is gone; the text so far is kept. */
  | 'INTERRUPTED'
  /** It failed; `error` says why. The text so far is kept. */
  | 'FAILED';

/** What to send, and where. */
export type MessageSendInput = {
  /** The caller's idempotency key: 1 to 100 characters, fresh for every message. */
  clientId: string;
  /** Left out: a new conversation. */
  conversationId?: string | null | undefined;
  /** The message it follows; left out: the branch on show. Null together with a conversation and no messages starts at the root. */
  parentId?: string | null | undefined;
  /** Markdown, not blank, at most 1 MiB of UTF-8. */
  text: string;
  /** Left out: the model of the last reply, else the default. */
  modelId?: string | null | undefined;
};

/** Which message to write anew, and how. */
export type MessageEditInput = {
  /** The caller's idempotency key: 1 to 100 characters, fresh for every edit. */
  clientId: string;
  /** The viewer's message to write anew. */
  messageId: string;
  /** Markdown, not blank, at most 1 MiB of UTF-8. */
  text: string;
  /** Left out: the model of the last reply, else the default. */
  modelId?: string | null | undefined;
};

/** Which reply to write anew. */
export type ReplyRegenerateInput = {
  /** The caller's idempotency key: 1 to 100 characters, fresh for every attempt. */
  clientId: string;
  /** The reply that gets a sibling. */
  replyId: string;
  /** Left out: the same model again. */
  modelId?: string | null | undefined;
};

/** Which reply to go on with. */
export type ReplyContinueInput = {
  /** A reply that is STOPPED, INTERRUPTED or FAILED, or COMPLETE with the finish reason length. */
  replyId: string;
};

/** Which reply to stop. */
export type ReplyStopInput = {
  /** The reply to stop. */
  replyId: string;
};

/** What a mail to everybody is about. */
export type NoticeKind =
  /** A new version of the privacy policy. It is written when the version is published, to every account with an address. */
  | 'POLICY'
  /** News, for those accounts alone that agreed to them. */
  | 'NEWS'
  /** Something that happened and concerns everybody, to every account with an address. */
  | 'INCIDENT';

/** How far a mail to everybody is. */
export type NoticeState =
  /** The operator is writing it. */
  | 'DRAFT'
  /** It is being written to one account after the other. */
  | 'WRITING'
  /** It is written to all; some mails still wait for the mail server. */
  | 'SENDING'
  /** Nothing waits any more. */
  | 'DONE';

/** What is to be said to everybody. */
export type NoticeSaveInput = {
  /** The draft that it replaces; left out: a new one. */
  id?: string | null | undefined;
  /** NEWS or INCIDENT. */
  kind: NoticeKind;
  /** 1 to 200 characters. */
  subject: string;
  /** 1 to 10,000 characters; an empty line begins a paragraph. */
  text: string;
  /** The same for those who use Chinese, with textZh; left out: they get the other one. */
  subjectZh?: string | null | undefined;
  /** As subjectZh. */
  textZh?: string | null | undefined;
};

/** Which draft. */
export type NoticeSendInput = {
  /** Its id. */
  id: string;
};

/** Which draft. */
export type NoticeDiscardInput = {
  /** Its id. */
  id: string;
};

/** States of a mail. */
export type MailStatus =
  /** It waits for its next attempt. */
  | 'QUEUED'
  /** The mail server took it. */
  | 'SENT'
  /** It was given up after 72 hours, or the mail server refused it for good. */
  | 'FAILED'
  /** No mail server is set: it is kept here to be read. */
  | 'KEPT';

/** Which mail. */
export type MailRetryInput = {
  /** Its id. */
  mailId: string;
};

/** Which account, and why. */
export type AccountRemoveInput = {
  /** Its id or e-mail address. */
  account: string;
  /** The account's id or e-mail address once more, against slips. */
  confirmation: string;
  /** Why; the receipt says so. */
  reason: RemovalReason;
};

/** Why an account is removed. */
export type RemovalReason =
  /** Its owner turned out to be younger than the service allows. */
  | 'UNDER_AGE'
  /** Its owner asked for it. */
  | 'REQUESTED'
  /** It was used against the rules. */
  | 'ABUSE';

/** What a consent is about. */
export type ConsentKind =
  /** A cookie that keeps theme, language and send key. */
  | 'PREFERENCES_COOKIE'
  /** Sending messages to an inference service that somebody else runs. */
  | 'EXTERNAL_INFERENCE'
  /** Publishing conversations by link. */
  | 'SHARE'
  /** Mails about news. */
  | 'MARKETING';

/** Where the policy was accepted. */
export type AcceptanceMethod =
  /** Beside the field for messages. */
  | 'COMPOSER'
  /** While signing in. */
  | 'SIGN_IN'
  /** In the settings. */
  | 'SETTINGS'
  /** By a program. */
  | 'API';

/** A month of birth. It isn't stored. */
export type AgeConfirmInput = {
  /** For example 1990. */
  birthYear: number;
  /** 1 to 12. */
  birthMonth: number;
};

/** Which version. */
export type PolicyAcceptInput = {
  /** The version in force. */
  version: string;
  /** Where it was accepted; left out: API. */
  method?: AcceptanceMethod | null | undefined;
};

/** Where a choice was made. */
export type ConsentMethod =
  /** On the cookie banner. */
  | 'BANNER'
  /** In the settings. */
  | 'SETTINGS'
  /** In a dialog that asked. */
  | 'DIALOG'
  /** By a program. */
  | 'API';

/** One choice. */
export type ConsentSetInput = {
  /** What it is about. */
  kind: ConsentKind;
  /** Yes or no. */
  granted: boolean;
  /** Where it was made; left out: API. */
  method?: ConsentMethod | null | undefined;
};

/** What a limit counts. */
export type RateLimitName =
  /** Requests a minute; for people on the page: messages. */
  | 'REQUESTS'
  /** Tokens a minute, read and written. */
  | 'TOKENS'
  /** Streams at once. */
  | 'STREAMS'
  /** The cost of GraphQL documents a minute. */
  | 'COST';

/** Whose uses a limit counts together. */
export type RateLimitScope =
  /** Those of one API key. */
  | 'KEY'
  /** Those of all of an account's API keys; for people on the page: the account's there. */
  | 'ACCOUNT'
  /** Those of a guest; for who has sent nothing yet: those of all at the same address. */
  | 'GUEST';

/** Which API requests; what is left out doesn't matter. */
export type RequestLogFilter = {
  /** Of this key. */
  keyId?: string | null | undefined;
  /** That ended like this. */
  outcome?: RequestOutcome | null | undefined;
  /** Of this model. */
  modelId?: string | null | undefined;
  /** Of this route, whole. */
  route?: string | null | undefined;
  /** From then on. */
  from?: string | null | undefined;
  /** Up to then, not included. */
  to?: string | null | undefined;
};

/** How an API request ended. */
export type RequestOutcome =
  /** It was answered. */
  | 'SUCCEEDED'
  /** It was refused for what it asked, or its own client stopped it (499): a status of 4xx but 429. */
  | 'REFUSED'
  /** There were too many: 429. */
  | 'LIMITED'
  /** It failed on our side or the engine's, or broke while it was streamed. */
  | 'FAILED';

/** By what API requests are summed up. */
export type RequestDimension =
  /** The API key. */
  | 'KEY'
  /** The model. */
  | 'MODEL'
  /** The route. */
  | 'ROUTE'
  /** The day, in the time zone asked for. */
  | 'DAY'
  /** The hour, in the time zone asked for. */
  | 'HOUR';

/** Why nothing is deleted for the moment. */
export type RetentionHold =
  /** The clocks of this machine and of the database differ by more than an hour. It goes on when they agree. */
  | 'CLOCKS'
  /** The clock has jumped ahead by more than an hour. It goes on when it still says so half an hour later. */
  | 'JUMP'
  /** Far more than usual would go. It goes on a day later; request logs, half an hour later. */
  | 'MANY';

/** Which rule. */
export type RetentionConfirmInput = {
  /** Its table. */
  table: string;
};

/** Sorts of engines. */
export type EngineKind =
  /** The built-in demonstration: no model, canned answers. */
  | 'DEMO'
  /** An engine on this machine or in the operator's network. */
  | 'LOCAL'
  /** Somebody else's service. */
  | 'EXTERNAL';

/** Whether the engine answers. */
export type EngineState =
  /** It answers. */
  | 'OK'
  /** It failed lately; requests are tried. */
  | 'DEGRADED'
  /** It keeps failing; requests are refused for a moment. */
  | 'DOWN';

/** What to share, and how. */
export type ConversationShareInput = {
  /** The conversation to share. */
  conversationId: string;
  /** The last message of the branch; left out: the branch on show. */
  leafId?: string | null | undefined;
  /** How many days the link opens, 1 to 365; left out: until it is revoked. */
  expiresInDays?: number | null | undefined;
  /** Show also what the model thought. Default false. */
  withReasoning?: boolean | null | undefined;
  /** Show the name of the account. Default false. */
  withName?: boolean | null | undefined;
};

/** Which link to take back. */
export type ShareRevokeInput = {
  /** The share to revoke. */
  shareId: string;
};

/** What to copy. */
export type ShareCopyInput = {
  /** The last part of the link's address. */
  token: string;
};

/** Whether a promise is kept. */
export type TransparencyState =
  /** As far as the program can see. */
  | 'GREEN'
  /** Not certain, not looked at for an hour, or about to break. */
  | 'AMBER'
  /** It is broken, or nobody has looked for six hours. */
  | 'RED';

/** How a value in a finding is written. */
export type TransparencySort =
  /** A whole number. */
  | 'NUMBER'
  /** A span of time, in seconds. */
  | 'SPAN'
  /** A time. */
  | 'TIME'
  /** A time of which the day counts. */
  | 'DAY'
  /** A text. */
  | 'TEXT'
  /** Names, joined by commas. */
  | 'NAMES';

/** Sorts of recipients. */
export type RecipientKind =
  /** Writes the answers. */
  | 'INFERENCE'
  /** Sells credits. */
  | 'PAYMENT'
  /** Says who somebody is. */
  | 'SIGN_IN'
  /** Sends mails. */
  | 'MAIL'
  /** Part of the installation itself. */
  | 'INTERNAL';

/** What a recipient gets. */
export type SentData =
  /** The messages of the branch that is answered. */
  | 'BRANCH'
  /** What a program asks over the API. */
  | 'API_REQUEST'
  /** Which model is to answer. */
  | 'MODEL'
  /** The payer's e-mail address, to fill in a form. */
  | 'PAYER_ADDRESS'
  /** What is bought and for how much. */
  | 'PURCHASE'
  /** A random number of the purchase. */
  | 'PURCHASE_MARK'
  /** That somebody signs in, and when. */
  | 'SIGN_IN'
  /** The e-mail address that a mail goes to. */
  | 'MAIL_ADDRESS'
  /** The mails, with a name and nothing of conversations. */
  | 'MAIL'
  /** Pieces of answers while they are written. */
  | 'PIECES';

/** Between whom a way that data take is. */
export type HopWay =
  /** From browsers to the server. */
  | 'BROWSER'
  /** From the server to its database. */
  | 'DATABASE'
  /** From the server to a recipient. */
  | 'RECIPIENT'
  /** Through a proxy on the way out. */
  | 'PROXY';

/** How a way that data take is protected, or why it isn't. */
export type HopProtection =
  /** It does not leave the machine. */
  | 'LOCAL'
  /** Encrypted up to the operator's own proxy in front of the server. */
  | 'FRONTED'
  /** Encrypted, and the other end is verified. */
  | 'VERIFIED'
  /** Encrypted, but the other end is not verified. */
  | 'UNVERIFIED'
  /** It may be not encrypted. */
  | 'MAYBE_PLAIN'
  /** It is not encrypted. */
  | 'PLAIN'
  /** It is not encrypted: the operator allows http. */
  | 'PLAIN_PUBLIC'
  /** What is encrypted stays so for the proxy. */
  | 'PASSING'
  /** Its address can't be read. */
  | 'UNREADABLE';

/** Sorts of principals. */
export type ViewerKind =
  /** Somebody who tries the service without an account. */
  | 'GUEST'
  /** Somebody who signed in. */
  | 'ACCOUNT'
  /** A program with an API key. */
  | 'API_KEY';

export type AppQueryVariables = Exact<{ [key: string]: never; }>;


export type AppQuery = { viewer: { ' $fragmentRefs'?: { 'GuestPartsFragment': GuestPartsFragment;'ViewerPartsFragment': ViewerPartsFragment } }, models: Array<{ ' $fragmentRefs'?: { 'ModelPartsFragment': ModelPartsFragment } }>, service: (
    { providers: Array<{ provider: Provider, name: string, path: string }> }
    & { ' $fragmentRefs'?: { 'ServicePartsFragment': ServicePartsFragment } }
  ) };

export type ViewerPartsFragment = { gate: { ageConfirmed: boolean, ageRefused: boolean, policyAccepted: boolean, policyVersion: string, news: { version: string } | null }, account: { id: string, name: string, email: string | null, role: Role, theme: Theme | null, language: string | null, sendKey: SendKey | null } | null, consents: Array<{ kind: ConsentKind, granted: boolean }> } & { ' $fragmentName'?: 'ViewerPartsFragment' };

export type PreferencesKeepMutationVariables = Exact<{
  input: AccountUpdateInput;
}>;


export type PreferencesKeepMutation = { accountUpdate: { account: { id: string, theme: Theme | null, language: string | null, sendKey: SendKey | null } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type BalancePartsFragment = { balance: string, held: string, available: string, owed: string, low: boolean, lowThreshold: string, lowNotice: boolean } & { ' $fragmentName'?: 'BalancePartsFragment' };

export type PackPartsFragment = { id: string, name: string, credits: string, taxIncluded: boolean, providers: Array<PaymentProvider>, price: { currency: string, decimal: string } } & { ' $fragmentName'?: 'PackPartsFragment' };

export type PurchasePartsFragment = { id: string, provider: PaymentProvider, credits: string, dispute: DisputeState, status: PurchaseStatus, live: boolean, method: string, last4: string, billingAddress: Array<string>, receiptUrl: string | null, checkoutUrl: string | null, createdAt: string, paidAt: string | null, price: { currency: string, decimal: string }, paid: { currency: string, decimal: string } | null, tax: { currency: string, decimal: string } | null, refunded: { currency: string, decimal: string } | null } & { ' $fragmentName'?: 'PurchasePartsFragment' };

export type EntryPartsFragment = { id: string, kind: TransferKind, amount: string, createdAt: string, reason: string, usage: { ' $fragmentRefs'?: { 'ActPartsFragment': ActPartsFragment } } | null } & { ' $fragmentName'?: 'EntryPartsFragment' };

export type BalanceQueryVariables = Exact<{ [key: string]: never; }>;


export type BalanceQuery = { viewer: { id: string | null, credits: { ' $fragmentRefs'?: { 'BalancePartsFragment': BalancePartsFragment } } | null }, creditPacks: Array<{ ' $fragmentRefs'?: { 'PackPartsFragment': PackPartsFragment } }> };

export type PurchasesQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type PurchasesQuery = { viewer: { id: string | null, payments: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'PurchasePartsFragment': PurchasePartsFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type BoughtQueryVariables = Exact<{
  id: string;
}>;


export type BoughtQuery = { viewer: { id: string | null, payment: { ' $fragmentRefs'?: { 'PurchasePartsFragment': PurchasePartsFragment } } | null, credits: { ' $fragmentRefs'?: { 'BalancePartsFragment': BalancePartsFragment } } | null } };

export type LedgerQueryVariables = Exact<{
  after?: string | null | undefined;
  kinds?: Array<TransferKind> | TransferKind | null | undefined;
}>;


export type LedgerQuery = { viewer: { id: string | null, ledgerEntries: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'EntryPartsFragment': EntryPartsFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type BuyMutationVariables = Exact<{
  input: CreditCheckoutCreateInput;
}>;


export type BuyMutation = { creditCheckoutCreate: { checkout: { id: string, url: string } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type BillingPortalMutationVariables = Exact<{
  input: BillingPortalCreateInput;
}>;


export type BillingPortalMutation = { billingPortalCreate: { url: string | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type LowBalanceMutationVariables = Exact<{
  input: CreditNoticeUpdateInput;
}>;


export type LowBalanceMutation = { creditNoticeUpdate: { credits: { ' $fragmentRefs'?: { 'BalancePartsFragment': BalancePartsFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

type Refusal_InputError_Fragment = { __typename: 'InputError', code: ErrorCode, message: string, field: Array<string> | null } & { ' $fragmentName'?: 'Refusal_InputError_Fragment' };

type Refusal_GuestLimitError_Fragment = { __typename: 'GuestLimitError', limit: number, code: ErrorCode, message: string, field: Array<string> | null } & { ' $fragmentName'?: 'Refusal_GuestLimitError_Fragment' };

type Refusal_InsufficientCreditsError_Fragment = { __typename: 'InsufficientCreditsError', needed: string, available: string, code: ErrorCode, message: string, field: Array<string> | null } & { ' $fragmentName'?: 'Refusal_InsufficientCreditsError_Fragment' };

type Refusal_RateLimitError_Fragment = { __typename: 'RateLimitError', retryAfterMs: number, code: ErrorCode, message: string, field: Array<string> | null } & { ' $fragmentName'?: 'Refusal_RateLimitError_Fragment' };

export type RefusalFragment =
  | Refusal_InputError_Fragment
  | Refusal_GuestLimitError_Fragment
  | Refusal_InsufficientCreditsError_Fragment
  | Refusal_RateLimitError_Fragment
;

export type MessagePartsFragment = { id: string, role: MessageRole, text: string, reasoning: string, reasoningMs: number | null, status: MessageStatus, lastSeq: number, engineName: string | null, finishReason: string | null, droppedMessages: number, createdAt: string, credits: string | null, model: { id: string, name: string, trillionMoe: boolean } | null, error: { code: ErrorCode, message: string, retryAfterMs: number | null } | null, usage: { promptTokens: number, cachedTokens: number, outputTokens: number, reasoningTokens: number, estimated: boolean } | null, siblings: Array<{ id: string }> } & { ' $fragmentName'?: 'MessagePartsFragment' };

export type BranchPartsFragment = { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } & { ' $fragmentName'?: 'BranchPartsFragment' };

export type GuestPartsFragment = { id: string | null, kind: ViewerKind, guest: { messagesLeft: number, messageLimit: number } | null } & { ' $fragmentName'?: 'GuestPartsFragment' };

export type ThreadQueryVariables = Exact<{
  id: string;
  after?: string | null | undefined;
}>;


export type ThreadQuery = { viewer: { id: string | null, conversation: (
      { id: string, leaf: { id: string } | null, branch: { ' $fragmentRefs'?: { 'BranchPartsFragment': BranchPartsFragment } } }
      & { ' $fragmentRefs'?: { 'ConversationRowFragment': ConversationRowFragment } }
    ) | null } };

export type ReplyQueryVariables = Exact<{
  id: string;
}>;


export type ReplyQuery = { node:
    | (
      { id: string, conversation: { id: string, activeReply: { id: string } | null } }
      & { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } }
    )
    | Record<PropertyKey, never>
   | null };

export type ReplyProgressQueryVariables = Exact<{
  id: string;
}>;


export type ReplyProgressQuery = { node:
    | { __typename: 'Message', id: string, text: string, reasoning: string, status: MessageStatus, lastSeq: number, error: { code: ErrorCode, message: string, retryAfterMs: number | null } | null }
    | { __typename: 'Conversation' }
   | null };

export type MessageSendMutationVariables = Exact<{
  input: MessageSendInput;
}>;


export type MessageSendMutation = { messageSend: { ' $fragmentRefs'?: { 'SentPartsFragment': SentPartsFragment } } };

export type MessageEditMutationVariables = Exact<{
  input: MessageEditInput;
}>;


export type MessageEditMutation = { messageEdit: { ' $fragmentRefs'?: { 'SentPartsFragment': SentPartsFragment } } };

export type ReplyRegenerateMutationVariables = Exact<{
  input: ReplyRegenerateInput;
}>;


export type ReplyRegenerateMutation = { replyRegenerate: { ' $fragmentRefs'?: { 'SentPartsFragment': SentPartsFragment } } };

export type SentPartsFragment = { conversation: (
    { id: string, leaf: { id: string } | null }
    & { ' $fragmentRefs'?: { 'ConversationRowFragment': ConversationRowFragment } }
  ) | null, message: (
    { id: string, parent: { id: string } | null }
    & { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } }
  ) | null, reply: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } | null, viewer: { ' $fragmentRefs'?: { 'GuestPartsFragment': GuestPartsFragment } } | null, userErrors: Array<
    | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
    | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
    | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
    | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
  > } & { ' $fragmentName'?: 'SentPartsFragment' };

export type ReplyContinueMutationVariables = Exact<{
  input: ReplyContinueInput;
}>;


export type ReplyContinueMutation = { replyContinue: { reply: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } | null, viewer: { ' $fragmentRefs'?: { 'GuestPartsFragment': GuestPartsFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ReplyStopMutationVariables = Exact<{
  input: ReplyStopInput;
}>;


export type ReplyStopMutation = { replyStop: { reply: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type BranchShowMutationVariables = Exact<{
  input: ConversationUpdateInput;
}>;


export type BranchShowMutation = { conversationUpdate: { conversation: { id: string, leaf: { id: string } | null, branch: { ' $fragmentRefs'?: { 'BranchPartsFragment': BranchPartsFragment } } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ReplyEventsSubscriptionVariables = Exact<{
  replyId: string;
  afterSeq?: number | null | undefined;
  windowMs?: number | null | undefined;
}>;


export type ReplyEventsSubscription = { replyEvents:
    | { __typename: 'ReplySnapshot', seq: number, text: string, reasoning: string, status: MessageStatus }
    | { __typename: 'ReplyDelta', seq: number, text: string }
    | { __typename: 'ReplyReasoningDelta', seq: number, text: string }
    | { __typename: 'ReplyQueued', seq: number, position: number }
    | { __typename: 'ReplyFinished', seq: number, status: MessageStatus }
    | { __typename: 'ReplyFailed', seq: number, error: { code: ErrorCode, message: string, retryAfterMs: number | null } }
   };

export type ActPartsFragment = { id: string, feature: Feature, modelId: string, status: RunStatus, promptTokens: number, cachedTokens: number, outputTokens: number, reasoningTokens: number, estimated: boolean, credits: string, createdAt: string, price: { input: string, cachedInput: string, output: string } } & { ' $fragmentName'?: 'ActPartsFragment' };

export type ReplyActsQueryVariables = Exact<{
  id: string;
}>;


export type ReplyActsQuery = { node:
    | { __typename: 'Message', id: string, acts: Array<{ ' $fragmentRefs'?: { 'ActPartsFragment': ActPartsFragment } }> }
    | { __typename: 'Conversation' }
   | null };

export type BranchCostsQueryVariables = Exact<{
  id: string;
  after?: string | null | undefined;
}>;


export type BranchCostsQuery = { viewer: { id: string | null, conversation: { id: string, branch: { edges: Array<{ cursor: string, node: { id: string, credits: string | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null } };

export type ConsentSetMutationVariables = Exact<{
  input: ConsentSetInput;
}>;


export type ConsentSetMutation = { consentSet: { consent: { kind: ConsentKind, granted: boolean, policyVersion: string, createdAt: string } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ConversationRowFragment = { id: string, title: string, pinned: boolean, updatedAt: string, activeReply: { id: string } | null } & { ' $fragmentName'?: 'ConversationRowFragment' };

export type ConversationsQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type ConversationsQuery = { viewer: { id: string | null, conversations: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'ConversationRowFragment': ConversationRowFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type ConversationRenameMutationVariables = Exact<{
  input: ConversationUpdateInput;
}>;


export type ConversationRenameMutation = { conversationUpdate: { conversation: { id: string, title: string } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ConversationPinMutationVariables = Exact<{
  input: ConversationUpdateInput;
}>;


export type ConversationPinMutation = { conversationUpdate: { conversation: { id: string, pinned: boolean } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ConversationDeleteMutationVariables = Exact<{
  input: ConversationDeleteInput;
}>;


export type ConversationDeleteMutation = { conversationDelete: { deletedId: string | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ViewerEventsSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type ViewerEventsSubscription = { viewerEvents:
    | { ' $fragmentRefs'?: { 'EventParts_ConversationChanged_Fragment': EventParts_ConversationChanged_Fragment } }
    | { ' $fragmentRefs'?: { 'EventParts_ConversationDeleted_Fragment': EventParts_ConversationDeleted_Fragment } }
    | { ' $fragmentRefs'?: { 'EventParts_ConversationsDeleted_Fragment': EventParts_ConversationsDeleted_Fragment } }
    | { ' $fragmentRefs'?: { 'EventParts_ReplyStarted_Fragment': EventParts_ReplyStarted_Fragment } }
    | { ' $fragmentRefs'?: { 'EventParts_ReplyEnded_Fragment': EventParts_ReplyEnded_Fragment } }
    | { ' $fragmentRefs'?: { 'EventParts_CreditsChanged_Fragment': EventParts_CreditsChanged_Fragment } }
    | { ' $fragmentRefs'?: { 'EventParts_PurchaseChanged_Fragment': EventParts_PurchaseChanged_Fragment } }
   };

export type AccountEventsSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type AccountEventsSubscription = { viewerEvents:
    | { ' $fragmentRefs'?: { 'EventParts_ConversationChanged_Fragment': EventParts_ConversationChanged_Fragment } }
    | { ' $fragmentRefs'?: { 'EventParts_ConversationDeleted_Fragment': EventParts_ConversationDeleted_Fragment } }
    | { ' $fragmentRefs'?: { 'EventParts_ConversationsDeleted_Fragment': EventParts_ConversationsDeleted_Fragment } }
    | { ' $fragmentRefs'?: { 'EventParts_ReplyStarted_Fragment': EventParts_ReplyStarted_Fragment } }
    | { ' $fragmentRefs'?: { 'EventParts_ReplyEnded_Fragment': EventParts_ReplyEnded_Fragment } }
    | (
      { credits: { ' $fragmentRefs'?: { 'BalancePartsFragment': BalancePartsFragment } } }
      & { ' $fragmentRefs'?: { 'EventParts_CreditsChanged_Fragment': EventParts_CreditsChanged_Fragment } }
    )
    | (
      { purchase: { ' $fragmentRefs'?: { 'PurchasePartsFragment': PurchasePartsFragment } } }
      & { ' $fragmentRefs'?: { 'EventParts_PurchaseChanged_Fragment': EventParts_PurchaseChanged_Fragment } }
    )
   };

type EventParts_ConversationChanged_Fragment = { __typename: 'ConversationChanged', conversation: (
    { leaf: { id: string } | null }
    & { ' $fragmentRefs'?: { 'ConversationRowFragment': ConversationRowFragment } }
  ) } & { ' $fragmentName'?: 'EventParts_ConversationChanged_Fragment' };

type EventParts_ConversationDeleted_Fragment = { __typename: 'ConversationDeleted', conversationId: string } & { ' $fragmentName'?: 'EventParts_ConversationDeleted_Fragment' };

type EventParts_ConversationsDeleted_Fragment = { __typename: 'ConversationsDeleted' } & { ' $fragmentName'?: 'EventParts_ConversationsDeleted_Fragment' };

type EventParts_ReplyStarted_Fragment = { __typename: 'ReplyStarted', conversationId: string, reply: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } } & { ' $fragmentName'?: 'EventParts_ReplyStarted_Fragment' };

type EventParts_ReplyEnded_Fragment = { __typename: 'ReplyEnded', conversationId: string, reply: { ' $fragmentRefs'?: { 'MessagePartsFragment': MessagePartsFragment } } } & { ' $fragmentName'?: 'EventParts_ReplyEnded_Fragment' };

type EventParts_CreditsChanged_Fragment = { __typename: 'CreditsChanged' } & { ' $fragmentName'?: 'EventParts_CreditsChanged_Fragment' };

type EventParts_PurchaseChanged_Fragment = { __typename: 'PurchaseChanged' } & { ' $fragmentName'?: 'EventParts_PurchaseChanged_Fragment' };

export type EventPartsFragment =
  | EventParts_ConversationChanged_Fragment
  | EventParts_ConversationDeleted_Fragment
  | EventParts_ConversationsDeleted_Fragment
  | EventParts_ReplyStarted_Fragment
  | EventParts_ReplyEnded_Fragment
  | EventParts_CreditsChanged_Fragment
  | EventParts_PurchaseChanged_Fragment
;

export type DeletionPartsFragment = { id: string, ticket: string, state: DeletionState, startedAt: string, finishedAt: string | null, askedElsewhere: boolean | null, receipt: string | null, tables: Array<{ table: string, rows: number }> } & { ' $fragmentName'?: 'DeletionPartsFragment' };

export type DeletionSubjectQueryVariables = Exact<{ [key: string]: never; }>;


export type DeletionSubjectQuery = { viewer: { id: string | null, account: { id: string, email: string | null, identities: Array<{ id: string, provider: Provider }> } | null } };

export type DeletionProgressQueryVariables = Exact<{
  ticket: string;
}>;


export type DeletionProgressQuery = { deletion: { ' $fragmentRefs'?: { 'DeletionPartsFragment': DeletionPartsFragment } } | null };

export type DeletionAccountMutationVariables = Exact<{
  input: AccountDeleteInput;
}>;


export type DeletionAccountMutation = { accountDelete: { deletion: { id: string, ticket: string } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type DeletionConversationsMutationVariables = Exact<{
  input: ConversationDeleteAllInput;
}>;


export type DeletionConversationsMutation = { conversationDeleteAll: { conversations: number, messages: number, finished: boolean, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type DeveloperKeysQueryVariables = Exact<{ [key: string]: never; }>;


export type DeveloperKeysQuery = { viewer: { apiKeys: Array<{ id: string, name: string, lastFour: string }> } };

export type RequestLogRowFragment = { id: string, createdAt: string, keyId: string, route: string, modelId: string, status: number, code: ErrorCode | null, promptTokens: number, cachedTokens: number, outputTokens: number, reasoningTokens: number, credits: string, firstTokenMs: number | null, latencyMs: number, streamed: boolean } & { ' $fragmentName'?: 'RequestLogRowFragment' };

export type RequestLogsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: RequestLogFilter | null | undefined;
}>;


export type RequestLogsQuery = { viewer: { requestLogs: { edges: Array<{ node: { ' $fragmentRefs'?: { 'RequestLogRowFragment': RequestLogRowFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type RequestLogAddedSubscriptionVariables = Exact<{
  filter?: RequestLogFilter | null | undefined;
}>;


export type RequestLogAddedSubscription = { requestLogAdded: { ' $fragmentRefs'?: { 'RequestLogRowFragment': RequestLogRowFragment } } };

export type RequestSumPartsFragment = { requests: number, errors: number, promptTokens: number, cachedTokens: number, outputTokens: number, credits: string, firstTokenMs: { p50: number | null, p95: number | null }, latencyMs: { p50: number | null, p95: number | null } } & { ' $fragmentName'?: 'RequestSumPartsFragment' };

export type RequestAnalyticsQueryVariables = Exact<{
  from: string;
  to: string;
  step?: Array<RequestDimension> | RequestDimension | null | undefined;
  timeZone?: string | null | undefined;
  keyId?: string | null | undefined;
  modelId?: string | null | undefined;
}>;


export type RequestAnalyticsQuery = { viewer: { byTime: { total: { ' $fragmentRefs'?: { 'RequestSumPartsFragment': RequestSumPartsFragment } }, groups: Array<{ start: string | null, sum: { ' $fragmentRefs'?: { 'RequestSumPartsFragment': RequestSumPartsFragment } } }> }, byKey: { groups: Array<{ keyId: string | null, sum: { ' $fragmentRefs'?: { 'RequestSumPartsFragment': RequestSumPartsFragment } } }> }, byModel: { groups: Array<{ modelId: string | null, sum: { ' $fragmentRefs'?: { 'RequestSumPartsFragment': RequestSumPartsFragment } } }> }, byRoute: { groups: Array<{ route: string | null, sum: { ' $fragmentRefs'?: { 'RequestSumPartsFragment': RequestSumPartsFragment } } }> } } };

export type DeveloperKeyCreateMutationVariables = Exact<{
  input: ApiKeyCreateInput;
}>;


export type DeveloperKeyCreateMutation = { apiKeyCreate: { secret: string | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type DeveloperLimitsQueryVariables = Exact<{ [key: string]: never; }>;


export type DeveloperLimitsQuery = { rateLimit: { limits: Array<{ name: RateLimitName, scope: RateLimitScope, limit: number, remaining: number, resetAt: string }> } };

export type DeveloperRoutesQueryVariables = Exact<{
  from: string;
  to: string;
}>;


export type DeveloperRoutesQuery = { viewer: { requestAnalytics: { groups: Array<{ route: string | null }> } } };

export type ExportPartsFragment = { id: string, status: ExportStatus, progress: number, createdAt: string, finishedAt: string | null, expiresAt: string, bytes: number, url: string | null } & { ' $fragmentName'?: 'ExportPartsFragment' };

export type ExportStateQueryVariables = Exact<{ [key: string]: never; }>;


export type ExportStateQuery = { viewer: { id: string | null, account: { id: string, identities: Array<{ id: string, provider: Provider }> } | null, exports: Array<{ ' $fragmentRefs'?: { 'ExportPartsFragment': ExportPartsFragment } }> } };

export type ExportStartMutationVariables = Exact<{
  input: ExportStartInput;
}>;


export type ExportStartMutation = { exportStart: { export: { ' $fragmentRefs'?: { 'ExportPartsFragment': ExportPartsFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type AgeConfirmMutationVariables = Exact<{
  input: AgeConfirmInput;
}>;


export type AgeConfirmMutation = { ageConfirm: { gate: { ageConfirmed: boolean, ageRefused: boolean, policyAccepted: boolean, policyVersion: string, news: { version: string } | null } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type PolicyAcceptMutationVariables = Exact<{
  input: PolicyAcceptInput;
}>;


export type PolicyAcceptMutation = { policyAccept: { gate: { ageConfirmed: boolean, ageRefused: boolean, policyAccepted: boolean, policyVersion: string, news: { version: string } | null } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type HeldTableFragment = { name: string, about: string, count: number, oldestAt: string | null, erasure: DataErasure, retention: { rule: DataRetentionRule, seconds: number | null, guestSeconds: number | null } } & { ' $fragmentName'?: 'HeldTableFragment' };

export type HeldQueryVariables = Exact<{ [key: string]: never; }>;


export type HeldQuery = { viewer: { kind: ViewerKind, dataInventory: { policyVersion: string, browser: Array<{ name: string, kind: BrowserEntryKind, purpose: string, necessary: boolean, kept: string }>, groups: Array<{ name: string, purpose: string, clause: string | null, tables: Array<{ ' $fragmentRefs'?: { 'HeldTableFragment': HeldTableFragment } }> }> } } };

export type HeldValuesQueryVariables = Exact<{
  table: string;
  after?: string | null | undefined;
}>;


export type HeldValuesQuery = { viewer: { dataInventory: { table: { name: string, columns: Array<{ name: string, storage: DataStorage, shown: boolean, why: string | null }>, rows: { nodes: Array<{ values: Array<{ name: string, value: string | null }> }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } | null } } };

export type OperatorLegalRequestFragment = { id: string, ground: LegalGround, authority: string, basis: string, asked: Array<DataKind>, given: Array<DataKind>, state: LegalState, telling: Telling, ownerId: string | null, reference: string, scope: string, reason: string, decision: string, prohibition: string, receivedAt: string, decidedAt: string | null } & { ' $fragmentName'?: 'OperatorLegalRequestFragment' };

export type OperatorOpeningFragment = { id: string, ownerId: string, conversationIds: Array<string>, reason: string, askedBy: string, approvedBy: string | null, state: OpeningState, reads: number, askedAt: string, expiresAt: string } & { ' $fragmentName'?: 'OperatorOpeningFragment' };

export type OperatorLegalQueryVariables = Exact<{ [key: string]: never; }>;


export type OperatorLegalQuery = { viewer: { account: { id: string } | null }, operator: { legalRequests: { nodes: Array<{ ' $fragmentRefs'?: { 'OperatorLegalRequestFragment': OperatorLegalRequestFragment } }> }, openings: { nodes: Array<{ ' $fragmentRefs'?: { 'OperatorOpeningFragment': OperatorOpeningFragment } }> } } };

export type OperatorLegalReceiveMutationVariables = Exact<{
  input: LegalRequestReceiveInput;
}>;


export type OperatorLegalReceiveMutation = { legalRequestReceive: { request: { ' $fragmentRefs'?: { 'OperatorLegalRequestFragment': OperatorLegalRequestFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorLegalDecideMutationVariables = Exact<{
  input: LegalRequestDecideInput;
}>;


export type OperatorLegalDecideMutation = { legalRequestDecide: { request: { ' $fragmentRefs'?: { 'OperatorLegalRequestFragment': OperatorLegalRequestFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorOpeningAskMutationVariables = Exact<{
  input: OpeningAskInput;
}>;


export type OperatorOpeningAskMutation = { openingAsk: { opening: { ' $fragmentRefs'?: { 'OperatorOpeningFragment': OperatorOpeningFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorOpeningApproveMutationVariables = Exact<{
  input: OpeningInput;
}>;


export type OperatorOpeningApproveMutation = { openingApprove: { opening: { ' $fragmentRefs'?: { 'OperatorOpeningFragment': OperatorOpeningFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorOpeningEndMutationVariables = Exact<{
  input: OpeningInput;
}>;


export type OperatorOpeningEndMutation = { openingEnd: { opening: { ' $fragmentRefs'?: { 'OperatorOpeningFragment': OperatorOpeningFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorOpeningReadMutationVariables = Exact<{
  input: OpeningReadInput;
}>;


export type OperatorOpeningReadMutation = { openingRead: { conversation: { id: string, title: string, cut: boolean, messages: Array<{ role: MessageRole, text: string, createdAt: string }> } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorCheckFragment = { id: string, ok: boolean, startedAt: string, finishedAt: string, findings: Array<{ invariant: string, title: string, checked: number, faults: Array<string> }> } & { ' $fragmentName'?: 'OperatorCheckFragment' };

export type OperatorQuarantinedFragment = { id: string, provider: PaymentProvider, eventId: string, purchaseId: string | null, reason: QuarantineReason, facts: string, createdAt: string, resolvedAt: string | null, resolution: string } & { ' $fragmentName'?: 'OperatorQuarantinedFragment' };

export type OperatorComparisonFragment = { id: string, provider: PaymentProvider, since: string, compared: number, repaired: number, differences: Array<string>, failure: string, startedAt: string, finishedAt: string } & { ' $fragmentName'?: 'OperatorComparisonFragment' };

export type OperatorAbsurdFragment = { reported: string, usage: { id: string, modelId: string, feature: Feature, promptTokens: number, cachedTokens: number, outputTokens: number, reasoningTokens: number, credits: string, createdAt: string } } & { ' $fragmentName'?: 'OperatorAbsurdFragment' };

export type OperatorEstimateFragment = { modelId: string, tokenizer: string | null, acts: number, promptRatio: number, outputRatio: number, outputErrorP95: number } & { ' $fragmentName'?: 'OperatorEstimateFragment' };

export type OperatorMoneyQueryVariables = Exact<{ [key: string]: never; }>;


export type OperatorMoneyQuery = { operator: { paymentProviders: Array<PaymentProvider>, quarantineWaiting: number, oddUsageWaiting: number, estimateErrors: Array<{ ' $fragmentRefs'?: { 'OperatorEstimateFragment': OperatorEstimateFragment } }> } };

export type OperatorBookChecksQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type OperatorBookChecksQuery = { operator: { bookChecks: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'OperatorCheckFragment': OperatorCheckFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type OperatorQuarantineQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type OperatorQuarantineQuery = { operator: { quarantine: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'OperatorQuarantinedFragment': OperatorQuarantinedFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type OperatorComparisonsQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type OperatorComparisonsQuery = { operator: { comparisons: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'OperatorComparisonFragment': OperatorComparisonFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type OperatorOddUsageQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type OperatorOddUsageQuery = { operator: { oddUsage: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'OperatorAbsurdFragment': OperatorAbsurdFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type OperatorIdentitiesQueryVariables = Exact<{ [key: string]: never; }>;


export type OperatorIdentitiesQuery = { viewer: { id: string | null, account: { id: string, identities: Array<{ id: string, provider: Provider }> } | null } };

export type OperatorAdjustMutationVariables = Exact<{
  input: CreditAdjustInput;
}>;


export type OperatorAdjustMutation = { creditAdjust: { balance: string | null, transferId: string | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorVerifyMutationVariables = Exact<{ [key: string]: never; }>;


export type OperatorVerifyMutation = { ledgerVerify: { check: { ' $fragmentRefs'?: { 'OperatorCheckFragment': OperatorCheckFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorReconcileMutationVariables = Exact<{ [key: string]: never; }>;


export type OperatorReconcileMutation = { reconcile: { reconciliations: Array<{ ' $fragmentRefs'?: { 'OperatorComparisonFragment': OperatorComparisonFragment } }>, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorQuarantineResolveMutationVariables = Exact<{
  input: QuarantineResolveInput;
}>;


export type OperatorQuarantineResolveMutation = { quarantineResolve: { quarantined: { ' $fragmentRefs'?: { 'OperatorQuarantinedFragment': OperatorQuarantinedFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorUsageReviewMutationVariables = Exact<{
  input: UsageReviewInput;
}>;


export type OperatorUsageReviewMutation = { usageReview: { reviewed: boolean, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorNoticeFragment = { id: string, kind: NoticeKind, policyVersion: string | null, subject: string, text: string, subjectZh: string, textZh: string, state: NoticeState, audience: number, written: number, waiting: number, sent: number, refused: number, withdrawn: number, failed: number, kept: number, createdAt: string, startedAt: string | null, finishedAt: string | null, preview: { subject: string, text: string }, previewZh: { subject: string, text: string } } & { ' $fragmentName'?: 'OperatorNoticeFragment' };

export type OperatorNoticesQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type OperatorNoticesQuery = { operator: { mailServer: boolean, notices: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'OperatorNoticeFragment': OperatorNoticeFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type OperatorNoticeSaveMutationVariables = Exact<{
  input: NoticeSaveInput;
}>;


export type OperatorNoticeSaveMutation = { noticeSave: { notice: { ' $fragmentRefs'?: { 'OperatorNoticeFragment': OperatorNoticeFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorNoticeSendMutationVariables = Exact<{
  input: NoticeSendInput;
}>;


export type OperatorNoticeSendMutation = { noticeSend: { notice: { ' $fragmentRefs'?: { 'OperatorNoticeFragment': OperatorNoticeFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorNoticeDiscardMutationVariables = Exact<{
  input: NoticeDiscardInput;
}>;


export type OperatorNoticeDiscardMutation = { noticeDiscard: { discardedId: string | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorMailFragment = { id: string, kind: string, to: string, subject: string, text: string, status: MailStatus, attempts: number, lastError: string, createdAt: string, nextAt: string | null } & { ' $fragmentName'?: 'OperatorMailFragment' };

export type OperatorMailsQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type OperatorMailsQuery = { operator: { mailServer: boolean, mails: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'OperatorMailFragment': OperatorMailFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type OperatorRemoveMutationVariables = Exact<{
  input: AccountRemoveInput;
}>;


export type OperatorRemoveMutation = { accountRemove: { receipt: { id: string, reason: RemovalReason, finishedAt: string, tables: Array<{ table: string, rows: number }> } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorMailRetryMutationVariables = Exact<{
  input: MailRetryInput;
}>;


export type OperatorMailRetryMutation = { mailRetry: { mail: { ' $fragmentRefs'?: { 'OperatorMailFragment': OperatorMailFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type OperatorAuditQueryVariables = Exact<{
  filter?: AuditFilter | null | undefined;
  after?: string | null | undefined;
}>;


export type OperatorAuditQuery = { operator: { audit: { edges: Array<{ cursor: string, node: { id: string, at: string, act: AuditAct, actor: AuditActor, actorId: string | null, ownerId: string | null, place: number | null, provider: Provider | null, consent: ConsentKind | null, policyVersion: string | null, credits: string | null, outcome: string, ref: string, count: number } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type OperatorRetentionQueryVariables = Exact<{ [key: string]: never; }>;


export type OperatorRetentionQuery = { operator: { retention: Array<{ table: string, keptSeconds: number, idleSeconds: number | null, oldestAt: string | null, sweptAt: string | null, removed: number, removedAt: string | null, overdue: boolean, hold: { ' $fragmentRefs'?: { 'RetentionHoldFragment': RetentionHoldFragment } } | null, upcoming: Array<{ day: string, rows: number }> }> } };

export type RetentionHoldFragment = { kind: RetentionHold, since: string, due: number, usual: number, until: string | null, confirmable: boolean, confirmedAt: string | null } & { ' $fragmentName'?: 'RetentionHoldFragment' };

export type OperatorRetentionConfirmMutationVariables = Exact<{
  input: RetentionConfirmInput;
}>;


export type OperatorRetentionConfirmMutation = { retentionConfirm: { rule: { table: string, hold: { ' $fragmentRefs'?: { 'RetentionHoldFragment': RetentionHoldFragment } } | null } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ConversationSearchQueryVariables = Exact<{
  text: string;
}>;


export type ConversationSearchQuery = { viewer: { id: string | null, conversations: { edges: Array<{ cursor: string, node: { id: string, title: string }, match: { messageId: string | null, snippet: string, start: number, length: number } | null }> } } };

export type PolicyQueryVariables = Exact<{
  version?: string | null | undefined;
}>;


export type PolicyQuery = { policy: { version: string, effectiveAt: string, publishedAt: string, hash: string, text: string, translations: Array<{ language: string, text: string, hash: string }> } };

export type PolicyVersionsQueryVariables = Exact<{ [key: string]: never; }>;


export type PolicyVersionsQuery = { policyVersions: Array<{ version: string, effectiveAt: string, publishedAt: string, significant: boolean }> };

export type PolicyAcknowledgeMutationVariables = Exact<{
  input: PolicyAcceptInput;
}>;


export type PolicyAcknowledgeMutation = { policyAccept: { gate: { ageConfirmed: boolean, ageRefused: boolean, policyAccepted: boolean, policyVersion: string, news: { version: string } | null } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type PolicyNewsQueryVariables = Exact<{ [key: string]: never; }>;


export type PolicyNewsQuery = { viewer: { gate: { news: { version: string, effectiveAt: string, significant: boolean, inForce: boolean } | null } } };

export type ServicePartsFragment = { name: string, supportEmail: string, url: string, version: string, sharing: boolean, engine: { kind: EngineKind, name: string, state: EngineState, message: string } } & { ' $fragmentName'?: 'ServicePartsFragment' };

export type ModelPartsFragment = { id: string, name: string, description: string, contextTokens: number, available: boolean, default: boolean, reasoning: boolean, trillionMoe: boolean } & { ' $fragmentName'?: 'ModelPartsFragment' };

export type EngineStateQueryVariables = Exact<{ [key: string]: never; }>;


export type EngineStateQuery = { service: { ' $fragmentRefs'?: { 'ServicePartsFragment': ServicePartsFragment } } };

export type SettingsAccountFragment = { id: string, name: string, email: string | null, emailPending: string | null, createdAt: string, identities: Array<{ id: string, provider: Provider, createdAt: string, lastUsedAt: string, removable: boolean }> } & { ' $fragmentName'?: 'SettingsAccountFragment' };

export type SettingsAccountStateQueryVariables = Exact<{ [key: string]: never; }>;


export type SettingsAccountStateQuery = { viewer: { account: { ' $fragmentRefs'?: { 'SettingsAccountFragment': SettingsAccountFragment } } | null } };

export type SettingsProfileSaveMutationVariables = Exact<{
  input: AccountUpdateInput;
}>;


export type SettingsProfileSaveMutation = { accountUpdate: { account: { ' $fragmentRefs'?: { 'SettingsAccountFragment': SettingsAccountFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type SettingsIdentityUnlinkMutationVariables = Exact<{
  input: IdentityUnlinkInput;
}>;


export type SettingsIdentityUnlinkMutation = { identityUnlink: { account: { ' $fragmentRefs'?: { 'SettingsAccountFragment': SettingsAccountFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type SettingsSessionsQueryVariables = Exact<{ [key: string]: never; }>;


export type SettingsSessionsQuery = { viewer: { sessions: Array<{ id: string, current: boolean, method: Provider, deviceType: string, os: string, browser: string, browserVersion: number, createdAt: string, lastSeenAt: string }> } };

export type SettingsSessionRevokeMutationVariables = Exact<{
  input: SessionRevokeInput;
}>;


export type SettingsSessionRevokeMutation = { sessionRevoke: { revokedId: string | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type SettingsSessionRevokeOthersMutationVariables = Exact<{
  input: SessionRevokeOthersInput;
}>;


export type SettingsSessionRevokeOthersMutation = { sessionRevokeOthers: { revoked: number, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type SettingsPrivacyQueryVariables = Exact<{ [key: string]: never; }>;


export type SettingsPrivacyQuery = { viewer: { consents: Array<{ kind: ConsentKind, granted: boolean, policyVersion: string, createdAt: string }>, policyAcceptances: Array<{ version: string, method: AcceptanceMethod, acceptedAt: string }> } };

export type SettingsKeyFragment = { id: string, name: string, scopes: Array<string>, lastFour: string, createdAt: string, expiresAt: string, revokedAt: string | null, lastUsedAt: string | null, creditLimit: string | null, spent: string, requestsPerMinute: number | null, tokensPerMinute: number | null } & { ' $fragmentName'?: 'SettingsKeyFragment' };

export type SettingsKeysQueryVariables = Exact<{ [key: string]: never; }>;


export type SettingsKeysQuery = { viewer: { apiKeys: Array<{ ' $fragmentRefs'?: { 'SettingsKeyFragment': SettingsKeyFragment } }> } };

export type SettingsKeyCreateMutationVariables = Exact<{
  input: ApiKeyCreateInput;
}>;


export type SettingsKeyCreateMutation = { apiKeyCreate: { secret: string | null, apiKey: { ' $fragmentRefs'?: { 'SettingsKeyFragment': SettingsKeyFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type SettingsKeyUpdateMutationVariables = Exact<{
  input: ApiKeyUpdateInput;
}>;


export type SettingsKeyUpdateMutation = { apiKeyUpdate: { apiKey: { ' $fragmentRefs'?: { 'SettingsKeyFragment': SettingsKeyFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type SettingsKeyRevokeMutationVariables = Exact<{
  input: ApiKeyRevokeInput;
}>;


export type SettingsKeyRevokeMutation = { apiKeyRevoke: { apiKey: { ' $fragmentRefs'?: { 'SettingsKeyFragment': SettingsKeyFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type SettingsKeyRevokeAllMutationVariables = Exact<{
  input: ApiKeyRevokeAllInput;
}>;


export type SettingsKeyRevokeAllMutation = { apiKeyRevokeAll: { revoked: number, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type SettingsActivityQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type SettingsActivityQuery = { viewer: { accessLog: { edges: Array<{ cursor: string, node: { id: string, at: string, act: AuditAct, actor: AuditActor, provider: Provider | null, consent: ConsentKind | null, policyVersion: string | null, credits: string | null, actorKey: { id: string, name: string, lastFour: string } | null, session: { id: string, deviceType: string, os: string, browser: string, browserVersion: number } | null, key: { id: string, name: string, lastFour: string } | null } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type SharePartsFragment = { id: string, conversationId: string, title: string, url: string, messages: number, reasoning: boolean, named: boolean, createdAt: string, expiresAt: string | null } & { ' $fragmentName'?: 'SharePartsFragment' };

export type SharesQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type SharesQuery = { viewer: { id: string | null, shares: { edges: Array<{ cursor: string, node: { ' $fragmentRefs'?: { 'SharePartsFragment': SharePartsFragment } } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } } };

export type ConversationShareMutationVariables = Exact<{
  input: ConversationShareInput;
}>;


export type ConversationShareMutation = { conversationShare: { share: { ' $fragmentRefs'?: { 'SharePartsFragment': SharePartsFragment } } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ShareRevokeMutationVariables = Exact<{
  input: ShareRevokeInput;
}>;


export type ShareRevokeMutation = { shareRevoke: { revokedId: string | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ShareConsentMutationVariables = Exact<{
  input: ConsentSetInput;
}>;


export type ShareConsentMutation = { consentSet: { consent: { kind: ConsentKind, granted: boolean, createdAt: string } | null, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type ShareCopyMutationVariables = Exact<{
  input: ShareCopyInput;
}>;


export type ShareCopyMutation = { shareCopy: { conversation: { ' $fragmentRefs'?: { 'ConversationRowFragment': ConversationRowFragment } } | null, viewer: { ' $fragmentRefs'?: { 'GuestPartsFragment': GuestPartsFragment } }, userErrors: Array<
      | { ' $fragmentRefs'?: { 'Refusal_InputError_Fragment': Refusal_InputError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_GuestLimitError_Fragment': Refusal_GuestLimitError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_InsufficientCreditsError_Fragment': Refusal_InsufficientCreditsError_Fragment } }
      | { ' $fragmentRefs'?: { 'Refusal_RateLimitError_Fragment': Refusal_RateLimitError_Fragment } }
    > } };

export type TransparencyQueryVariables = Exact<{ [key: string]: never; }>;


export type TransparencyQuery = { transparency: { madeAt: string, checkedAt: string | null, state: TransparencyState, version: string, policyVersion: string, policyHash: string, publicKey: string, clauses: Array<{ id: string, section: string, title: string, state: TransparencyState, evidence: string, checkedAt: string | null, findings: Array<{ code: string, values: Array<{ name: string, sort: TransparencySort, value: string, more: number }> }> }>, recipients: Array<{ kind: RecipientKind, name: string, hosts: Array<string>, gets: Array<SentData>, clause: string, local: boolean, encrypted: boolean, consent: boolean }>, hops: Array<{ name: string, way: HopWay, to: string, host: string, state: TransparencyState, protection: HopProtection }>, changes: Array<{ checkId: string, at: string, state: TransparencyState, evidence: string, findings: Array<{ code: string, values: Array<{ name: string, sort: TransparencySort, value: string, more: number }> }> }> } };

export type UsageSumPartsFragment = { acts: number, promptTokens: number, cachedTokens: number, outputTokens: number, reasoningTokens: number, credits: string } & { ' $fragmentName'?: 'UsageSumPartsFragment' };

export type UsageQueryVariables = Exact<{
  from: string;
  to: string;
  timeZone: string;
}>;


export type UsageQuery = { viewer: { id: string | null, byDay: { total: { ' $fragmentRefs'?: { 'UsageSumPartsFragment': UsageSumPartsFragment } }, groups: Array<{ day: string | null, modelId: string | null, sum: { ' $fragmentRefs'?: { 'UsageSumPartsFragment': UsageSumPartsFragment } } }> }, byModel: { groups: Array<{ modelId: string | null, sum: { ' $fragmentRefs'?: { 'UsageSumPartsFragment': UsageSumPartsFragment } } }> }, byKey: { groups: Array<{ keyId: string | null, sum: { ' $fragmentRefs'?: { 'UsageSumPartsFragment': UsageSumPartsFragment } } }> }, byFeature: { groups: Array<{ feature: Feature | null, sum: { ' $fragmentRefs'?: { 'UsageSumPartsFragment': UsageSumPartsFragment } } }> } } };

