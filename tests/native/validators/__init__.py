"""The validators, in the order in which they run: cheap and general first."""

from validators import bundle, containers, database, firewall, formats, host, mariadb, outside, proxies, proxysql, rabbitmq, redis, shell, units


def all_validators():
    return [
        bundle.Manifest(), bundle.Readers(),
        shell.Bash(), shell.ShellCheck(),
        formats.Yaml(), formats.Json(), formats.Markdown(),
        containers.Dockerfile(), containers.DockerEnvironment(), containers.DockerDaemon(),
        units.Units(), units.Drop_ins(),
        host.Sshd(), host.Sysctl(), host.KernelModules(), host.Fail2ban(), host.Audit(), host.Apt(),
        host.PeerNames(),
        proxies.Haproxy(), proxies.Pgbouncer(), proxysql.Proxysql(),
        database.Patroni(), database.Parameters(), database.Databases(),
        mariadb.OptionFiles(), mariadb.Databases(),
        rabbitmq.RabbitmqConf(), rabbitmq.ErlangTerms(), rabbitmq.Definitions(), rabbitmq.Cookie(), rabbitmq.AmqpUrl(),
        rabbitmq.Python(),
        redis.RedisConf(), redis.SentinelConf(),
        outside.Jq(), outside.HcloudCommands(), outside.Balancers(), outside.Zones(),
        firewall.Rules(), firewall.Reachability(),
    ]
