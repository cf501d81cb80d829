-- Logs of API requests, kept for 90 days, and what they sum up to.

-- +goose Up

-- Whose rows of api_request_logs and api_request_hours are: these hold numbers only. Where
-- the account goes, what leads from the numbers to it and to its keys goes in the same
-- statement, however many rows there are.
CREATE TABLE api_request_subjects (
    owner_id text   PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
    subject  bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE
);
CREATE TABLE api_request_keys (
    owner_id text   NOT NULL REFERENCES api_request_subjects (owner_id) ON DELETE CASCADE,
    key_id   text   NOT NULL,
    key_ref  bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    PRIMARY KEY (owner_id, key_id)
);

-- One row for each API request: no content, no name that a client chose, no address.
-- Partitions are days in UTC, made ahead and dropped whole by internal/requestlog. There is
-- no default partition: beside one none can be detached concurrently.
CREATE TABLE api_request_logs (
    subject          bigint      NOT NULL,
    created_at       timestamptz NOT NULL,
    key_ref          bigint      NOT NULL,
    prompt_tokens    bigint      NOT NULL CHECK (prompt_tokens >= 0),
    cached_tokens    bigint      NOT NULL CHECK (cached_tokens >= 0),
    output_tokens    bigint      NOT NULL CHECK (output_tokens >= 0),
    reasoning_tokens bigint      NOT NULL CHECK (reasoning_tokens >= 0),
    credits          bigint      NOT NULL CHECK (credits >= 0), -- micro-credits
    first_token_ms   integer     CHECK (first_token_ms >= 0),   -- null: there was none
    latency_ms       integer     NOT NULL CHECK (latency_ms >= 0),
    status           smallint    NOT NULL CHECK (status BETWEEN 100 AND 599),
    streamed         boolean     NOT NULL,
    id               text        NOT NULL CHECK (length(id) BETWEEN 1 AND 60),
    route            text        NOT NULL CHECK (length(route) BETWEEN 1 AND 100),
    model_id         text        NOT NULL CHECK (length(model_id) <= 100),
    code             text        NOT NULL CHECK (length(code) <= 60), -- empty: nothing was refused and nothing failed
    PRIMARY KEY (subject, created_at, id)
) PARTITION BY RANGE (created_at);

-- Their sums, written in the transaction that writes the rows. first_token and latency are
-- histograms of the hour; quarters holds the sums of its quarters, for zones that are not
-- off by whole hours.
CREATE TABLE api_request_hours (
    subject          bigint      NOT NULL,
    hour             timestamptz NOT NULL,
    key_ref          bigint      NOT NULL,
    succeeded        bigint      NOT NULL DEFAULT 0,
    refused          bigint      NOT NULL DEFAULT 0,
    limited          bigint      NOT NULL DEFAULT 0,
    failed           bigint      NOT NULL DEFAULT 0,
    prompt_tokens    bigint      NOT NULL DEFAULT 0,
    cached_tokens    bigint      NOT NULL DEFAULT 0,
    output_tokens    bigint      NOT NULL DEFAULT 0,
    reasoning_tokens bigint      NOT NULL DEFAULT 0,
    credits          bigint      NOT NULL DEFAULT 0,
    model_id         text        NOT NULL,
    route            text        NOT NULL,
    first_token      bytea       NOT NULL DEFAULT '',
    latency          bytea       NOT NULL DEFAULT '',
    quarters         bytea       NOT NULL DEFAULT '',
    PRIMARY KEY (subject, hour, key_ref, model_id, route)
) PARTITION BY RANGE (hour);

-- What remains after 90 days, as long as the account: totals by key and day in UTC.
CREATE TABLE api_request_days (
    owner_id         text   NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    key_id           text   NOT NULL,
    day              date   NOT NULL,
    requests         bigint NOT NULL CHECK (requests >= 0),
    errors           bigint NOT NULL CHECK (errors >= 0),
    prompt_tokens    bigint NOT NULL CHECK (prompt_tokens >= 0),
    cached_tokens    bigint NOT NULL CHECK (cached_tokens >= 0),
    output_tokens    bigint NOT NULL CHECK (output_tokens >= 0),
    reasoning_tokens bigint NOT NULL CHECK (reasoning_tokens >= 0),
    credits          bigint NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (owner_id, key_id, day)
);

-- +goose Down
DROP TABLE api_request_days, api_request_hours, api_request_logs, api_request_keys, api_request_subjects;
