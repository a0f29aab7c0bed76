-- Who made a release, whether a container of it ever served, and whether its config is kept.
ALTER TABLE releases ADD COLUMN made_by TEXT;
ALTER TABLE releases ADD COLUMN served INTEGER NOT NULL DEFAULT 1;
ALTER TABLE releases ADD COLUMN kept INTEGER NOT NULL DEFAULT 1;

-- The numbers for which an image `psctl/<app>:v<number>` may be there; recorded before it is made.
CREATE TABLE images (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    number INTEGER NOT NULL,
    PRIMARY KEY (app_id, number)
) STRICT, WITHOUT ROWID;

INSERT INTO images (app_id, number)
WITH RECURSIVE numbered (app_id, number, last) AS (
    SELECT id, 1, next_release FROM apps
    UNION ALL
    SELECT app_id, number + 1, last FROM numbered WHERE number < last
)
SELECT app_id, number FROM numbered;
