-- What interop profiles lifted out of headers and extension data, which profiles those were, and whose
-- voice each track carries with the evidence for it.

CREATE TABLE recording_fields (
    recording_id uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position     integer NOT NULL,
    name         text NOT NULL,
    value        text NOT NULL,
    source       text NOT NULL,
    PRIMARY KEY (recording_id, position)
);

CREATE INDEX recording_fields_named ON recording_fields (name, lower(value) text_pattern_ops);
CREATE INDEX recording_fields_value ON recording_fields (lower(value) text_pattern_ops);

CREATE TABLE recording_profiles (
    recording_id uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position     integer NOT NULL,
    name         text NOT NULL,
    reason       text NOT NULL,
    PRIMARY KEY (recording_id, position)
);

CREATE TABLE track_voices (
    recording_id       uuid NOT NULL REFERENCES recording_index (id) ON DELETE CASCADE,
    position           integer NOT NULL,
    track_id           uuid NOT NULL,
    participant_src_id text NOT NULL,
    role               text NOT NULL,
    certainty          text NOT NULL,
    contradicted       boolean NOT NULL,
    evidence           jsonb NOT NULL,
    PRIMARY KEY (recording_id, position)
);
