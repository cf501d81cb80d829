-- Who may do how much a minute and at once, and the limits that a key has of its own.

-- +goose Up

ALTER TABLE api_keys
    ADD COLUMN requests_per_minute integer CHECK (requests_per_minute > 0), -- null: those of every key
    ADD COLUMN tokens_per_minute   integer CHECK (tokens_per_minute > 0);

-- One row for each limit that somebody lately used. tat is when the bucket is full again,
-- in nanoseconds since 1970; the row of a limit on things at once only stands for its
-- lock. The tables are not logged: a crash of the database forgets what was used up, and
-- no commit waits for the disk. Nothing refers to owners, so that no first request waits
-- for who has an owner locked; the trigger below takes an owner's rows along.
CREATE UNLOGGED TABLE rate_buckets (
    owner_id text COLLATE "C" NOT NULL,
    name     text COLLATE "C" NOT NULL,
    tat      bigint           NOT NULL,
    PRIMARY KEY (owner_id, name)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- How many of an owner's streams an instance holds. It counts until the lease ends, which
-- the instance renews as long as it lives.
CREATE UNLOGGED TABLE rate_places (
    owner_id    text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    instance_id text             NOT NULL,
    n           integer          NOT NULL CHECK (n >= 0),
    until       bigint           NOT NULL, -- nanoseconds since 1970
    PRIMARY KEY (owner_id, name, instance_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX rate_places_instance ON rate_places (instance_id);

-- +goose StatementBegin
-- Takes asks off buckets, one ask after the other and each wholly or not at all.
-- The buckets come in the order of their keys, each once, and are locked in this order, so
-- that nobody waits in a circle: by how many nanoseconds a unit lasts it is a rate, and
-- most is what it holds, in nanoseconds; or, where held is not negative, a number of
-- places, of which this instance holds so many and there are most. fix is added to a
-- rate before. The asks come as rows of (ask, bucket, units), numbered from 1 and in order;
-- counts says how many there are of each. One larger than a whole bucket needs it full,
-- and is taken off whole.
-- taken is how many of each ask were taken; refused is, where some were not, the bucket for
-- which the next one has to wait longest; levels are the buckets afterwards.
CREATE FUNCTION rate_take(me text, at bigint, lease bigint, owners text[], names text[], most bigint[], fix bigint[], held bigint[],
    counts bigint[], ask integer[], bucket integer[], units bigint[], OUT now_ns bigint, OUT taken bigint[], OUT refused integer[], OUT levels bigint[])
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    rows   integer := cardinality(ask);
    begins bigint[];
    first  integer := 1;
    last   integer;
    b      integer;
    n      bigint;
    room   bigint;
    bad    integer;
    worst  bigint;
    over   bigint;
BEGIN
    WITH mine AS (
        INSERT INTO rate_buckets AS r (owner_id, name, tat)
        SELECT u.owner_id, u.name, 0 FROM unnest(owners, names) WITH ORDINALITY AS u (owner_id, name, i) ORDER BY u.i
        ON CONFLICT (owner_id, name) DO UPDATE SET tat = r.tat
        RETURNING r.owner_id, r.name, r.tat)
    SELECT array_agg(m.tat ORDER BY m.owner_id, m.name) INTO levels FROM mine m;
    now_ns := coalesce(at, (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint);
    IF 0 <= ANY (held) OR 0 <> ANY (fix) THEN
        SELECT array_agg(CASE WHEN u.held >= 0 THEN u.held + coalesce(p.n, 0) WHEN u.fix > 0 THEN greatest(u.tat, now_ns) + u.fix ELSE u.tat + u.fix END ORDER BY u.i) INTO levels
        FROM unnest(owners, names, levels, fix, held) WITH ORDINALITY AS u (owner_id, name, tat, fix, held, i)
        LEFT JOIN LATERAL (SELECT sum(x.n)::bigint AS n FROM rate_places x
            WHERE u.held >= 0 AND x.owner_id = u.owner_id AND x.name = u.name AND x.instance_id <> me AND x.until > now_ns) p ON true;
    END IF;
    begins := levels;
    taken := counts;
    refused := array_fill(0, ARRAY[cardinality(counts)]);
    WHILE first <= rows LOOP
        last := first;
        n := counts[ask[first]];
        WHILE last <= rows AND ask[last] = ask[first] LOOP
            b := bucket[last];
            room := most[b] - CASE WHEN held[b] >= 0 THEN levels[b] ELSE greatest(levels[b] - now_ns, 0) END;
            n := least(n, CASE WHEN room < least(units[last], most[b]) THEN 0 WHEN units[last] >= most[b] THEN 1 ELSE room / units[last] END);
            last := last + 1;
        END LOOP;
        bad := 0;
        worst := 0;
        FOR i IN first .. last - 1 LOOP
            b := bucket[i];
            IF n > 0 THEN
                levels[b] := CASE WHEN held[b] >= 0 THEN levels[b] ELSE greatest(levels[b], now_ns) END + n * units[i];
            END IF;
            over := CASE WHEN held[b] >= 0 THEN levels[b] ELSE greatest(levels[b] - now_ns, 0) END + least(units[i], most[b]) - most[b];
            IF over > worst THEN
                worst := over;
                bad := b;
            END IF;
        END LOOP;
        taken[ask[first]] := n;
        refused[ask[first]] := bad;
        first := last;
    END LOOP;
    UPDATE rate_buckets r SET tat = u.tat FROM unnest(owners, names, levels, held) AS u (owner_id, name, tat, held)
    WHERE r.owner_id = u.owner_id AND r.name = u.name AND u.held < 0 AND r.tat <> u.tat;
    IF 0 <= ANY (held) THEN
        INSERT INTO rate_places AS p (owner_id, name, instance_id, n, until)
        SELECT u.owner_id, u.name, me, u.held + u.now - u.before, now_ns + lease FROM unnest(owners, names, held, begins, levels) AS u (owner_id, name, held, before, now) WHERE u.held >= 0
        ON CONFLICT (owner_id, name, instance_id) DO UPDATE SET n = excluded.n, until = excluded.until;
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION rate_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM rate_buckets WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM rate_buckets r WHERE r.owner_id IN (SELECT id FROM gone) ORDER BY r.owner_id, r.name FOR UPDATE));
    DELETE FROM rate_places WHERE ctid = ANY (ARRAY(SELECT p.ctid FROM rate_places p WHERE p.owner_id IN (SELECT id FROM gone) ORDER BY p.owner_id, p.name, p.instance_id FOR UPDATE));
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER owners_limits AFTER DELETE ON owners REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION rate_forget();

-- +goose Down
DROP TRIGGER owners_limits ON owners;
DROP FUNCTION rate_forget, rate_take;
DROP TABLE rate_places, rate_buckets;
ALTER TABLE api_keys DROP COLUMN tokens_per_minute, DROP COLUMN requests_per_minute;
