-- Sizes and statistics of all tables, by our view.
SELECT * FROM haops.table_stats
