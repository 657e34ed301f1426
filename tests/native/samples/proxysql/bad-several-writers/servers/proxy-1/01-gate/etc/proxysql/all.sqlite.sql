-- The same; a comment; with a semicolon.
UPDATE global_variables SET variable_value = 'gate_admin:@@gate.env:ADMIN@@' WHERE variable_name = 'admin-admin_credentials';
UPDATE global_variables SET variable_value = 'gate_stats:@@gate.env:STATS@@' WHERE variable_name = 'admin-stats_credentials';
UPDATE global_variables SET variable_value = '127.0.0.1:6032;10.1.0.21:6032' WHERE variable_name = 'admin-mysql_ifaces';
LOAD ADMIN VARIABLES TO RUNTIME;
SAVE ADMIN VARIABLES TO DISK;
UPDATE global_variables SET variable_value = '2' WHERE variable_name = 'mysql-threads';
UPDATE global_variables SET variable_value = 'true' WHERE variable_name = 'mysql-have_compress';
UPDATE global_variables SET variable_value = '10.11.6' WHERE variable_name = 'mysql-server_version';
UPDATE global_variables SET variable_value = 'monitor' WHERE variable_name = 'mysql-monitor_username';
UPDATE global_variables SET variable_value = '@@db.env:MONITOR@@' WHERE variable_name = 'mysql-monitor_password';
LOAD MYSQL VARIABLES TO RUNTIME;
SAVE MYSQL VARIABLES TO DISK;
DELETE FROM mysql_servers;
INSERT INTO mysql_servers (hostgroup_id, hostname, port, weight, max_connections, comment) VALUES (10, '10.1.0.11', 3306, 1000, 200, 'db-1');
INSERT INTO mysql_servers (hostgroup_id, hostname, port, weight, max_connections, comment) VALUES (10, '10.1.0.12', 3306, 100, 200, 'db-2');
DELETE FROM mysql_galera_hostgroups;
INSERT INTO mysql_galera_hostgroups (writer_hostgroup, backup_writer_hostgroup, reader_hostgroup, offline_hostgroup, active, max_writers, writer_is_also_reader, max_transactions_behind, comment)
  VALUES (10, 20, 30, 9999, 1, 1, 0, 100, 'cluster');
LOAD MYSQL SERVERS TO RUNTIME;
SAVE MYSQL SERVERS TO DISK;
DELETE FROM mysql_users;
INSERT INTO mysql_users (username, password, default_hostgroup, default_schema, transaction_persistent, fast_forward, max_connections, active, comment)
  VALUES ('till', '@@till.env:TILL@@', 10, 'till', 1, 0, 100, 1, 'application');
LOAD MYSQL USERS TO RUNTIME;
SAVE MYSQL USERS TO DISK;
DELETE FROM mysql_query_rules;
INSERT INTO mysql_query_rules (rule_id, active, match_digest, destination_hostgroup, apply, comment) VALUES (1, 1, '.*', 10, 1, 'everything');
LOAD MYSQL QUERY RULES TO RUNTIME;
SAVE MYSQL QUERY RULES TO DISK;
