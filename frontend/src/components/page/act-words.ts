import type { MessageDescriptor } from '@lingui/core'
import { i18n } from '@lingui/core'
import { msg } from '@lingui/core/macro'
import type { AuditAct } from '@/gql/graphql'

const acts: Record<AuditAct, MessageDescriptor> = {
  SESSION_BEGUN: msg`Signed in`,
  SESSION_ENDED: msg`Session ended`,
  SESSION_REVOKED: msg`Device signed out`,
  IDENTITY_LINKED: msg`Way to sign in linked`,
  IDENTITY_UNLINKED: msg`Way to sign in unlinked`,
  EMAIL_CHANGE_ASKED: msg`New e-mail address asked for`,
  EMAIL_CHANGED: msg`E-mail address changed`,
  ACCOUNT_CREATED: msg`Account made`,
  ACCOUNT_REMOVED: msg`Account deleted`,
  GUESTS_PURGED: msg`Expired guests deleted`,
  ADMIN_GRANTED: msg`Made an administrator`,
  OPERATOR_LINK_MADE: msg`Operator’s sign-in link made`,
  KEY_CREATED: msg`API key made`,
  KEY_UPDATED: msg`API key changed`,
  KEY_REVOKED: msg`API key revoked`,
  CREDITS_ADJUSTED: msg`Credits adjusted`,
  USAGE_REVIEWED: msg`Odd usage looked at`,
  QUARANTINE_RESOLVED: msg`Quarantined payment decided`,
  CONSENT_GIVEN: msg`Consent given`,
  CONSENT_WITHDRAWN: msg`Consent refused or withdrawn`,
  POLICY_ACCEPTED: msg`Privacy policy accepted`,
  AGE_CONFIRMED: msg`Age confirmed`,
  MAIL_RETRIED: msg`Mail tried again`,
  EXPORT_MADE: msg`Export made`,
  EXPORT_FETCHED: msg`Export downloaded`,
  DATA_IMPORTED: msg`Conversations imported`,
  DATA_DELETED: msg`Data deleted`,
  CONVERSATION_SHARED: msg`Conversation shared by link`,
  SHARE_REVOKED: msg`Shared link taken back`,
  POLICY_PUBLISHED: msg`Privacy policy published`,
  RETENTION_CONFIRMED: msg`Held deletion confirmed`,
  CONTENT_OPENED: msg`Conversation read by an administrator`,
  CONTENT_ACCESS_ASKED: msg`Access to conversations asked for`,
  CONTENT_ACCESS_APPROVED: msg`Access to conversations approved, for an hour`,
  CONTENT_ACCESS_ENDED: msg`Access to conversations ended`,
  NOTICE_SENT: msg`Mail to everybody sent`,
  LEGAL_REQUEST_RECEIVED: msg`Legal request written down`,
  LEGAL_REQUEST_DECIDED: msg`Legal request decided`,
  SECRET_KEY_CHANGED: msg`Key of the installation exchanged`,
}

/** All acts, in the order to choose from. */
export const auditActs = Object.keys(acts) as readonly AuditAct[]

/** What was done, in words. */
export function actWords(act: AuditAct): string {
  return i18n._(acts[act])
}
