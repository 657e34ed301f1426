-- Databases and accounts that the applications of this estate ask for, and the module's own. 07_maria_03_databases runs
-- this as root through one member, and Galera carries it to the others; a second run finds nothing to do and sends
-- nothing. New accounts have a password that nobody can know: the step gives them theirs, as hashes.
SET NAMES utf8mb4;

CREATE TEMPORARY TABLE mysql.wanted_accounts (
  user VARCHAR(128) NOT NULL, host VARCHAR(255) NOT NULL, PRIMARY KEY (user, host)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TEMPORARY TABLE mysql.wanted_grants (
  user VARCHAR(128) NOT NULL, name VARCHAR(64) NOT NULL, PRIMARY KEY (user, name)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Everybody may come from the addresses that the firewall admits, and from nowhere else.
INSERT INTO mysql.wanted_accounts VALUES ('monitor', '10.0.0.170'), ('probe', '10.0.0.170');
INSERT INTO mysql.wanted_accounts VALUES ('erpnext', '10.0.0.170');
INSERT INTO mysql.wanted_accounts VALUES ('monitor', '10.0.0.171'), ('probe', '10.0.0.171');
INSERT INTO mysql.wanted_accounts VALUES ('erpnext', '10.0.0.171');
INSERT INTO mysql.wanted_accounts VALUES ('monitor', '10.0.0.172'), ('probe', '10.0.0.172');
INSERT INTO mysql.wanted_accounts VALUES ('erpnext', '10.0.0.172');
INSERT INTO mysql.wanted_accounts VALUES ('monitor', '10.0.0.173'), ('probe', '10.0.0.173');
INSERT INTO mysql.wanted_accounts VALUES ('erpnext', '10.0.0.173');
INSERT INTO mysql.wanted_accounts VALUES ('monitor', '10.0.0.174'), ('probe', '10.0.0.174');
INSERT INTO mysql.wanted_accounts VALUES ('erpnext', '10.0.0.174');
INSERT INTO mysql.wanted_grants VALUES ('probe', 'probe');
INSERT INTO mysql.wanted_grants VALUES ('erpnext', 'erpnext');

SELECT GROUP_CONCAT(QUOTE(w.user), '@', QUOTE(w.host), ' IDENTIFIED VIA mysql_native_password USING ''invalid''')
  INTO @accounts
  FROM mysql.wanted_accounts w
  LEFT JOIN mysql.global_priv p ON p.User = w.user AND p.Host = w.host
 WHERE p.User IS NULL;
EXECUTE IMMEDIATE IF(@accounts IS NULL, 'DO 0', CONCAT('CREATE USER ', @accounts));

-- probe: the only database of probe.
SET @name = 'probe';
SELECT COUNT(*) INTO @there FROM information_schema.schemata WHERE schema_name = @name;
EXECUTE IMMEDIATE IF(@there > 0, 'DO 0', CONCAT('CREATE DATABASE `', @name, '`'));
-- In the name of a database a GRANT takes _ for any character, unless it is escaped.
SELECT GROUP_CONCAT(QUOTE(a.user), '@', QUOTE(a.host)) INTO @accounts
  FROM mysql.wanted_accounts a JOIN mysql.wanted_grants g ON g.user = a.user AND g.name = @name
  LEFT JOIN mysql.db d ON d.User = a.user AND d.Host = a.host AND d.Db = REPLACE(@name, '_', '\\_')
 WHERE d.Db IS NULL;
EXECUTE IMMEDIATE IF(@accounts IS NULL, 'DO 0',
  CONCAT('GRANT ALL PRIVILEGES ON `', REPLACE(@name, '_', '\\_'), '`.* TO ', @accounts));

-- erpnext: all rights for its roles, none for others.
SET @name = 'erpnext';
SELECT COUNT(*) INTO @there FROM information_schema.schemata WHERE schema_name = @name;
EXECUTE IMMEDIATE IF(@there > 0, 'DO 0',
  CONCAT('CREATE DATABASE `', @name, '` CHARACTER SET ', 'utf8mb4', ' COLLATE ', 'utf8mb4_unicode_ci'));
SELECT GROUP_CONCAT(QUOTE(a.user), '@', QUOTE(a.host)) INTO @accounts
  FROM mysql.wanted_accounts a JOIN mysql.wanted_grants g ON g.user = a.user AND g.name = @name
  LEFT JOIN mysql.db d ON d.User = a.user AND d.Host = a.host AND d.Db = REPLACE(@name, '_', '\\_')
 WHERE d.Db IS NULL;
EXECUTE IMMEDIATE IF(@accounts IS NULL, 'DO 0',
  CONCAT('GRANT ALL PRIVILEGES ON `', REPLACE(@name, '_', '\\_'), '`.* TO ', @accounts));
