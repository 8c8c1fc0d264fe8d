-- Keys of PBXs, sealed. `api_key` stays empty from now on: a release before this one finds no key there, and one that it
-- was given again is sealed at the next start.
ALTER TABLE pbx_sources ADD COLUMN api_key_sealed BLOB NOT NULL DEFAULT x'';
