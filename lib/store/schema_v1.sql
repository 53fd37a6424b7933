-- SPDX-FileCopyrightText: 2026 the libfeedback authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Schema version 1. One section a module; only that module's SQL touches its tables.

-- store/ ---------------------------------------------------------------------
-- Settings of the store: its random identity, currency, time zone, prices with tax or net, ….
-- What has changed_us may be merged: the last writer's row stays.
CREATE TABLE fbk_meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One counter a kind of thing that can change (fbk__kind).
CREATE TABLE fbk_generation (
    kind INTEGER NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

-- Large values in chunks of at most 1 MiB, with the XXH3-64 of each.
CREATE TABLE fbk_blob (
    owner TEXT NOT NULL,
    id INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (owner, id, chunk)
) STRICT;

-- log/ -----------------------------------------------------------------------
-- Words: kinds, sources, channels, currencies, namespaces, property keys. The built-in kinds have
-- numbers below 1000 and no row here.
CREATE TABLE log_word (
    word INTEGER NOT NULL PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

-- Values of sealed identifiers by node, 1,024 a block; "" = erased.
CREATE TABLE log_node (
    first INTEGER NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Evidence that two nodes are one person, with their namespaces.
CREATE TABLE log_link (
    a INTEGER NOT NULL,
    b INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    count INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    note TEXT,
    space_a INTEGER NOT NULL,
    space_b INTEGER NOT NULL,
    PRIMARY KEY (a, b, rule),
    CHECK (a < b)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_link_b ON log_link (b);

-- What was appended and not yet sealed: one redo record an append.
CREATE TABLE log_tail (
    seq INTEGER NOT NULL PRIMARY KEY,
    record BLOB NOT NULL
) STRICT;

-- Sealed events. state: 0 building, 1 live, 2 dead (still readable for a while). A row that is being
-- built is a merge under way: owner is who works on it (0 = nobody), changed_us when it did last,
-- target of its inputs this segment. version counts the erasures.
CREATE TABLE log_segment (
    segment INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    state INTEGER NOT NULL,
    level INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    target INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    version INTEGER NOT NULL,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

CREATE INDEX log_segment_state ON log_segment (state) WHERE state <> 1;
CREATE INDEX log_segment_target ON log_segment (target) WHERE target <> 0;

-- Pieces of a segment: its frames one behind the other, cut to fill pages; its directory last. id =
-- segment, piece; bytes end in their XXH3-64.
CREATE TABLE log_chunk (
    id INTEGER NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Sorted runs of keys. kind: 1 event ids, 2 identifiers; the rest as in log_segment.
CREATE TABLE log_run (
    run INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    level INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    target INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    keys INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

CREATE INDEX log_run_state ON log_run (state) WHERE state <> 1;
CREATE INDEX log_run_target ON log_run (target) WHERE target <> 0;

-- Blocks, filter and index of a run: id = run, piece; bytes end in their XXH3-64.
CREATE TABLE log_run_chunk (
    id INTEGER NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Keys of the ids of erased events: they answer "erased" for ever.
CREATE TABLE log_erased (
    id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Erased identifiers, by a hash keyed with the identity of the store that erased them: what they did
-- before is not brought back by a merge.
CREATE TABLE log_erased_ident (
    store BLOB NOT NULL,
    hash BLOB NOT NULL,
    erased_us INTEGER NOT NULL,
    PRIMARY KEY (store, hash)
) STRICT, WITHOUT ROWID;

-- Events that came with the id of another event: reported, never counted. flags: 1 = this is how a
-- store that was merged had stored it, 2 = not yet compared with how it is stored here.
CREATE TABLE event_conflict (
    conflict INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL,
    content BLOB NOT NULL,
    received_us INTEGER NOT NULL,
    body BLOB NOT NULL,
    flags INTEGER NOT NULL DEFAULT 0,
    UNIQUE (id, content)
) STRICT;

-- Which identifiers (XXH3-64 of word and value) a conflict holds, so that erasing finds it.
CREATE TABLE event_conflict_ident (
    ident INTEGER NOT NULL,
    conflict INTEGER NOT NULL,
    PRIMARY KEY (ident, conflict)
) STRICT, WITHOUT ROWID;

-- What is sealed, one row; epoch changes with the segments and runs.
CREATE TABLE log_state (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    erasures INTEGER NOT NULL,
    sealed_seq INTEGER NOT NULL,
    last_event INTEGER NOT NULL,
    events INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    nodes INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    -- Bytes ever written into segments and runs: when they were first sealed, and by merging.
    sealed_bytes INTEGER NOT NULL,
    merged_bytes INTEGER NOT NULL
) STRICT;
-- No event yet: its times are FBK_TIME_NONE.
INSERT INTO log_state
VALUES (1, 1, 0, 0, 0, 0, 0, 0, -9223372036854775808, -9223372036854775808, 0, 0);
-- record/model_store ----------------------------------------------------------
-- One row a trained model; its body is in fbk_blob under owner 'model' and this id. A model trained
-- anew gets a new id, never an old one again, so that a process knows a snapshot by it.
CREATE TABLE fbk_model (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    format INTEGER NOT NULL,
    as_of_us INTEGER NOT NULL,
    from_event INTEGER NOT NULL,
    to_event INTEGER NOT NULL,
    n_events INTEGER NOT NULL,
    n_people INTEGER NOT NULL,
    body_len INTEGER NOT NULL,
    note TEXT NOT NULL,
    UNIQUE (kind, name)
) STRICT;

-- Its parameters (role 1) and its quality on held-out data (role 2).
CREATE TABLE fbk_model_value (
    model INTEGER NOT NULL,
    role INTEGER NOT NULL,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (model, role, name)
) STRICT, WITHOUT ROWID;

-- record/identity --------------------------------------------------------------
-- What the host set for a namespace (a word); 0 = default.
CREATE TABLE identity_namespace (
    space INTEGER NOT NULL PRIMARY KEY,
    max_people INTEGER NOT NULL,
    show INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
) STRICT;

-- Nodes that the host blocked: they join nobody. blocked 0: no longer.
CREATE TABLE identity_blocked (
    node INTEGER NOT NULL PRIMARY KEY,
    blocked INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
) STRICT;

-- record/catalogue -----------------------------------------------------------
-- Items, by SKU byte for byte. flags: 1 = described in the catalogue (else only met in an event),
-- 2 = discontinued.
CREATE TABLE item (
    item INTEGER NOT NULL PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    name TEXT,
    parent INTEGER,
    category INTEGER,
    brand TEXT,
    price_micro INTEGER,
    cost_micro INTEGER,
    successor INTEGER,
    flags INTEGER NOT NULL,
    changed_us INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Categories: a row for every path "a/b/c" and for each of its beginnings.
CREATE TABLE item_category (
    category INTEGER NOT NULL PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    parent INTEGER
) STRICT;

-- Type 0: removed, and remembered so that a merge does not bring it back.
CREATE TABLE item_attribute (
    item INTEGER NOT NULL,
    key TEXT NOT NULL,
    type INTEGER NOT NULL,
    value ANY NOT NULL,
    changed_us INTEGER NOT NULL,
    PRIMARY KEY (item, key)
) STRICT, WITHOUT ROWID;

-- Stock of an item at a place as last told; no row = not known.
CREATE TABLE stock (
    item INTEGER NOT NULL,
    place INTEGER NOT NULL,
    quantity_milli INTEGER NOT NULL,
    as_of_us INTEGER NOT NULL,
    PRIMARY KEY (item, place)
) STRICT, WITHOUT ROWID;

-- record/place ---------------------------------------------------------------
-- Time zones in use: their TZif bytes, so that answers do not change with the machine.
CREATE TABLE place_zone (
    zone INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    tzif BLOB NOT NULL,
    changed_us INTEGER NOT NULL
) STRICT;

-- Places; zone NULL = the store's. flags: 1 = described (else only met in an event).
CREATE TABLE place (
    place INTEGER NOT NULL PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    name TEXT,
    latitude_deg REAL,
    longitude_deg REAL,
    zone INTEGER,
    station INTEGER,
    flags INTEGER NOT NULL,
    changed_us INTEGER NOT NULL DEFAULT 0
) STRICT;

-- record/weather -------------------------------------------------------------
CREATE TABLE weather_station (
    station INTEGER NOT NULL PRIMARY KEY,
    code TEXT NOT NULL UNIQUE
) STRICT;

-- Readings at an instant, and summaries of a local day (days since 1970-01-01). NULL = not known.
CREATE TABLE weather_reading (
    station INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    temperature_celsius REAL,
    precipitation_mm REAL,
    wind_m_s REAL,
    humidity_percent REAL,
    condition INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    PRIMARY KEY (station, at_us)
) STRICT, WITHOUT ROWID;
CREATE TABLE weather_day (
    station INTEGER NOT NULL,
    day INTEGER NOT NULL,
    temperature_celsius REAL,
    precipitation_mm REAL,
    wind_m_s REAL,
    humidity_percent REAL,
    condition INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    PRIMARY KEY (station, day)
) STRICT, WITHOUT ROWID;
