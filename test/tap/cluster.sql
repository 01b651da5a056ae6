-- The cluster's own views on the member that leads.
BEGIN;
SELECT plan(5);
SELECT is((SELECT count(*) FROM haops.cluster), 3::bigint, 'three members');
SELECT is((SELECT count(*) FROM haops.cluster WHERE role = 'leader' AND this_server), 1::bigint, 'this one leads');
SELECT is((SELECT count(*) FROM haops.cluster WHERE role = 'standby' AND votes), 2::bigint, 'two standbys vote');
SELECT ok((SELECT ready FROM haops.readiness), 'a failover would succeed');
SELECT ok((SELECT open FROM haops.fence), 'commits are acknowledged');
SELECT * FROM finish();
ROLLBACK;
