import type { MessageDescriptor } from '@lingui/core'
import { msg } from '@lingui/core/macro'
import { randomId } from '@/lib/random-id'

interface Example {
  name: MessageDescriptor
  query: string
  /** Made when it is opened, so that an id in it is a new one. */
  variables(): string
}

/** Documents to begin with; the first one is there at the start. */
export const examples: readonly Example[] = [
  {
    name: msg`Who am I, and which models are there`,
    query: `query Hello {
  viewer {
    kind
    credits {
      available
    }
  }
  models {
    id
    name
  }
}
`,
    variables: () => '',
  },
  {
    name: msg`Send a message`,
    query: `mutation Send($input: MessageSendInput!) {
  messageSend(input: $input) {
    conversation {
      id
    }
    reply {
      id
    }
    userErrors {
      code
      message
      field
    }
  }
}
`,
    variables: () => `{
  "input": {
    "clientId": "${randomId()}",
    "text": "Say hello in one sentence."
  }
}
`,
  },
  {
    name: msg`Follow a reply as it is written`,
    query: `subscription Follow($reply: ID!) {
  replyEvents(replyId: $reply) {
    __typename
    ... on ReplySnapshot {
      seq
      text
    }
    ... on ReplyDelta {
      seq
      text
    }
    ... on ReplyFinished {
      usage {
        promptTokens
        outputTokens
      }
      credits
    }
    ... on ReplyFailed {
      error {
        code
        message
      }
    }
  }
}
`,
    variables: () => `{
  "reply": "the id of a reply, from messageSend"
}
`,
  },
  {
    name: msg`What happens in my account`,
    query: `subscription Happenings {
  viewerEvents {
    __typename
  }
}
`,
    variables: () => '',
  },
]
