-- All tables and all indexes of the database, by our ranking.
SELECT 1 AS kind FROM (SELECT * FROM haops.table_bloat OFFSET 0) AS t
UNION ALL SELECT 2 FROM (SELECT * FROM haops.index_bloat OFFSET 0) AS i
