-- Rules: the default ones, what is refused, and whose rights a rule has; silences.
SELECT name, severity, comparison AS is, threshold, pending_for, every, evaluate_on, enabled
FROM haops.alert_rule ORDER BY name COLLATE "C";

-- Each of them can be evaluated: no row may come.
SELECT r.name, p.note FROM haops.alert_rule r CROSS JOIN LATERAL haops.preview_alert(r.name) p
WHERE p.note LIKE 'it could not%' ORDER BY 1;

-- Each says something in both languages, and what explains it is there.
SELECT name FROM haops.alert_rule WHERE summary_zh IS NULL OR description_zh IS NULL OR description = '';
SELECT r.name, i AS not_there FROM haops.alert_rule r, unnest(r.inhibited_by) i
WHERE NOT EXISTS (SELECT FROM haops.alert_rule o WHERE o.name = i);

-- An own one fires.
INSERT INTO haops.alert_rule (name, query, comparison, threshold, summary, labels)
VALUES ('own', 'SELECT n AS value, ''t'' || n AS thing FROM generate_series(1, 5) n', '>', 3,
	'{thing} is at {value} {{x}}', '{"team": "dba"}');
SELECT * FROM haops.preview_alert('own');
SELECT owner = current_user AS mine, is_default, changed_at IS NOT NULL AS changed
FROM haops.alert_rule WHERE name = 'own';
SELECT * FROM haops.preview_alert('no such rule');

-- What is wrong is refused, with the reason.
\set VERBOSITY terse
INSERT INTO haops.alert_rule (name, query) VALUES ('bad', 'SELEC 1');
INSERT INTO haops.alert_rule (name, query) VALUES ('bad', 'SELECT x FROM haops.no_such_view');
INSERT INTO haops.alert_rule (name, query) VALUES ('bad', 'SELECT 1; SELECT 2');
INSERT INTO haops.alert_rule (name, query) VALUES ('bad', 'DELETE FROM haops.alert_rule');
INSERT INTO haops.alert_rule (name, query) VALUES ('bad', '');
INSERT INTO haops.alert_rule (name, query, comparison, threshold) VALUES ('bad', 'SELECT 1 AS x', '>', 0);
INSERT INTO haops.alert_rule (name, query, comparison, threshold) VALUES ('bad', 'SELECT ''a'' AS value', '>', 0);
INSERT INTO haops.alert_rule (name, query, summary) VALUES ('bad', 'SELECT 1', 'a {brace');
INSERT INTO haops.alert_rule (name, query) VALUES ('Bad', 'SELECT 1');
INSERT INTO haops.alert_rule (name, query, pending_for) VALUES ('bad', 'SELECT 1', '-1 s');
INSERT INTO haops.alert_rule (name, query, severity) VALUES ('bad', 'SELECT 1', 'awful');
INSERT INTO haops.alert_rule (name, query, comparison) VALUES ('bad', 'SELECT 1 AS value', '>');
INSERT INTO haops.alert_rule (name, query, labels) VALUES ('bad', 'SELECT 1', '[]');
INSERT INTO haops.alert_rule (name, query, page) VALUES ('bad', 'SELECT 1', 'javascript:alert(1)');
SELECT haops.silence('-1 h', 'no');
SELECT haops.silence('1 h', 'no', '[]');
SELECT haops.silence('1 h', 'no', '{"rule": 7}');
\set VERBOSITY default

-- What fails, is slow, or writes, is not known.
CREATE SEQUENCE regress_alerts;
INSERT INTO haops.alert_rule (name, query)
VALUES ('divides', 'SELECT 1 / (n - 1) AS value FROM generate_series(1, 2) n'),
	('sleeps', 'SELECT pg_sleep(60)::text AS x'), ('writes', 'SELECT nextval(''public.regress_alerts'')::text AS x');
SELECT * FROM haops.preview_alert('divides');
SELECT * FROM haops.preview_alert('sleeps');
SELECT * FROM haops.preview_alert('writes');
SELECT last_value, is_called FROM regress_alerts;

-- A rule has the rights of who wrote its query, and nobody gives it others.
CREATE ROLE regress_operator IN ROLE haops_operator;
CREATE TABLE regress_secret AS SELECT 1 AS value;
SET ROLE regress_operator;
INSERT INTO haops.alert_rule (name, query, owner, is_default)
VALUES ('theirs', 'SELECT current_user::text AS who', 'postgres', true);
SELECT owner, is_default FROM haops.alert_rule WHERE name = 'theirs';
SELECT labels FROM haops.preview_alert('theirs');
UPDATE haops.alert_rule SET threshold = 1 WHERE name = 'own';
UPDATE haops.alert_rule SET query = 'SELECT value FROM public.regress_secret' WHERE name = 'own';
SELECT * FROM haops.preview_alert('own');
RESET ROLE;
SELECT name, owner = 'regress_operator' AS theirs, threshold
FROM haops.alert_rule WHERE name IN ('own', 'theirs') ORDER BY 1;
UPDATE haops.alert_rule SET threshold = 75 WHERE name = 'disk_used_warning';
SELECT is_default, changed_at IS NOT NULL AS changed FROM haops.alert_rule WHERE name = 'disk_used_warning';

-- Silences.
SET ROLE regress_operator;
SELECT haops.silence('1 h', 'work', '{"rule": "disk_*"}') AS number \gset
SELECT created_by, comment, matchers, ends_at - starts_at BETWEEN '1 h' AND '1 h 1 s' AS an_hour
FROM haops.alert_silence;
SELECT haops.unsilence(:number), haops.unsilence(:number), haops.unsilence(-1);
RESET ROLE;

DELETE FROM haops.alert_rule WHERE name IN ('own', 'theirs', 'divides', 'sleeps', 'writes');
UPDATE haops.alert_rule SET threshold = 80, changed_at = NULL WHERE name = 'disk_used_warning';
DROP SEQUENCE regress_alerts;
DROP TABLE regress_secret;
DROP ROLE regress_operator;
