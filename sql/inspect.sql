-- RT3 every check runs, or says why not: on a primary that is no member of a cluster only what a standby knows is left.
SELECT "check", finding FROM haops.inspect() WHERE severity = 'not checked' ORDER BY 1;
