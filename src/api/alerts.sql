-- alerts.sql: rules, episodes, deliveries, silences: what is wrong, whom it was told, and what they answered.

-- ---- Rules ----

CREATE TABLE haops.alert_rule (
	name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
	query text NOT NULL,
	comparison text CHECK (comparison IN ('>', '>=', '<', '<=', '=', '<>')),
	threshold double precision CHECK ((threshold IS NULL) = (comparison IS NULL)),
	pending_for interval NOT NULL DEFAULT '0' CHECK (pending_for >= '0'),
	keep_firing_for interval NOT NULL DEFAULT '0' CHECK (keep_firing_for >= '0'),
	every interval NOT NULL DEFAULT '15 s' CHECK (every BETWEEN '1 s' AND '1 day'),
	severity text NOT NULL DEFAULT 'warning' CHECK (severity IN ('info', 'warning', 'critical')),
	summary text NOT NULL DEFAULT '{rule}: {value}',
	description text NOT NULL DEFAULT '',
	summary_zh text,
	description_zh text,
	labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
	channels text[],
	evaluate_on text NOT NULL DEFAULT 'leader' CHECK (evaluate_on IN ('leader', 'standbys', 'every node')),
	expect_rows boolean NOT NULL DEFAULT false,
	inhibited_by text[] NOT NULL DEFAULT '{}',
	equal_labels text[] NOT NULL DEFAULT '{node}',
	repeat_every interval NOT NULL DEFAULT '4 h' CHECK (repeat_every >= '0'),
	page text CHECK (page ~ '^https://[!-~]+$'),
	enabled boolean NOT NULL DEFAULT true,
	owner name NOT NULL DEFAULT current_user,
	is_default boolean NOT NULL DEFAULT false,
	changed_at timestamptz);
COMMENT ON TABLE haops.alert_rule IS
'rules: each row of the query whose value passes the threshold is an alert, told apart by the row''s other columns, its
labels; a row that changes is checked first; user''s rules and changes are kept by pg_dump; since 1.0';
COMMENT ON COLUMN haops.alert_rule.name IS 'a-z, 0-9 and _; since 1.0';
COMMENT ON COLUMN haops.alert_rule.query IS
'one SELECT with names that are qualified by their schema; the column "value" is compared; it runs read only, with the
rights of the owner, for at most two seconds, and at most 100 of its rows count; since 1.0';
COMMENT ON COLUMN haops.alert_rule.comparison IS 'of value and threshold; NULL: every row is an alert; since 1.0';
COMMENT ON COLUMN haops.alert_rule.threshold IS 'in the unit of value; since 1.0';
COMMENT ON COLUMN haops.alert_rule.pending_for IS 'how long it must hold before it fires; since 1.0';
COMMENT ON COLUMN haops.alert_rule.keep_firing_for IS 'how long it must be gone before it is resolved; since 1.0';
COMMENT ON COLUMN haops.alert_rule.every IS 'between two evaluations; since 1.0';
COMMENT ON COLUMN haops.alert_rule.severity IS 'info, warning or critical; since 1.0';
COMMENT ON COLUMN haops.alert_rule.summary IS 'one line; {label} and {value} are replaced; since 1.0';
COMMENT ON COLUMN haops.alert_rule.description IS 'what it means and what to do, as summary; since 1.0';
COMMENT ON COLUMN haops.alert_rule.summary_zh IS 'in Chinese; NULL: summary; since 1.0';
COMMENT ON COLUMN haops.alert_rule.description_zh IS 'in Chinese; NULL: description; since 1.0';
COMMENT ON COLUMN haops.alert_rule.labels IS 'labels that each of its alerts bears besides, name: value; since 1.0';
COMMENT ON COLUMN haops.alert_rule.channels IS 'where it is sent; NULL: to all whose severity it reaches; since 1.0';
COMMENT ON COLUMN haops.alert_rule.evaluate_on IS
'leader; standbys; every node: then the alerts bear the label node; since 1.0';
COMMENT ON COLUMN haops.alert_rule.expect_rows IS
'a query without rows could not find out, rather than found nothing; since 1.0';
COMMENT ON COLUMN haops.alert_rule.inhibited_by IS
'rules whose firing alerts explain this one''s, which is not told then; since 1.0';
COMMENT ON COLUMN haops.alert_rule.equal_labels IS
'labels that both must have alike for that, among those that this one has; since 1.0';
COMMENT ON COLUMN haops.alert_rule.repeat_every IS 'between two messages while it fires; 0: told once; since 1.0';
COMMENT ON COLUMN haops.alert_rule.page IS 'https address that explains it, linked in messages; since 1.0';
COMMENT ON COLUMN haops.alert_rule.enabled IS 'is it evaluated? since 1.0';
COMMENT ON COLUMN haops.alert_rule.owner IS 'role with whose rights it runs: who wrote the query; since 1.0';
COMMENT ON COLUMN haops.alert_rule.is_default IS 'it came with pg_haops; since 1.0';
COMMENT ON COLUMN haops.alert_rule.changed_at IS 'by a user; NULL: never; since 1.0';

CREATE FUNCTION haops.alert_rule_check(query text, has_threshold boolean) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ha_api_alert_rule_check';
COMMENT ON FUNCTION haops.alert_rule_check(text, boolean) IS
'raises an error unless the text is one query that a rule can have; plans it, does not run it; since 1.0';

CREATE FUNCTION haops.alert_template_check(template text) RETURNS void
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ha_api_alert_template_check';
COMMENT ON FUNCTION haops.alert_template_check(text) IS
'raises an error unless the braces of the text are well; since 1.0';

-- The rights of a rule are those of whoever wrote its query. Defaults are replaced by what a dump brings back.
CREATE FUNCTION haops.alert_rule_written() RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	may_give boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user);
BEGIN
	IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN
		RETURN NEW;
	END IF;
	IF TG_OP = 'INSERT' THEN
		DELETE FROM haops.alert_rule r WHERE r.name = NEW.name AND r.is_default AND r.changed_at IS NULL
			AND NOT (NEW.is_default AND NEW.changed_at IS NULL);
	END IF;
	IF NOT may_give THEN
		NEW.is_default := TG_OP = 'UPDATE' AND OLD.is_default;
		NEW.owner := CASE WHEN TG_OP = 'UPDATE' AND NEW.query = OLD.query THEN OLD.owner ELSE current_user END;
	END IF;
	IF TG_OP = 'UPDATE' OR NOT NEW.is_default THEN
		NEW.changed_at := coalesce(NULLIF(NEW.changed_at, OLD.changed_at), clock_timestamp());
	END IF;
	PERFORM haops.alert_rule_check(NEW.query, NEW.comparison IS NOT NULL),
		haops.alert_template_check(NEW.summary), haops.alert_template_check(NEW.description),
		haops.alert_template_check(NEW.summary_zh), haops.alert_template_check(NEW.description_zh);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION haops.alert_rule_written() IS 'checks a rule that is written, and whose rights it has; since 1.0';

CREATE TRIGGER written BEFORE INSERT OR UPDATE ON haops.alert_rule
FOR EACH ROW EXECUTE FUNCTION haops.alert_rule_written();

SELECT pg_catalog.pg_extension_config_dump('haops.alert_rule', 'WHERE NOT is_default OR changed_at IS NOT NULL');

-- ---- Episodes ----

CREATE TABLE haops.alert_episode (
	episode text PRIMARY KEY,
	fingerprint text NOT NULL,
	rule text NOT NULL,
	labels jsonb NOT NULL,
	severity text NOT NULL,
	state text NOT NULL,
	since timestamptz NOT NULL,
	starts_at timestamptz NOT NULL,
	fired_at timestamptz,
	ended_at timestamptz,
	told_at timestamptz,
	unknown_since timestamptz,
	transition integer NOT NULL,
	value text,
	summary text,
	description text,
	muted text,
	definition text,
	reason text);
CREATE INDEX alert_episode_present ON haops.alert_episode (rule) WHERE ended_at IS NULL;
CREATE INDEX alert_episode_past ON haops.alert_episode (ended_at) WHERE ended_at IS NOT NULL;
COMMENT ON TABLE haops.alert_episode IS
'every alert from its condition''s beginning to its end; written by the leader''s alerts worker; see haops.alerts and
haops.alert_history; since 1.0';
COMMENT ON COLUMN haops.alert_episode.episode IS 'its number, 16 hexadecimal digits; since 1.0';
COMMENT ON COLUMN haops.alert_episode.fingerprint IS 'of rule and labels: the same for each episode of it; since 1.0';
COMMENT ON COLUMN haops.alert_episode.rule IS 'its name; since 1.0';
COMMENT ON COLUMN haops.alert_episode.labels IS 'name: value; since 1.0';
COMMENT ON COLUMN haops.alert_episode.severity IS 'info, warning or critical; since 1.0';
COMMENT ON COLUMN haops.alert_episode.state IS 'pending, firing, resolving or ok; since 1.0';
COMMENT ON COLUMN haops.alert_episode.since IS 'of the state, without the time in which nothing was known; since 1.0';
COMMENT ON COLUMN haops.alert_episode.starts_at IS 'the condition held first; since 1.0';
COMMENT ON COLUMN haops.alert_episode.fired_at IS 'NULL: it never has; since 1.0';
COMMENT ON COLUMN haops.alert_episode.ended_at IS 'NULL: it lasts; since 1.0';
COMMENT ON COLUMN haops.alert_episode.told_at IS 'the last message that it fires; NULL: none; since 1.0';
COMMENT ON COLUMN haops.alert_episode.unknown_since IS 'it could not be evaluated since then; NULL: it can; since 1.0';
COMMENT ON COLUMN haops.alert_episode.transition IS 'number of the last message about it; since 1.0';
COMMENT ON COLUMN haops.alert_episode.value IS 'as last measured; since 1.0';
COMMENT ON COLUMN haops.alert_episode.summary IS 'with labels and value filled in; since 1.0';
COMMENT ON COLUMN haops.alert_episode.description IS 'with labels and value filled in; since 1.0';
COMMENT ON COLUMN haops.alert_episode.muted IS 'why people are not told of it: a silence, another alert; since 1.0';
COMMENT ON COLUMN haops.alert_episode.definition IS 'hash of what the rule looked for when it began; since 1.0';
COMMENT ON COLUMN haops.alert_episode.reason IS 'why it ended, when its condition did not; since 1.0';

CREATE TABLE haops.alert_delivery (
	episode text NOT NULL,
	transition integer NOT NULL,
	channel text NOT NULL,
	kind text NOT NULL,
	severity text NOT NULL,
	notice jsonb NOT NULL,
	state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'failed', 'sent', 'merged')),
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	claim bigint,
	attempts integer NOT NULL DEFAULT 0,
	tried_at timestamptz,
	via text,
	node text,
	answer text,
	PRIMARY KEY (episode, transition, channel));
CREATE INDEX alert_delivery_due ON haops.alert_delivery (channel) WHERE state IN ('queued', 'sending', 'failed');
CREATE INDEX alert_delivery_sending ON haops.alert_delivery (episode, channel) WHERE state = 'sending';
CREATE INDEX alert_delivery_created ON haops.alert_delivery (created_at);
COMMENT ON TABLE haops.alert_delivery IS
'each news of an episode for each channel, with the receiver''s last answer; kept until it has answered that it took it,
and then for pg_haops.sample_retention; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.episode IS 'its number; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.transition IS
'number of the news in the episode; <episode>-<transition> is the id in the message; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.channel IS 'for which it is meant; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.kind IS
'firing, repeat, resolved or late (began and ended meanwhile); since 1.0';
COMMENT ON COLUMN haops.alert_delivery.severity IS 'info, warning or critical; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.notice IS 'what the message says; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.state IS
'queued; sending; failed: it is tried again; sent: the receiver said that it has it; merged: a newer one says it,
too; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.created_at IS 'since 1.0';
COMMENT ON COLUMN haops.alert_delivery.claim IS 'number of the message that it went or goes with; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.attempts IS 'that ended with an answer, or without one in time; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.tried_at IS 'when the last one ended; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.via IS 'the channel by which it went: another one when its own fails; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.node IS 'that sent it; since 1.0';
COMMENT ON COLUMN haops.alert_delivery.answer IS 'what came of the last attempt; since 1.0';

-- ---- Silences ----

CREATE TABLE haops.alert_silence (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	matchers jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(matchers) = 'object'),
	starts_at timestamptz NOT NULL,
	ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
	created_by name NOT NULL DEFAULT current_user,
	comment text NOT NULL);
COMMENT ON TABLE haops.alert_silence IS 'while one lasts, nobody is told of the alerts that it matches; since 1.0';
COMMENT ON COLUMN haops.alert_silence.id IS 'its number; since 1.0';
COMMENT ON COLUMN haops.alert_silence.matchers IS
'label: value, all of which must fit; * any characters, ? one; a value that begins with ! must not fit; {}: all
alerts; since 1.0';
COMMENT ON COLUMN haops.alert_silence.starts_at IS 'since 1.0';
COMMENT ON COLUMN haops.alert_silence.ends_at IS 'since 1.0';
COMMENT ON COLUMN haops.alert_silence.created_by IS 'role; since 1.0';
COMMENT ON COLUMN haops.alert_silence.comment IS 'why; since 1.0';
SELECT pg_catalog.pg_extension_config_dump('haops.alert_silence', '');
SELECT pg_catalog.pg_extension_config_dump('haops.alert_silence_id_seq', '');

CREATE FUNCTION haops.silence(for_time interval, comment text, matchers jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number bigint;
	wrong text;
BEGIN
	IF for_time <= interval '0' THEN
		RAISE EXCEPTION 'a silence must last for some time' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF jsonb_typeof(matchers) <> 'object' THEN
		RAISE EXCEPTION 'matchers must be an object of labels and values' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'For example {"rule": "disk_*", "node": "n2"}; {} silences everything.';
	END IF;
	SELECT m.key INTO wrong FROM jsonb_each(matchers) m WHERE jsonb_typeof(m.value) <> 'string' LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'the value of the matcher "%" is no text', wrong
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	INSERT INTO haops.alert_silence (matchers, starts_at, ends_at, comment)
	VALUES (matchers, clock_timestamp(), clock_timestamp() + for_time, comment)
	RETURNING id INTO number;
	RETURN number;
END
$$;
COMMENT ON FUNCTION haops.silence(interval, text, jsonb) IS
'nobody is told of alerts with these labels for this time; {}: of none, for maintenance; ends of alerts that were told
before are told nevertheless; returns its number; since 1.0';

CREATE FUNCTION haops.unsilence(number bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE haops.alert_silence s SET ends_at = greatest(clock_timestamp(), s.starts_at + interval '1 microsecond')
	WHERE s.id = number AND s.ends_at > clock_timestamp();
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION haops.unsilence(bigint) IS 'ends a silence now; false when it was over or unknown; since 1.0';

-- ---- What is to be seen ----

CREATE VIEW haops.alerts AS
	SELECT e.rule, e.severity,
		CASE WHEN e.unknown_since IS NOT NULL THEN 'unknown' ELSE e.state END AS state,
		e.summary, e.labels, e.value, e.starts_at, e.fired_at, e.told_at, e.muted, e.unknown_since, e.description,
		e.episode
	FROM haops.alert_episode e
	WHERE e.ended_at IS NULL;
COMMENT ON VIEW haops.alerts IS 'what is wrong now, by the rules; since 1.0';
COMMENT ON COLUMN haops.alerts.rule IS 'its name; since 1.0';
COMMENT ON COLUMN haops.alerts.severity IS 'info, warning or critical; since 1.0';
COMMENT ON COLUMN haops.alerts.state IS
'pending: not for long enough yet; firing; resolving: gone, but not for long enough yet; unknown: its rule can''t be
evaluated now, it stays as it was; since 1.0';
COMMENT ON COLUMN haops.alerts.summary IS 'since 1.0';
COMMENT ON COLUMN haops.alerts.labels IS 'name: value; since 1.0';
COMMENT ON COLUMN haops.alerts.value IS 'as last measured; since 1.0';
COMMENT ON COLUMN haops.alerts.starts_at IS 'the condition held first; since 1.0';
COMMENT ON COLUMN haops.alerts.fired_at IS 'NULL: it has not yet; since 1.0';
COMMENT ON COLUMN haops.alerts.told_at IS 'when a message that it fires was last written; NULL: none; since 1.0';
COMMENT ON COLUMN haops.alerts.muted IS 'why people are not told of it; NULL: they are; since 1.0';
COMMENT ON COLUMN haops.alerts.unknown_since IS 'NULL: it is known; since 1.0';
COMMENT ON COLUMN haops.alerts.description IS 'what it means and what to do; since 1.0';
COMMENT ON COLUMN haops.alerts.episode IS 'its number; since 1.0';

CREATE VIEW haops.alert_history AS
	SELECT e.episode, e.rule, e.severity, e.summary, e.labels, e.value, e.starts_at, e.fired_at, e.ended_at,
		coalesce(e.ended_at, pg_catalog.clock_timestamp()) - e.starts_at AS lasted,
		e.reason, d.deliveries, d.sent, d.last_sent_at
	FROM haops.alert_episode e
	CROSS JOIN LATERAL (
		SELECT pg_catalog.count(*) FILTER (WHERE d.state <> 'merged') AS deliveries,
			pg_catalog.count(*) FILTER (WHERE d.state = 'sent') AS sent,
			pg_catalog.max(d.tried_at) FILTER (WHERE d.state = 'sent') AS last_sent_at
		FROM haops.alert_delivery d WHERE d.episode = e.episode) d
	WHERE e.fired_at IS NOT NULL;
COMMENT ON VIEW haops.alert_history IS 'every alert that fired, as far back as pg_haops.sample_retention; since 1.0';
COMMENT ON COLUMN haops.alert_history.episode IS 'its number; since 1.0';
COMMENT ON COLUMN haops.alert_history.rule IS 'its name; since 1.0';
COMMENT ON COLUMN haops.alert_history.severity IS 'info, warning or critical; since 1.0';
COMMENT ON COLUMN haops.alert_history.summary IS 'since 1.0';
COMMENT ON COLUMN haops.alert_history.labels IS 'name: value; since 1.0';
COMMENT ON COLUMN haops.alert_history.value IS 'as last measured; since 1.0';
COMMENT ON COLUMN haops.alert_history.starts_at IS 'the condition held first; since 1.0';
COMMENT ON COLUMN haops.alert_history.fired_at IS 'since 1.0';
COMMENT ON COLUMN haops.alert_history.ended_at IS 'NULL: it lasts; since 1.0';
COMMENT ON COLUMN haops.alert_history.lasted IS 'from starts_at on; since 1.0';
COMMENT ON COLUMN haops.alert_history.reason IS 'why it ended, when its condition did not; since 1.0';
COMMENT ON COLUMN haops.alert_history.deliveries IS 'messages about it, one for each channel; since 1.0';
COMMENT ON COLUMN haops.alert_history.sent IS 'those that the receivers said they have; since 1.0';
COMMENT ON COLUMN haops.alert_history.last_sent_at IS 'the last of them; since 1.0';
