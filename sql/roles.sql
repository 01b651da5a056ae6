-- The table of roles, dumped: a change of what a member can do shows here.
CREATE EXTENSION pg_haops;
SELECT * FROM haops.roles ORDER BY role COLLATE "C", trigger COLLATE "C", next_role COLLATE "C";
-- Every role but the first has a way in, and every role has a way out.
SELECT DISTINCT next_role FROM haops.roles
EXCEPT SELECT role FROM haops.roles;
SELECT DISTINCT role FROM haops.roles WHERE role <> 'held'
EXCEPT SELECT next_role FROM haops.roles;
