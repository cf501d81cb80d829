"""Ask, and print the answer as it comes. Python's standard library is enough."""

import json
import os
import sys
import urllib.request
import uuid

URL = os.environ.get("KIMI_URL", "http://localhost:8080")
KEY = os.environ["KIMI_API_KEY"]


def graphql(query, variables, accept="application/json"):
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Accept": accept}
    return urllib.request.urlopen(urllib.request.Request(f"{URL}/graphql", body, headers))


def answered(document):
    if document.get("errors"):
        raise SystemExit(document["errors"][0]["message"])
    return document["data"]


SEND = """mutation($i: MessageSendInput!) {
  messageSend(input: $i) { reply { id } userErrors { code message } }
}"""
FOLLOW = """subscription($id: ID!) {
  replyEvents(replyId: $id, afterSeq: 0) {
    __typename
    ... on ReplyDelta { seq text }
    ... on ReplyFinished { usage { promptTokens outputTokens } credits }
    ... on ReplyFailed { error { code message } }
  }
}"""

question = sys.argv[1] if len(sys.argv) > 1 else "Say hello in one sentence."
# clientId makes the send safe to repeat: the same id never sends twice.
with graphql(SEND, {"i": {"clientId": str(uuid.uuid4()), "text": question}}) as response:
    sent = answered(json.load(response))["messageSend"]
if sent["userErrors"]:
    raise SystemExit(sent["userErrors"][0]["message"])

with graphql(FOLLOW, {"id": sent["reply"]["id"]}, "text/event-stream") as stream:
    for line in stream:
        if not line.startswith(b"data: {"):
            continue
        event = answered(json.loads(line[len("data: ") :]))["replyEvents"]
        if event["__typename"] == "ReplyDelta":
            print(event["text"], end="", flush=True)
        elif event["__typename"] == "ReplyFinished":
            usage = event["usage"]
            print(f"\n{usage['promptTokens']} tokens read, {usage['outputTokens']} written, {event['credits']} credits")
        elif event["__typename"] == "ReplyFailed":
            raise SystemExit(event["error"]["message"])
