-- alert_channels.sql: channels as this node has read them, trying one, trying a rule.

CREATE FUNCTION haops.alert_channels(OUT name text, OUT type text, OUT severity text, OUT events boolean,
	OUT resolved boolean, OUT fallback text, OUT state text, OUT failures integer, OUT next_at timestamptz,
	OUT tried_at timestamptz, OUT answer text) RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_alert_channels';
COMMENT ON FUNCTION haops.alert_channels() IS 'see the view haops.alert_channel; since 1.0';

CREATE VIEW haops.alert_channel AS
	SELECT c.name, c.type, c.severity, c.events, c.resolved, c.fallback, c.state, c.failures, c.next_at, c.tried_at,
		c.answer, coalesce(d.waiting, 0) AS waiting, d.oldest
	FROM haops.alert_channels() c
	LEFT JOIN (
		SELECT d.channel, pg_catalog.count(*) AS waiting, pg_catalog.min(d.created_at) AS oldest
		FROM haops.alert_delivery d WHERE d.state IN ('queued', 'sending', 'failed') GROUP BY d.channel) d
		ON d.channel = c.name;
COMMENT ON VIEW haops.alert_channel IS
'the channels of this node: one file each in pg_haops.channel_directory; addresses and secrets are shown nowhere;
since 1.0';
COMMENT ON COLUMN haops.alert_channel.name IS 'that of its file, without .conf; since 1.0';
COMMENT ON COLUMN haops.alert_channel.type IS 'feishu, dingtalk, wecom, slack, webhook or mail; since 1.0';
COMMENT ON COLUMN haops.alert_channel.severity IS 'the least that it is sent; since 1.0';
COMMENT ON COLUMN haops.alert_channel.events IS 'is it told of the cluster''s events, too? since 1.0';
COMMENT ON COLUMN haops.alert_channel.resolved IS 'is it told when an alert ends? since 1.0';
COMMENT ON COLUMN haops.alert_channel.fallback IS 'the channel that takes its place when it fails; since 1.0';
COMMENT ON COLUMN haops.alert_channel.state IS
'working; failing: tried again; held: the receiver takes no more for now; broken: it refuses, somebody must mend it;
unusable: something is wrong with its file; since 1.0';
COMMENT ON COLUMN haops.alert_channel.failures IS 'in a row; since 1.0';
COMMENT ON COLUMN haops.alert_channel.next_at IS 'when a request may go, if not now; since 1.0';
COMMENT ON COLUMN haops.alert_channel.tried_at IS 'last request of this node; since 1.0';
COMMENT ON COLUMN haops.alert_channel.answer IS 'what came of it, or what is wrong with the file; since 1.0';
COMMENT ON COLUMN haops.alert_channel.waiting IS 'news for it that nobody has taken yet; since 1.0';
COMMENT ON COLUMN haops.alert_channel.oldest IS 'of them; since 1.0';

CREATE FUNCTION haops.test_alert(channel text, OUT delivered boolean, OUT answer text, OUT took interval) RETURNS record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ha_api_test_alert';
COMMENT ON FUNCTION haops.test_alert(text) IS
'sends a test message through a channel of this node, and says what the receiver answered; since 1.0';

CREATE FUNCTION haops.preview_alert(rule text, OUT fires boolean, OUT labels jsonb, OUT value text, OUT summary text,
	OUT description text, OUT note text) RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ha_api_preview_alert';
COMMENT ON FUNCTION haops.preview_alert(text) IS
'evaluates a rule here and now, enabled or not, and shows what it would say, but tells nobody; one row that does not
fire when it finds nothing or could not be evaluated; since 1.0';

CREATE FUNCTION haops.alert_observed() RETURNS json
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_alert_observed';
COMMENT ON FUNCTION haops.alert_observed() IS 'what the rules found on this node, for the leader; since 1.0';

GRANT SELECT ON haops.alert_channel TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.alert_channels(), haops.alert_observed() TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.test_alert(text), haops.preview_alert(text) TO haops_operator;
