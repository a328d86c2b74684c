-- The user that a credential stands for; NULL: it stands for nobody and is the tenant's own. Never changed.
--
-- No foreign key: a credential outlives its user, as the trail does, and must then open nothing, whereas a key would
-- have to refuse the purge or empty this column, which would make the credential the tenant's own. (SQLite could not
-- add one of two columns to a table that exists either.)
ALTER TABLE credentials ADD COLUMN user_id {uuid};
