-- SPDX-FileCopyrightText: 2026 the libfeedback authors
-- SPDX-License-Identifier: Apache-2.0
--
-- Schema version 1. One section a module; only that module's SQL touches its tables.

-- store/ ---------------------------------------------------------------------
-- Settings of the store: currency, time zone, prices with tax or net, ….
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

-- Nodes: one a identifier, given once, never reused; value NULL = erased.
CREATE TABLE log_node (
    node INTEGER NOT NULL PRIMARY KEY,
    space INTEGER NOT NULL,
    value TEXT,
    UNIQUE (value, space)
) STRICT;

-- Evidence that two nodes are one person.
CREATE TABLE log_link (
    a INTEGER NOT NULL,
    b INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    count INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    note TEXT,
    PRIMARY KEY (a, b, rule),
    CHECK (a < b)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_link_b ON log_link (b);

-- Events. `body` holds lines, nodes, id, order reference and properties; `hash` is the XXH3-64 of
-- the other columns and the body.
CREATE TABLE log_event (
    event INTEGER NOT NULL PRIMARY KEY,
    node INTEGER NOT NULL,
    occurred_us INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    source INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    place INTEGER NOT NULL,
    currency INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    order_hash INTEGER NOT NULL,
    n_lines INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX log_event_node ON log_event (node, occurred_us);

-- Every event id that was ever stored, by its XXH3-128; content NULL = the event was erased.
CREATE TABLE log_id (
    id BLOB NOT NULL PRIMARY KEY,
    event INTEGER NOT NULL,
    content BLOB
) STRICT, WITHOUT ROWID;

-- Events that came with the id of another event: reported, never counted.
CREATE TABLE event_conflict (
    conflict INTEGER NOT NULL PRIMARY KEY,
    event INTEGER NOT NULL,
    content BLOB NOT NULL,
    received_us INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (event, content)
) STRICT;

-- Which identifiers (XXH3-64 of word and value) a conflict holds, so that erasing finds it.
CREATE TABLE event_conflict_ident (
    ident INTEGER NOT NULL,
    conflict INTEGER NOT NULL,
    PRIMARY KEY (ident, conflict)
) STRICT, WITHOUT ROWID;

-- Running totals, one row.
CREATE TABLE log_total (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    last_event INTEGER NOT NULL,
    events INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    links INTEGER NOT NULL,
    conflicts INTEGER NOT NULL,
    erased INTEGER NOT NULL,
    first_us INTEGER,
    last_us INTEGER
) STRICT;
INSERT INTO log_total VALUES (1, 0, 0, 0, 0, 0, 0, NULL, NULL);
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
    show INTEGER NOT NULL
) STRICT;

-- Nodes that the host blocked: they join nobody.
CREATE TABLE identity_blocked (
    node INTEGER NOT NULL PRIMARY KEY
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
    flags INTEGER NOT NULL
) STRICT;

-- Categories: a row for every path "a/b/c" and for each of its beginnings.
CREATE TABLE item_category (
    category INTEGER NOT NULL PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    parent INTEGER
) STRICT;

CREATE TABLE item_attribute (
    item INTEGER NOT NULL,
    key TEXT NOT NULL,
    type INTEGER NOT NULL,
    value ANY NOT NULL,
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
    tzif BLOB NOT NULL
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
    flags INTEGER NOT NULL
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
    PRIMARY KEY (station, day)
) STRICT, WITHOUT ROWID;
