-- Without pg_stat_statements there are no rows, and no error.
SELECT count(*) FROM haops.slow_statements;
SELECT haops.statement_take();
SELECT count(*) FROM haops.statement_activity('1 hour');
