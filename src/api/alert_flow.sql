-- alert_flow.sql: what the alerts worker calls: to store a round, to claim what is due, to record an answer.

CREATE FUNCTION haops.alert_store(round jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM haops.alert_episode e
	WHERE e.fired_at IS NULL AND e.episode IN (SELECT jsonb_array_elements_text(round -> 'dropped'));

	INSERT INTO haops.alert_episode AS e (episode, fingerprint, rule, labels, severity, state, since, starts_at,
		fired_at, ended_at, told_at, unknown_since, transition, value, summary, description, muted, definition, reason)
	SELECT r.episode, r.fingerprint, r.rule, r.labels, r.severity, r.state, haops.alert_time(r.since_us),
		haops.alert_time(r.starts_us), haops.alert_time(r.fired_us), haops.alert_time(r.ended_us),
		haops.alert_time(r.told_us), haops.alert_time(r.unknown_since_us), r.transition, r.value, r.summary,
		r.description, r.muted, r.definition, r.reason
	FROM jsonb_to_recordset(round -> 'episodes') AS r (episode text, fingerprint text, rule text, labels jsonb,
		severity text, state text, since_us bigint, starts_us bigint, fired_us bigint, ended_us bigint, told_us bigint,
		unknown_since_us bigint, transition integer, value text, summary text, description text, muted text,
		definition text, reason text)
	ON CONFLICT (episode) DO UPDATE SET (severity, state, since, fired_at, ended_at, told_at, unknown_since, transition,
		value, summary, description, muted, reason) = (excluded.severity, excluded.state, excluded.since,
		excluded.fired_at, excluded.ended_at, excluded.told_at, excluded.unknown_since, excluded.transition,
		excluded.value, excluded.summary, excluded.description, excluded.muted, excluded.reason);

	-- An end is for the channels that were told of the beginning, whatever the rule says now.
	INSERT INTO haops.alert_delivery (episode, transition, channel, kind, severity, notice)
	SELECT r.episode, r.transition, c.channel, r.kind, r.severity, r.notice
	FROM jsonb_to_recordset(round -> 'deliveries') AS r (episode text, transition integer, kind text, severity text,
			channels text[], but text[], notice jsonb)
	CROSS JOIN LATERAL (
		SELECT unnest(r.channels) AS channel
		UNION
		SELECT d.channel FROM haops.alert_delivery d
		WHERE r.kind = 'resolved' AND d.episode = r.episode AND d.channel <> ALL (r.but)) c
	ON CONFLICT (episode, transition, channel) DO NOTHING;
END
$$;
COMMENT ON FUNCTION haops.alert_store(jsonb) IS 'stores what a round of alerts changed; since 1.0';

CREATE FUNCTION haops.alert_time(us bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT timestamptz 'epoch' + NULLIF(us, 0) * interval '1 microsecond' $$;
COMMENT ON FUNCTION haops.alert_time(bigint) IS
'the time that is so many microseconds after 1970; NULL for 0; since 1.0';

-- News of an episode wait while older ones are under way to the same channel: they must not come before them.
CREATE VIEW haops.alert_due AS
	SELECT d.episode, d.transition, d.channel, d.kind, d.severity, d.created_at
	FROM haops.alert_delivery d
	WHERE d.state IN ('queued', 'failed') AND NOT EXISTS (
		SELECT FROM haops.alert_delivery s
		WHERE s.episode = d.episode AND s.channel = d.channel AND s.state = 'sending');
COMMENT ON VIEW haops.alert_due IS 'news that can be sent now; since 1.0';
COMMENT ON COLUMN haops.alert_due.episode IS 'its number; since 1.0';
COMMENT ON COLUMN haops.alert_due.transition IS 'number of the news in the episode; since 1.0';
COMMENT ON COLUMN haops.alert_due.channel IS 'for which they are meant; since 1.0';
COMMENT ON COLUMN haops.alert_due.kind IS 'as in haops.alert_delivery; since 1.0';
COMMENT ON COLUMN haops.alert_due.severity IS 'info, warning or critical; since 1.0';
COMMENT ON COLUMN haops.alert_due.created_at IS 'since 1.0';

CREATE FUNCTION haops.alert_claim(of_channels text[], through text, of_number bigint, most integer) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	crowd constant integer := 1000;
	waiting bigint;
	notices jsonb;
BEGIN
	-- Of an episode only the newest news is worth a message; it says too what nobody was told before.
	WITH due AS (
		SELECT d.episode, d.transition, d.channel, d.kind,
			row_number() OVER newest AS place,
			bool_or(d.kind IN ('firing', 'late')) OVER (PARTITION BY d.episode, d.channel) AS untold
		FROM haops.alert_due d
		WHERE d.channel = ANY (of_channels)
		WINDOW newest AS (PARTITION BY d.episode, d.channel ORDER BY d.transition DESC)),
	told AS (
		SELECT DISTINCT d.episode, d.channel FROM haops.alert_delivery d JOIN due USING (episode, channel)
		WHERE d.state = 'sent')
	UPDATE haops.alert_delivery d SET
		state = CASE WHEN u.place = 1 THEN d.state ELSE 'merged' END,
		kind = CASE WHEN u.place > 1 OR t.episode IS NOT NULL OR NOT u.untold THEN d.kind
			WHEN d.kind = 'resolved' THEN 'late' WHEN d.kind = 'repeat' THEN 'firing' ELSE d.kind END
	FROM due u LEFT JOIN told t ON t.episode = u.episode AND t.channel = u.channel
	WHERE d.episode = u.episode AND d.transition = u.transition AND d.channel = u.channel
		AND (u.place > 1 OR d.kind IN ('resolved', 'repeat') AND u.untold AND t.episode IS NULL);

	SELECT count(*) INTO waiting FROM haops.alert_due d WHERE d.channel = ANY (of_channels);

	WITH chosen AS (
		SELECT d.episode, d.transition, d.channel, row_number() OVER (ORDER BY
			array_position(ARRAY['critical', 'warning', 'info'], d.severity), d.created_at, d.episode, d.channel)
			AS place
		FROM haops.alert_due d
		WHERE d.channel = ANY (of_channels)
		ORDER BY place LIMIT most),
	claimed AS (
		UPDATE haops.alert_delivery d SET state = 'sending', claim = of_number, via = through
		FROM chosen c
		WHERE d.episode = c.episode AND d.transition = c.transition AND d.channel = c.channel
		RETURNING c.place, d.notice || jsonb_build_object('kind', d.kind,
			'id', format('%s-%s', d.episode, d.transition)) AS notice)
	SELECT jsonb_agg(c.notice ORDER BY c.place) INTO notices FROM claimed c;

	IF notices IS NULL THEN
		RETURN NULL;
	END IF;

	-- After days without a way out, nobody reads thousands of messages: one says how many there are, and takes them
	-- along.
	IF waiting > crowd THEN
		UPDATE haops.alert_delivery d SET state = 'sending', claim = of_number, via = through
		FROM haops.alert_due u
		WHERE u.channel = ANY (of_channels) AND d.episode = u.episode AND d.transition = u.transition
			AND d.channel = u.channel;
	END IF;
	RETURN jsonb_build_object('channel', through, 'notices', notices,
		'more', CASE WHEN waiting > crowd THEN waiting - jsonb_array_length(notices) ELSE 0 END)::text;
END
$$;
COMMENT ON FUNCTION haops.alert_claim(text[], text, bigint, integer) IS
'claims what is due for these channels, the most severe first, as one message through one of them; NULL: nothing is;
since 1.0';

CREATE FUNCTION haops.alert_answered(of_number bigint, told integer, taken boolean, said text, by_node text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	crowd constant integer := 1000;
BEGIN
	-- Of a crowd only the first ones stand in the message, but it is about all.
	WITH claimed AS (
		SELECT d.episode, d.transition, d.channel, count(*) OVER () AS together, row_number() OVER (ORDER BY
			array_position(ARRAY['critical', 'warning', 'info'], d.severity), d.created_at, d.episode, d.channel)
			AS place
		FROM haops.alert_delivery d
		WHERE d.claim = of_number AND d.state = 'sending')
	UPDATE haops.alert_delivery d SET
		state = CASE WHEN c.place > told AND c.together <= crowd THEN 'queued' WHEN NOT taken THEN 'failed'
			WHEN c.place > told THEN 'merged' ELSE 'sent' END,
		attempts = d.attempts + (c.place <= told OR c.together > crowd)::integer,
		tried_at = clock_timestamp(), node = by_node,
		answer = CASE WHEN c.place > told AND taken AND c.together > crowd
			THEN format('one of %s that were waiting; told of by their number only', c.together) ELSE said END
	FROM claimed c
	WHERE d.episode = c.episode AND d.transition = c.transition AND d.channel = c.channel;
END
$$;
COMMENT ON FUNCTION haops.alert_answered(bigint, integer, boolean, text, text) IS
'records what came of a message, of which the first notices were told; since 1.0';

CREATE FUNCTION haops.alert_reclaim(under_way bigint[]) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE haops.alert_delivery d SET state = 'queued', answer = 'nobody knows what came of it; sent again'
	WHERE d.state = 'sending' AND d.claim <> ALL (under_way)
$$;
COMMENT ON FUNCTION haops.alert_reclaim(bigint[]) IS
'has sent again what was under way when this server or its predecessor ended; since 1.0';

CREATE FUNCTION haops.alert_expire(kept interval) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	DELETE FROM haops.alert_delivery d
	WHERE d.created_at < clock_timestamp() - kept AND d.state <> 'sending'
		AND NOT EXISTS (SELECT FROM haops.alert_episode e WHERE e.episode = d.episode AND e.ended_at IS NULL);
	DELETE FROM haops.alert_episode e
	WHERE e.ended_at < clock_timestamp() - kept
		AND NOT EXISTS (SELECT FROM haops.alert_delivery d WHERE d.episode = e.episode);
	DELETE FROM haops.alert_silence s WHERE s.ends_at < clock_timestamp() - kept;
$$;
COMMENT ON FUNCTION haops.alert_expire(interval) IS
'drops what ended so long ago, and news that nobody took since; since 1.0';

CREATE FUNCTION haops.alert_evaluated(rules jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO haops.alert_evaluation AS e (rule, node, known, why, since)
	SELECT r.rule, r.node, r.known, r.why, clock_timestamp()
	FROM jsonb_to_recordset(rules) AS r (rule text, node text, known boolean, why text)
	ON CONFLICT (rule, node) DO UPDATE SET (known, why, since) = (excluded.known, excluded.why,
		CASE WHEN e.known = excluded.known THEN e.since ELSE excluded.since END)
	WHERE (e.known, e.why) IS DISTINCT FROM (excluded.known, excluded.why);
	DELETE FROM haops.alert_evaluation e
	WHERE NOT EXISTS (SELECT FROM haops.alert_rule r WHERE r.name = e.rule AND r.enabled);
END
$$;
COMMENT ON FUNCTION haops.alert_evaluated(jsonb) IS 'stores which rules could be evaluated; since 1.0';

CREATE TABLE haops.alert_evaluation (
	rule text, node text, known boolean NOT NULL, why text, since timestamptz NOT NULL, PRIMARY KEY (rule, node));
COMMENT ON TABLE haops.alert_evaluation IS 'the rules that are evaluated, and whether that works; since 1.0';
COMMENT ON COLUMN haops.alert_evaluation.rule IS 'its name; since 1.0';
COMMENT ON COLUMN haops.alert_evaluation.node IS 'where; leader: on whoever leads; since 1.0';
COMMENT ON COLUMN haops.alert_evaluation.known IS
'false: it could not find out the last time, so none of its alerts begins or ends; since 1.0';
COMMENT ON COLUMN haops.alert_evaluation.why IS 'why not, or what is left out; since 1.0';
COMMENT ON COLUMN haops.alert_evaluation.since IS 'when known changed last; since 1.0';

GRANT SELECT ON haops.alert_due, haops.alert_rule, haops.alert_episode, haops.alert_delivery, haops.alert_silence,
	haops.alerts, haops.alert_history, haops.alert_evaluation TO pg_monitor, haops_operator;
GRANT INSERT, UPDATE, DELETE ON haops.alert_rule, haops.alert_silence TO haops_operator;
GRANT EXECUTE ON FUNCTION haops.silence(interval, text, jsonb), haops.unsilence(bigint),
	haops.alert_rule_check(text, boolean), haops.alert_template_check(text) TO haops_operator;
