-- All redundant indexes of the database, by our view.
SELECT * FROM haops.redundant_indexes
