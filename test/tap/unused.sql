-- The use of indexes, counted on each member, judged over all.
SET search_path = public, tap;
SELECT plan(9);
CREATE TABLE used (a int, b int, c int);
INSERT INTO used SELECT g, g, g FROM generate_series(1, 10000) AS g;
CREATE INDEX used_here ON used (a);
CREATE INDEX used_there ON used (b);
CREATE INDEX used_nowhere ON used (c);
ANALYZE used;

CREATE FUNCTION pg_temp.verdict(name text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT coalesce(max(verdict), ''not listed'') FROM haops.unused_indexes
		WHERE index = %L', name)
$$;
SELECT eventually('leader', pg_temp.verdict('used_nowhere'), 'unused', 'UN1 all members were heard');
SELECT eventually('other', 'SELECT count(*) FROM used', '10000', 'the table is there');
SELECT eventually('middle', 'SELECT count(*) FROM used WHERE b < 5',
	'4', 'a standby reads by an index');
SELECT is(ask('leader', 'SELECT count(*) FROM used WHERE a < 50'),
	'49', 'the leader by another one');
SELECT eventually('leader', pg_temp.verdict('used_there'), 'used on standbys only', 'UN1 used on a standby');
SELECT eventually('leader', pg_temp.verdict('used_here'), 'not listed', 'used on the leader: not listed');
SELECT eventually('leader', 'SELECT scans_by_member - :middle = ''{}'' AND scans_by_member ? :middle
	FROM haops.unused_indexes WHERE index = ''used_there''', 't', 'UN1 by whom');
SELECT eventually('other', pg_temp.verdict('used_there'), 'used on standbys only', 'UN1 a standby says the same');
SELECT is(ask('leader', 'SELECT count(*) FROM haops.index_usage_member
	WHERE fault IS NULL AND taken_at > counted_since'), '3', 'each member has a window');
SELECT * FROM finish();
