-- Times are nanoseconds since 1970, durations nanoseconds. Endpoints are `10.210.0.2` or `127.0.0.1:20000`.
-- Config values are in global_config, app_config and release_config only.

CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    owner TEXT NOT NULL,
    engine_kind TEXT,
    engine_id TEXT,
    engine_rootless INTEGER,
    engine_version TEXT,
    subnet TEXT,
    last_address TEXT,
    last_port INTEGER
) STRICT;

CREATE TABLE global_properties (
    property TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE global_config (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE apps (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    stopped INTEGER NOT NULL DEFAULT 0,
    next_generation INTEGER NOT NULL,
    next_release INTEGER NOT NULL,
    current_release INTEGER,
    source_kind TEXT,
    source_location BLOB,
    CHECK ((source_kind IS NULL) = (source_location IS NULL))
) STRICT;

CREATE TABLE app_properties (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    property TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (app_id, property)
) STRICT, WITHOUT ROWID;

CREATE TABLE app_config (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (app_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE formation (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    process_type TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY (app_id, process_type)
) STRICT, WITHOUT ROWID;

CREATE TABLE check_modes (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    process_type TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('skipped', 'disabled')),
    PRIMARY KEY (app_id, process_type)
) STRICT, WITHOUT ROWID;

-- `processes` is a JSON object of commands by type, or NULL where the image's default command serves.
CREATE TABLE releases (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    number INTEGER NOT NULL,
    image_id TEXT NOT NULL,
    image_name TEXT NOT NULL,
    image_detail TEXT NOT NULL,
    processes TEXT,
    source_kind TEXT NOT NULL,
    source_location BLOB NOT NULL,
    cause TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE release_config (
    app_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (app_id, number, name),
    FOREIGN KEY (app_id, number) REFERENCES releases ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE serving (
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    replica TEXT NOT NULL,
    container TEXT NOT NULL,
    generation INTEGER NOT NULL,
    release INTEGER NOT NULL,
    endpoint TEXT,
    PRIMARY KEY (app_id, replica)
) STRICT, WITHOUT ROWID;

CREATE TABLE retirements (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    container TEXT NOT NULL,
    replica TEXT NOT NULL,
    generation INTEGER NOT NULL,
    due INTEGER NOT NULL,
    stop_timeout INTEGER NOT NULL,
    UNIQUE (app_id, container)
) STRICT;

CREATE TABLE endpoints (
    endpoint TEXT PRIMARY KEY,
    app_id INTEGER NOT NULL REFERENCES apps ON DELETE CASCADE,
    replica TEXT NOT NULL,
    generation INTEGER NOT NULL,
    UNIQUE (app_id, generation)
) STRICT, WITHOUT ROWID;

-- By name, not by id: a step may speak of an app that does not exist yet, or no more.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app TEXT NOT NULL,
    verb TEXT NOT NULL,
    step INTEGER NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('started', 'done', 'failed')),
    reason TEXT,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX journal_by_app ON journal (app, id);
