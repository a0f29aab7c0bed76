-- What stands between an app and the outside, and what watches it.
-- `routed`: the generations that the proxy file may name, separated by spaces; NULL where there is no file.
ALTER TABLE apps ADD COLUMN routed TEXT;
ALTER TABLE apps ADD COLUMN published_port INTEGER;
ALTER TABLE apps ADD COLUMN quarantine_cause TEXT;
ALTER TABLE apps ADD COLUMN quarantine_since INTEGER;

CREATE UNIQUE INDEX apps_by_published_port ON apps (published_port) WHERE published_port IS NOT NULL;

CREATE TABLE domains (
    domain TEXT PRIMARY KEY,
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX domains_by_app ON domains (app_id);

CREATE TABLE global_domains (
    domain TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE links (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    alias TEXT NOT NULL,
    container TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (app_id, alias)
) STRICT, WITHOUT ROWID;

CREATE TABLE crashes (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ended', 'exhausted', 'unhealthy')),
    replica TEXT NOT NULL,
    PRIMARY KEY (app_id, at, generation, kind)
) STRICT, WITHOUT ROWID;

-- By name, as the journal: what happened to an app is known after it is gone.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    app TEXT,
    verb TEXT NOT NULL,
    made_by TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed', 'noticed')),
    text TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_app ON audit (app, id);
