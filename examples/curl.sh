#!/usr/bin/env bash
# Ask, and watch the answer come token by token, with nothing but curl.
set -euo pipefail
url=${KIMI_URL:-http://localhost:8080}
question=${1:-Say hello in one sentence.}
# As it has to stand in JSON.
question=${question//\\/\\\\}
question=${question//\"/\\\"}
question=${question//$'\n'/\\n}
question=${question//$'\t'/\\t}

# graphql DOCUMENT VARIABLES [CURL OPTION…] posts a document.
graphql() {
  curl -sS "$url/graphql" -H "Authorization: Bearer $KIMI_API_KEY" -H 'Content-Type: application/json' \
    -d "{\"query\": \"$1\", \"variables\": $2}" "${@:3}"
}

# clientId makes the send safe to repeat: the same id never sends twice.
sent=$(graphql 'mutation($i: MessageSendInput!) { messageSend(input: $i) { reply { id } userErrors { code message } } }' \
  "{\"i\": {\"clientId\": \"curl-$$-$(date +%s)\", \"text\": \"$question\"}}")
reply=$(sed -n 's/.*"reply":{"id":"\([^"]*\)".*/\1/p' <<<"$sent")
[ -n "$reply" ] || { echo "$sent" >&2; exit 1; }

# One JSON event a line; the last one holds usage and credits.
graphql 'subscription($id: ID!) { replyEvents(replyId: $id, afterSeq: 0) { __typename ... on ReplyDelta { seq text } ... on ReplyFinished { usage { promptTokens outputTokens } credits } ... on ReplyFailed { error { code message } } } }' \
  "{\"id\": \"$reply\"}" -N -H 'Accept: text/event-stream' | sed -un 's/^data: \(..*\)/\1/p'
