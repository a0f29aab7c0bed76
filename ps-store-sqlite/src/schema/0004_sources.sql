-- The digest of an archive's kept copy, the reference of a git repository; which state of its source a release was made from.

ALTER TABLE apps ADD COLUMN source_detail TEXT;

ALTER TABLE releases ADD COLUMN source_detail TEXT;

ALTER TABLE releases ADD COLUMN revision TEXT;
