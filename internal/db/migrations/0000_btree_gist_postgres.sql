-- Exclusion constraints over an id and a time range need it (DB-6, DB-7).
CREATE EXTENSION IF NOT EXISTS btree_gist;
