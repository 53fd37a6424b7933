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
