-- Members and hostgroups, loaded together. Until the next health check the preferred writer is the only
-- one, whether it is well or not: applied only when something here is not as it should be.
DELETE FROM mysql_servers;
INSERT INTO mysql_servers (hostgroup_id, hostname, port, weight, max_connections, comment)
  VALUES (10, '10.0.0.170', 3306, 1000, 200, 'maria-01');
INSERT INTO mysql_servers (hostgroup_id, hostname, port, weight, max_connections, comment)
  VALUES (20, '10.0.0.171', 3306, 100, 200, 'maria-02');
INSERT INTO mysql_servers (hostgroup_id, hostname, port, weight, max_connections, comment)
  VALUES (20, '10.0.0.172', 3306, 10, 200, 'maria-03');
DELETE FROM mysql_galera_hostgroups;
INSERT INTO mysql_galera_hostgroups (writer_hostgroup, backup_writer_hostgroup, reader_hostgroup, offline_hostgroup, active, max_writers, writer_is_also_reader, max_transactions_behind, comment)
  VALUES (10, 20, 30, 9999, 1, 1, 0, 100, 'mariadb');
LOAD MYSQL SERVERS TO RUNTIME;
SAVE MYSQL SERVERS TO DISK;
