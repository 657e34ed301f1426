-- The users of the databases; sessions that are open stay open.
DELETE FROM mysql_users;
INSERT INTO mysql_users (username, password, default_hostgroup, default_schema, transaction_persistent, fast_forward, max_connections, active, comment)
  VALUES ('erpnext', '@@mariadb.env:MARIADB_APP_PASSWORD@@', 10, 'erpnext', 1, 0, 100, 1, 'application');
INSERT INTO mysql_users (username, password, default_hostgroup, default_schema, transaction_persistent, fast_forward, max_connections, active, comment)
  VALUES ('probe', '@@mariadb.env:MARIADB_PROBE_PASSWORD@@', 10, 'probe', 1, 0, 100, 1, 'checks and drills');
LOAD MYSQL USERS TO RUNTIME;
SAVE MYSQL USERS TO DISK;
