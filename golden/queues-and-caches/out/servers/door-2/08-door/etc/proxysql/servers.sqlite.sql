-- Members and hostgroups, loaded together. Until the next health check the preferred writer is the only
-- one, whether it is well or not: applied only when something here is not as it should be.
DELETE FROM mysql_servers;
INSERT INTO mysql_servers (hostgroup_id, hostname, port, weight, max_connections, comment)
  VALUES (1, '192.168.64.61', 3306, 1000, 200, 'till-1');
INSERT INTO mysql_servers (hostgroup_id, hostname, port, weight, max_connections, comment)
  VALUES (2, '192.168.64.62', 3306, 100, 200, 'till-2');
INSERT INTO mysql_servers (hostgroup_id, hostname, port, weight, max_connections, comment)
  VALUES (2, '192.168.64.63', 3306, 10, 200, 'till-3');
DELETE FROM mysql_galera_hostgroups;
INSERT INTO mysql_galera_hostgroups (writer_hostgroup, backup_writer_hostgroup, reader_hostgroup, offline_hostgroup, active, max_writers, writer_is_also_reader, max_transactions_behind, comment)
  VALUES (1, 2, 3, 4, 1, 1, 0, 100, 'tills');
LOAD MYSQL SERVERS TO RUNTIME;
SAVE MYSQL SERVERS TO DISK;
