-- locks.sql: who waits for whom, from one pass over the lock table.

CREATE FUNCTION haops.lock_graph(
	OUT "position" integer, OUT depth integer, OUT held_up integer, OUT drawing text, OUT party bigint,
	OUT leader_pid bigint, OUT wraparound boolean, OUT waits boolean, OUT lock_type text, OUT target text,
	OUT target_row text, OUT mode text, OUT wait_start timestamptz, OUT blocker bigint,
	OUT blocker_wraparound boolean, OUT blocker_mode text, OUT blocker_waits_in_front boolean, OUT blockers integer,
	OUT root bigint, OUT circle boolean)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 20
AS 'MODULE_PATHNAME', 'ha_api_lock_graph';
COMMENT ON FUNCTION haops.lock_graph() IS
'source of haops.lock_waits, haops.lock_tree and haops.blockers: waiters and roots in the order of the tree; since 1.0';

CREATE FUNCTION haops.lock_parties(
	OUT party bigint, OUT kind text, OUT database text, OUT username text, OUT application text, OUT client text,
	OUT state text, OUT xact_start timestamptz, OUT query text, OUT gid text)
RETURNS SETOF record
LANGUAGE SQL VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT a.pid, a.backend_type, a.datname, a.usename, a.application_name,
		coalesce(host(a.client_addr), CASE WHEN a.client_port = -1 THEN 'local' END), a.state, a.xact_start, a.query,
		NULL
	FROM pg_stat_activity a
	UNION ALL
	SELECT -(p.transaction::text::bigint), 'prepared transaction', p.database, p.owner, NULL, NULL, 'prepared',
		p.prepared, NULL, p.gid
	FROM pg_prepared_xacts p
$$;
COMMENT ON FUNCTION haops.lock_parties() IS
'sessions, as pg_stat_activity shows them to the caller, and prepared transactions; since 1.0';

CREATE VIEW haops.lock_waits AS
	WITH party AS MATERIALIZED (SELECT * FROM haops.lock_parties())
	SELECT g.party::integer AS pid, g.lock_type, g.target, g.target_row, g.mode,
		pg_catalog.clock_timestamp() - g.wait_start AS wait_age,
		w.database, w.username, w.application, w.client, w.kind, w.state, w.query,
		nullif(greatest(g.blocker, 0), 0)::integer AS blocker_pid, b.gid AS blocker_gid,
		g.blocker_mode, g.blocker_waits_in_front, g.blockers,
		b.database AS blocker_database, b.username AS blocker_username, b.application AS blocker_application,
		b.client AS blocker_client,
		b.kind || CASE WHEN g.blocker_wraparound THEN ' (to prevent wraparound)' ELSE '' END AS blocker_kind,
		b.state AS blocker_state, pg_catalog.clock_timestamp() - b.xact_start AS blocker_xact_age,
		CASE WHEN coalesce(b.query, '') = '' THEN NULL
			WHEN b.state LIKE 'idle%' THEN 'last statement' ELSE 'running' END AS blocker_query_is,
		b.query AS blocker_query,
		nullif(greatest(g.root, 0), 0)::integer AS root_pid, r.gid AS root_gid, g.depth, g.circle
	FROM haops.lock_graph() g
	LEFT JOIN party w ON w.party = g.party
	LEFT JOIN party b ON b.party = g.blocker
	LEFT JOIN party r ON r.party = g.root
	WHERE g.waits;
COMMENT ON VIEW haops.lock_waits IS
'a row for each process that waits for another one: for a lock, a safe snapshot, or on a standby for queries in the way
of its WAL; since 1.0';
COMMENT ON COLUMN haops.lock_waits.pid IS 'who waits; since 1.0';
COMMENT ON COLUMN haops.lock_waits.lock_type IS
'what kind of lock, as in pg_locks; safe snapshot; recovery conflict; since 1.0';
COMMENT ON COLUMN haops.lock_waits.target IS 'what is locked, in words; since 1.0';
COMMENT ON COLUMN haops.lock_waits.target_row IS
'for who waits for a transaction to end because of a row: the row, by its place; since 1.0';
COMMENT ON COLUMN haops.lock_waits.mode IS 'the mode that is wanted; since 1.0';
COMMENT ON COLUMN haops.lock_waits.wait_age IS 'since when; NULL in the first instant; since 1.0';
COMMENT ON COLUMN haops.lock_waits.database IS 'of the waiter; since 1.0';
COMMENT ON COLUMN haops.lock_waits.username IS 'of the waiter; since 1.0';
COMMENT ON COLUMN haops.lock_waits.application IS 'of the waiter; since 1.0';
COMMENT ON COLUMN haops.lock_waits.client IS 'address of the waiter; local: a Unix socket; since 1.0';
COMMENT ON COLUMN haops.lock_waits.kind IS 'of process, as backend_type in pg_stat_activity; since 1.0';
COMMENT ON COLUMN haops.lock_waits.state IS 'of the waiter; since 1.0';
COMMENT ON COLUMN haops.lock_waits.query IS 'the statement that waits; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_pid IS
'who stands nearest in the way: the last one in front in the queue, or else a holder; NULL: a prepared transaction, or
nobody any more; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_gid IS 'the same, when it is a prepared transaction; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_mode IS
'the strongest mode that it holds, or the one that it waits for; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_waits_in_front IS
'it does not hold the lock: it waits for it in front of this one, with a wish that conflicts; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blockers IS
'how many processes stand in the way of this one, holders and those in front; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_database IS 'of the blocker; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_username IS 'of the blocker, the owner of a prepared transaction; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_application IS 'of the blocker; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_client IS 'address of the blocker; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_kind IS
'of process; an autovacuum that prevents wraparound does not give way; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_state IS 'of the blocker; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_xact_age IS 'since its transaction began, or was prepared; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_query_is IS
'running: what it does now; last statement: what it did last, not what took the lock; since 1.0';
COMMENT ON COLUMN haops.lock_waits.blocker_query IS 'its statement, see blocker_query_is; since 1.0';
COMMENT ON COLUMN haops.lock_waits.root_pid IS
'who holds all of this up and waits for nobody; NULL: a prepared transaction, or a circle; since 1.0';
COMMENT ON COLUMN haops.lock_waits.root_gid IS 'the same, when it is a prepared transaction; since 1.0';
COMMENT ON COLUMN haops.lock_waits.depth IS
'how many waits there are between this one and the root, itself included; since 1.0';
COMMENT ON COLUMN haops.lock_waits.circle IS
'it hangs on a deadlock that was not found yet, see deadlock_timeout; since 1.0';

CREATE VIEW haops.lock_tree AS
	WITH party AS MATERIALIZED (SELECT * FROM haops.lock_parties())
	SELECT g.drawing || CASE WHEN g.party > 0 THEN g.party::text ELSE 'prepared ' || quote_literal(p.gid) END AS tree,
		p.username, p.database, p.state, g.mode, coalesce(g.target_row, g.target) AS target,
		pg_catalog.clock_timestamp() - g.wait_start AS wait_age,
		pg_catalog.clock_timestamp() - p.xact_start AS xact_age, g.held_up, p.query
	FROM haops.lock_graph() g
	LEFT JOIN party p ON p.party = g.party
	ORDER BY g."position";
COMMENT ON VIEW haops.lock_tree IS
'who waits for whom, drawn as a tree: below each process those that it holds up; since 1.0';
COMMENT ON COLUMN haops.lock_tree.tree IS
'pid, or name of a prepared transaction, under the one that it waits for; since 1.0';
COMMENT ON COLUMN haops.lock_tree.username IS 'of the session; since 1.0';
COMMENT ON COLUMN haops.lock_tree.database IS 'of the session; since 1.0';
COMMENT ON COLUMN haops.lock_tree.state IS 'of the session; since 1.0';
COMMENT ON COLUMN haops.lock_tree.mode IS 'that it waits for; NULL: it waits for nothing; since 1.0';
COMMENT ON COLUMN haops.lock_tree.target IS 'what it waits for; since 1.0';
COMMENT ON COLUMN haops.lock_tree.wait_age IS 'since when it waits; since 1.0';
COMMENT ON COLUMN haops.lock_tree.xact_age IS 'since when its transaction runs; since 1.0';
COMMENT ON COLUMN haops.lock_tree.held_up IS 'how many processes wait for it, at any distance; since 1.0';
COMMENT ON COLUMN haops.lock_tree.query IS 'its statement, the last one when it is idle; since 1.0';

CREATE VIEW haops.blockers AS
	WITH graph AS MATERIALIZED (SELECT * FROM haops.lock_graph()),
	party AS MATERIALIZED (SELECT * FROM haops.lock_parties()),
	victims AS (
		SELECT g.root, max(pg_catalog.clock_timestamp() - g.wait_start) AS longest,
			sum(pg_catalog.clock_timestamp() - g.wait_start) AS total
		FROM graph g WHERE g.waits GROUP BY g.root)
	SELECT nullif(greatest(g.party, 0), 0)::integer AS pid, p.gid,
		p.kind || CASE WHEN g.wraparound THEN ' (to prevent wraparound)' ELSE '' END AS kind,
		p.database, p.username, p.application, p.client, p.state,
		pg_catalog.clock_timestamp() - p.xact_start AS xact_age, p.query, g.held_up, v.longest AS longest_wait,
		v.total AS waits_total,
		CASE
			WHEN g.circle THEN NULL
			WHEN p.gid IS NOT NULL THEN pg_catalog.format('ROLLBACK PREPARED %L', p.gid)
			WHEN p.kind = 'startup' THEN 'SELECT pg_wal_replay_resume()'
			WHEN g.wraparound THEN NULL
			WHEN p.kind IN ('autovacuum worker', 'parallel worker') OR p.state = 'active'
				THEN pg_catalog.format('SELECT pg_cancel_backend(%s)', g.party)
			ELSE pg_catalog.format('SELECT pg_terminate_backend(%s)', g.party)
		END AS remedy,
		CASE
			WHEN g.circle THEN 'a deadlock: PostgreSQL ends one of them after deadlock_timeout'
			WHEN p.gid IS NOT NULL
				THEN pg_catalog.format('in database %I; COMMIT PREPARED if it is to stand', p.database)
			WHEN p.kind = 'startup'
				THEN 'it replays a lock of the primary; it goes on by itself unless replay is paused'
			WHEN g.wraparound THEN 'let it end: it would be started anew at once'
			WHEN p.state = 'active'
				THEN 'ends its statement; what it has locked stays locked until its transaction ends'
			ELSE 'ends the session, and with it its transaction'
		END AS remedy_note
	FROM graph g
	LEFT JOIN party p ON p.party = g.party
	LEFT JOIN victims v ON v.root IS NOT DISTINCT FROM CASE WHEN g.circle THEN NULL ELSE g.party END
	WHERE g.depth = 0 AND g.held_up > 0
	ORDER BY g.held_up DESC, v.longest DESC;
COMMENT ON VIEW haops.blockers IS
'a row for each session or prepared transaction that holds others up and waits for nobody itself; since 1.0';
COMMENT ON COLUMN haops.blockers.pid IS 'NULL: a prepared transaction; since 1.0';
COMMENT ON COLUMN haops.blockers.gid IS 'name of a prepared transaction; since 1.0';
COMMENT ON COLUMN haops.blockers.kind IS 'of process, as backend_type in pg_stat_activity; since 1.0';
COMMENT ON COLUMN haops.blockers.database IS 'of the session; since 1.0';
COMMENT ON COLUMN haops.blockers.username IS 'of the session, or owner of the prepared transaction; since 1.0';
COMMENT ON COLUMN haops.blockers.application IS 'of the session; since 1.0';
COMMENT ON COLUMN haops.blockers.client IS 'address of the session; local: a Unix socket; since 1.0';
COMMENT ON COLUMN haops.blockers.state IS 'of the session; since 1.0';
COMMENT ON COLUMN haops.blockers.xact_age IS 'since its transaction began, or was prepared; since 1.0';
COMMENT ON COLUMN haops.blockers.query IS 'its statement, the last one when it is idle; since 1.0';
COMMENT ON COLUMN haops.blockers.held_up IS 'how many processes wait for it, at any distance; since 1.0';
COMMENT ON COLUMN haops.blockers.longest_wait IS 'of these, how long the longest has waited; since 1.0';
COMMENT ON COLUMN haops.blockers.waits_total IS 'how long they have waited together; since 1.0';
COMMENT ON COLUMN haops.blockers.remedy IS 'the statement that would end it; NULL: none is to be given; since 1.0';
COMMENT ON COLUMN haops.blockers.remedy_note IS 'what is to be known of the remedy; since 1.0';

GRANT SELECT ON haops.lock_waits, haops.lock_tree, haops.blockers TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.lock_graph(), haops.lock_parties() TO pg_monitor, haops_operator;
