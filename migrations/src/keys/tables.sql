-- Keys under which secrets are sealed, each wrapped by the master key: when that changes, only these rows do.
CREATE TABLE data_keys (
    id {uuid} NOT NULL PRIMARY KEY,
    wrapped {bytes} NOT NULL,
    created_at bigint NOT NULL
);

-- What is sealed is the private half; of a retired key, whose private half is destroyed, the public one.
ALTER TABLE signing_keys RENAME COLUMN private_key_encrypted TO sealed;
ALTER TABLE signing_keys ADD COLUMN active_at bigint;
ALTER TABLE signing_keys ADD COLUMN retired_at bigint;
-- No token that it signed ends later.
ALTER TABLE signing_keys ADD COLUMN covers_until bigint NOT NULL DEFAULT 0;
UPDATE signing_keys SET active_at = created_at WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_next ON signing_keys (state) WHERE state = 'next';

-- The key that signed a token.
ALTER TABLE credentials ADD COLUMN kid {key};
