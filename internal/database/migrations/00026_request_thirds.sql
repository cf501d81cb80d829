-- Sums of API requests by thirds of a day, made once of a day's hours when it is over, so
-- that a window of many days is added up from few rows.

-- +goose Up

-- As api_request_hours, for eight hours each. A day has a partition when its thirds are
-- there: internal/requestlog makes, fills and attaches it in one transaction, and adds
-- rows that come later to them as to the hours. It drops them with the day.
CREATE TABLE api_request_thirds (
    subject          bigint      NOT NULL,
    third            timestamptz NOT NULL,
    key_ref          bigint      NOT NULL,
    succeeded        bigint      NOT NULL,
    refused          bigint      NOT NULL,
    limited          bigint      NOT NULL,
    failed           bigint      NOT NULL,
    prompt_tokens    bigint      NOT NULL,
    cached_tokens    bigint      NOT NULL,
    output_tokens    bigint      NOT NULL,
    reasoning_tokens bigint      NOT NULL,
    credits          bigint      NOT NULL,
    model_id         text        NOT NULL,
    route            text        NOT NULL,
    first_token      bytea       NOT NULL,
    latency          bytea       NOT NULL,
    PRIMARY KEY (subject, third, key_ref, model_id, route)
) PARTITION BY RANGE (third);

-- +goose Down
DROP TABLE api_request_thirds;
