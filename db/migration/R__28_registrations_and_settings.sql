-- What else everybody may look at: who is registered where, and settings.
--
-- Nobody notes what a node is for: its shape tells. A registration is an ephemeral node that stands in no line and comes to no meeting, whoever made it: an
-- instance of a service, a member of a group. A setting is a node place/values/key that has a node
-- place/history/key, below which is who changed it and when.

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE OR REPLACE VIEW ${schema}.registrations AS
  SELECT n.path, n.parent AS place, n.name, n.version, length(n.data) AS data_length, n.ctime AS registered, n.mtime AS updated, s.session,
    s.client, s.host, s.pid, s.alive
  FROM ${schema}.node n CROSS JOIN LATERAL (SELECT * FROM ${schema}.sessions a WHERE a.session = n.owner OFFSET 0) s
  WHERE n.owner IS NOT NULL AND n.kind = 'ephemeral' AND n.state IS NULL
    AND NOT EXISTS (SELECT FROM ${schema}.gathering p WHERE p.path = n.parent AND p.recipe IS NOT NULL);
COMMENT ON VIEW ${schema}.registrations IS
  'Who is registered where: instances of services, members of groups, and whatever else goes with its session.';
COMMENT ON COLUMN ${schema}.registrations.path IS 'Where its node is.';
COMMENT ON COLUMN ${schema}.registrations.place IS 'The node above: the service, or the group.';
COMMENT ON COLUMN ${schema}.registrations.name IS 'What it is called there: the id of the instance, or of the member.';
COMMENT ON COLUMN ${schema}.registrations.version IS 'How often its data was set since.';
COMMENT ON COLUMN ${schema}.registrations.data_length IS 'The length of its data in bytes.';
COMMENT ON COLUMN ${schema}.registrations.registered IS 'When it was registered.';
COMMENT ON COLUMN ${schema}.registrations.updated IS 'When its data was last set.';
COMMENT ON COLUMN ${schema}.registrations.session IS 'The session it goes with.';
COMMENT ON COLUMN ${schema}.registrations.client IS 'The name the client gave itself.';
COMMENT ON COLUMN ${schema}.registrations.host IS 'The client''s machine.';
COMMENT ON COLUMN ${schema}.registrations.pid IS 'The client''s process.';
COMMENT ON COLUMN ${schema}.registrations.alive IS 'False if the session is over and about to be ended.';

CREATE OR REPLACE VIEW ${schema}.settings AS
  SELECT v.path, left(p.path, -7) AS place, v.name AS key, v.version, length(v.data) AS data_length, h.version + 1 AS changes,
    v.mtime AS changed, c.changed_by
  FROM ${schema}.gathering p JOIN ${schema}.node v ON v.parent = p.path
    JOIN ${schema}.node h ON h.path = left(p.path, -7) || '/history/' || v.name
    LEFT JOIN LATERAL (SELECT ${schema}._text_of(substring(e.data FROM 4 FOR position('\x0a'::bytea IN e.data) - 4)) AS changed_by
      FROM ${schema}.node e WHERE e.parent = h.path AND substring(e.data FOR 3) = 'by=' AND position('\x0a'::bytea IN e.data) > 4 ORDER BY e.name DESC LIMIT 1) c ON true
  WHERE p.path LIKE '%/values';
COMMENT ON VIEW ${schema}.settings IS
  'Settings, without their values. Look for some by path: WHERE path LIKE ''/config/values/%''.';
COMMENT ON COLUMN ${schema}.settings.path IS 'Where the value is.';
COMMENT ON COLUMN ${schema}.settings.place IS 'The path of the settings that it belongs to.';
COMMENT ON COLUMN ${schema}.settings.key IS 'The name of the setting.';
COMMENT ON COLUMN ${schema}.settings.version IS 'How often it was changed since it was last created.';
COMMENT ON COLUMN ${schema}.settings.data_length IS 'The length of the value in bytes.';
COMMENT ON COLUMN ${schema}.settings.changes IS 'How often it was ever changed.';
COMMENT ON COLUMN ${schema}.settings.changed IS 'When it was last changed.';
COMMENT ON COLUMN ${schema}.settings.changed_by IS 'Who did that.';

SELECT ${schema}._pin_and_grant();
