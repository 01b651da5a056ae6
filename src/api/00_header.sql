-- 00_header.sql: the beginning of the install script, which is the parts of src/api in the order of the Makefile.
--
-- Created, never replaced: nothing that somebody else put there is taken over.
\echo Use "CREATE EXTENSION pg_haops" to load this file. \quit

SET LOCAL search_path = pg_catalog, pg_temp;
