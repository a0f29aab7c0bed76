-- JSON of what a release's source says besides the commands; '{}' where it says nothing.
ALTER TABLE releases ADD COLUMN manifest TEXT NOT NULL DEFAULT '{}';
