-- An instance that counts much for a limit takes some of it ahead and gives that out
-- without asking again.

-- +goose Up

-- lent_to is the one instance that holds something of a limit that it may not have given
-- out, until lent_until at the most, in nanoseconds since 1970. It counts as used up until
-- then, or until it is given back.
ALTER TABLE rate_buckets
    ADD COLUMN lent_to    text   NOT NULL DEFAULT '',
    ADD COLUMN lent_until bigint NOT NULL DEFAULT 0;

-- The former rate_take stays for instances of the version before: to it a loan is used up.

-- +goose StatementBegin
-- Takes asks off buckets, one ask after the other and each wholly or not at all.
-- The buckets come in the order of their keys, each once, and are locked in this order, so
-- that nobody waits in a circle: by how many nanoseconds a unit lasts it is a rate, and
-- most is what it holds, in nanoseconds; or, where held is not negative, a number of
-- places, of which this instance holds so many and there are most. A row is made only for
-- what is asked of. fix is added to a rate before; what is left of a loan from came to kept
-- is given back before. The asks come as rows of (ask, bucket, units), numbered from 1 and in
-- order; counts says how many there are of each. One larger than a whole bucket needs it full,
-- and is taken off whole. At the end as much as is wished, and there, is lent.
-- taken is how many of each ask were taken; refused is, where some were not, the bucket for
-- which the next one has to wait longest; levels are the buckets afterwards, without what
-- is lent; lent is how much that is; lenders are other instances that something is lent to.
CREATE FUNCTION rate_take(me text, at bigint, lease bigint, owners text[], names text[], most bigint[], fix bigint[], held bigint[], came bigint[], kept bigint[], wish bigint[],
    counts bigint[], ask integer[], bucket integer[], units bigint[], OUT now_ns bigint, OUT taken bigint[], OUT refused integer[], OUT levels bigint[], OUT lent bigint[], OUT lenders text[])
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    rows   integer := cardinality(ask);
    begins bigint[];
    ends   bigint[];
    first  integer := 1;
    last   integer;
    b      integer;
    n      bigint;
    room   bigint;
    bad    integer;
    worst  bigint;
    over   bigint;
BEGIN
    -- Nobody waits here for a row that is only locked, so the order of locks is the next statement's.
    IF rows > 0 THEN
        INSERT INTO rate_buckets (owner_id, name, tat)
        SELECT u.owner_id, u.name, 0 FROM unnest(owners, names) WITH ORDINALITY AS u (owner_id, name, i)
        WHERE u.i = ANY (bucket) AND NOT EXISTS (SELECT FROM rate_buckets r WHERE r.owner_id = u.owner_id AND r.name = u.name) ORDER BY u.i
        ON CONFLICT (owner_id, name) DO NOTHING;
    END IF;
    SELECT array_agg(coalesce(r.tat, 0) ORDER BY u.i), array_agg(coalesce(r.lent_to, '') ORDER BY u.i), array_agg(coalesce(r.lent_until, 0) ORDER BY u.i) INTO levels, lenders, ends
    FROM unnest(owners, names) WITH ORDINALITY AS u (owner_id, name, i)
    LEFT JOIN LATERAL (SELECT x.tat, x.lent_to, x.lent_until FROM rate_buckets x WHERE x.owner_id = u.owner_id AND x.name = u.name FOR NO KEY UPDATE) r ON true;
    now_ns := coalesce(at, (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint);
    IF 0 <= ANY (held) OR 0 <> ANY (fix) OR 0 <> ANY (kept) THEN
        SELECT array_agg(CASE WHEN u.held >= 0 THEN u.held + coalesce(p.n, 0) WHEN u.fix > 0 THEN greatest(l.tat, now_ns) + u.fix ELSE l.tat + u.fix END ORDER BY u.i) INTO levels
        FROM unnest(owners, names, levels, fix, held, came, kept) WITH ORDINALITY AS u (owner_id, name, tat, fix, held, came, kept, i)
        CROSS JOIN LATERAL (SELECT CASE WHEN u.kept > greatest(u.came, now_ns) THEN greatest(u.tat - (u.kept - greatest(u.came, now_ns)), 0) ELSE u.tat END AS tat) l
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
    SELECT array_agg(CASE WHEN o.other = '' AND u.wish > 0 THEN greatest(least(u.wish, u.most - CASE WHEN u.held >= 0 THEN u.level ELSE greatest(u.level - now_ns, 0) END), 0) ELSE 0 END ORDER BY u.i),
        array_agg(o.other ORDER BY u.i) INTO lent, lenders
    FROM unnest(wish, most, held, levels, lenders, ends) WITH ORDINALITY AS u (wish, most, held, level, lender, until, i)
    CROSS JOIN LATERAL (SELECT CASE WHEN u.lender = me OR u.until <= now_ns THEN '' ELSE u.lender END AS other) o;
    UPDATE rate_buckets r SET tat = n.tat, lent_to = n.lent_to, lent_until = n.until
    FROM unnest(owners, names, levels, held, lent, lenders, ends) AS u (owner_id, name, level, held, lent, other, until)
    CROSS JOIN LATERAL (SELECT CASE WHEN u.held >= 0 THEN 0 WHEN u.lent > 0 THEN greatest(u.level, now_ns) + u.lent ELSE u.level END AS tat,
        CASE WHEN u.lent > 0 THEN me ELSE u.other END AS lent_to,
        CASE WHEN u.other <> '' THEN u.until WHEN u.lent = 0 THEN 0 WHEN u.held >= 0 THEN now_ns + lease ELSE greatest(u.level, now_ns) + u.lent END AS until) n
    WHERE r.owner_id = ANY (owners) AND r.owner_id = u.owner_id AND r.name = u.name AND (r.tat <> n.tat OR r.lent_to <> n.lent_to OR r.lent_until <> n.until);
    IF 0 <= ANY (held) THEN
        INSERT INTO rate_places AS p (owner_id, name, instance_id, n, until)
        SELECT u.owner_id, u.name, me, u.held + u.now - u.before + u.lent, now_ns + lease FROM unnest(owners, names, held, begins, levels, lent) AS u (owner_id, name, held, before, now, lent)
        WHERE u.held >= 0 AND (u.held + u.now - u.before + u.lent > 0 OR EXISTS (SELECT FROM rate_places x WHERE x.owner_id = u.owner_id AND x.name = u.name AND x.instance_id = me))
        ON CONFLICT (owner_id, name, instance_id) DO UPDATE SET n = excluded.n, until = excluded.until;
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION rate_take(text, bigint, bigint, text[], text[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], integer[], integer[], bigint[]);
ALTER TABLE rate_buckets DROP COLUMN lent_until, DROP COLUMN lent_to;
