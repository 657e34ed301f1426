SELECT COUNT(*) INTO @there FROM mysql.global_priv WHERE User = 'shop';
EXECUTE IMMEDIATE IF(@there > 0, 'DO 0', 'CREATE USER shop@`10.1.0.11` IDENTIFIED VIA mysql_native_password USING ''invalid''');
SELECT COUNT(*) INTO @there FROM information_schema.schemata WHERE schema_name = 'shop';
EXECUTE IMMEDIATE IF(@there > 0, 'DO 0', 'CREATE DATABASE shop');
SELECT COUNT(*) INTO @there FROM mysql.db WHERE User = 'shop';
EXECUTE IMMEDIATE IF(@there > 0, 'DO 0', 'GRANT ALL PRIVILEGES ON shop.* TO shop@`10.1.0.11`');
CREATE DATABASE IF NOT EXISTS shop;
