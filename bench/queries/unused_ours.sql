-- Unused indexes of all members, by our view.
SELECT * FROM haops.unused_indexes
