-- Takes away what nobody asked for. 07_maria_03_databases runs this last, when every account that stays can log in.
SET NAMES utf8mb4;

-- Users without a name, root from anywhere but the server itself, and our users' accounts for addresses that are not
-- admitted any more. Accounts of other names are nobody's here: they stay.
SELECT GROUP_CONCAT(QUOTE(User), '@', QUOTE(Host)) INTO @accounts
  FROM mysql.global_priv
 WHERE User = ''
    OR (User = 'root' AND Host <> 'localhost')
    OR (User IN ('monitor', 'probe', 'shop')
        AND Host NOT IN ('192.168.64.21', '192.168.64.22', '192.168.64.61', '192.168.64.62', '192.168.64.63'));
EXECUTE IMMEDIATE IF(@accounts IS NULL, 'DO 0', CONCAT('DROP USER ', @accounts));

-- What installers leave behind, as long as nobody keeps anything in it.
SELECT COUNT(*) INTO @there FROM information_schema.schemata WHERE schema_name = 'test';
SELECT COUNT(*) INTO @tables FROM information_schema.tables WHERE table_schema = 'test';
EXECUTE IMMEDIATE IF(@there > 0 AND @tables = 0, 'DROP DATABASE test', 'DO 0');
