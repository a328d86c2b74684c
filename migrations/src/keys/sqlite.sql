-- Until now one key signed, for ten years (3653 days) ahead at most.
UPDATE signing_keys SET covers_until = unixepoch() * 1000 + 315619200000;
UPDATE credentials SET kid = (SELECT kid FROM signing_keys WHERE state = 'active') WHERE kind = 'bearer';
