#!/usr/bin/env bash
# The OpenAI-compatible interface with nothing but curl: one event a line, usage in the last.
set -euo pipefail
url=${KIMI_URL:-http://localhost:8080}
key="Authorization: Bearer $KIMI_API_KEY"
# The first model of the list is the default one.
model=$(curl -sS "$url/v1/models" -H "$key" | sed -n 's/.*"data":\[{[^}]*"id":"\([^"]*\)".*/\1/p')
question=${1:-Say hello in one sentence.}
# As it has to stand in JSON.
question=${question//\\/\\\\}
question=${question//\"/\\\"}
question=${question//$'\n'/\\n}
question=${question//$'\t'/\\t}

curl -sSN --fail-with-body "$url/v1/chat/completions" -H "$key" -H 'Content-Type: application/json' \
  -d "{\"model\": \"$model\", \"messages\": [{\"role\": \"user\", \"content\": \"$question\"}], \"stream\": true, \"stream_options\": {\"include_usage\": true}}" |
  sed -un 's/^data: //; /^{/p'
