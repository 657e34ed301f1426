#!/usr/bin/env bash
# Feeds the SQL, gives the user its password as a hash, takes away what an installer left behind.
set -euo pipefail
sql() { docker exec --user 0 mariadb mariadb --socket=/run/mysqld/mysqld.sock --batch --skip-column-names; }
sql </etc/mariadb/databases.mysql.sql
read -r _ password </etc/mariadb/user-passwords
hash=$(printf '%s' "$password" | sha1sum | cut -c -40 | sed 's/../\\x&/g')
hash=$(printf '%b' "$hash" | sha1sum | cut -c -40)
sql <<SQL
SELECT COUNT(*) INTO @right FROM mysql.global_priv
 WHERE User = 'shop' AND JSON_VALUE(Priv, '\$.authentication_string') = UPPER('*$hash');
EXECUTE IMMEDIATE IF(@right > 0, 'DO 0', 'SET PASSWORD FOR shop@\`10.1.0.11\` = ''*${hash^^}''');
SELECT GROUP_CONCAT(QUOTE(User), '@', QUOTE(Host)) INTO @left FROM mysql.global_priv
 WHERE User = '' OR (User = 'root' AND Host <> 'localhost');
EXECUTE IMMEDIATE IF(@left IS NULL, 'DO 0', CONCAT('DROP USER ', @left));
SELECT COUNT(*) INTO @there FROM information_schema.schemata WHERE schema_name = 'test';
EXECUTE IMMEDIATE IF(@there > 0, 'DROP DATABASE test', 'DO 0');
SQL
