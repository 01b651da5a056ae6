-- Foreign keys that no index serves, by our view.
SELECT * FROM haops.unindexed_foreign_keys
