-- One rule: everything to the writer. No read/write split.
DELETE FROM mysql_query_rules;
INSERT INTO mysql_query_rules (rule_id, active, match_digest, destination_hostgroup, apply, comment)
  VALUES (1, 1, '.*', 1, 1, 'everything to the writer');
LOAD MYSQL QUERY RULES TO RUNTIME;
SAVE MYSQL QUERY RULES TO DISK;
