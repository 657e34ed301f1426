-- Who may administer a proxy that runs, and from where.
UPDATE global_variables SET variable_value = 'proxysql_admin:@@proxysql.env:PROXYSQL_ADMIN_PASSWORD@@' WHERE variable_name = 'admin-admin_credentials';
UPDATE global_variables SET variable_value = 'proxysql_stats:@@proxysql.env:PROXYSQL_STATS_PASSWORD@@' WHERE variable_name = 'admin-stats_credentials';
UPDATE global_variables SET variable_value = '127.0.0.1:6032;10.0.0.174:6032' WHERE variable_name = 'admin-mysql_ifaces';
UPDATE global_variables SET variable_value = '2000' WHERE variable_name = 'admin-refresh_interval';
UPDATE global_variables SET variable_value = 'false' WHERE variable_name = 'admin-restapi_enabled';
UPDATE global_variables SET variable_value = 'false' WHERE variable_name = 'admin-web_enabled';
LOAD ADMIN VARIABLES TO RUNTIME;
SAVE ADMIN VARIABLES TO DISK;
