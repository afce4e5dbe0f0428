-- Search with wildcards. Patterns that begin with text use the btree indexes; those that begin with
-- `*` need trigrams, which not every database lets its users have: search works without them, slower.

CREATE INDEX participants_number ON participants (lower(number) text_pattern_ops);
CREATE INDEX participant_names_name ON participant_names (lower(name) text_pattern_ops);
CREATE INDEX participant_names_aor ON participant_names (lower(aor) text_pattern_ops);

DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX participants_number_trigram
        ON participants USING gin (lower(number) gin_trgm_ops);
    CREATE INDEX participant_names_name_trigram
        ON participant_names USING gin (lower(name) gin_trgm_ops);
    CREATE INDEX participant_names_aor_trigram
        ON participant_names USING gin (lower(aor) gin_trgm_ops);
    CREATE INDEX recording_sessions_src_trigram
        ON recording_sessions USING gin (lower(src_uri) gin_trgm_ops,
                                         lower(src_address) gin_trgm_ops,
                                         lower(src_user_agent) gin_trgm_ops);
EXCEPTION
    WHEN insufficient_privilege OR undefined_file OR undefined_object OR feature_not_supported THEN
        RAISE WARNING 'searches that begin with a wildcard will be slow: %', SQLERRM;
END
$$;
