# What balancers.sh and verify_balancers ask about the provider's answers. Functions only. A list that is
# empty is null for some versions of hcloud.

def rows: (. // [])[];

def sentence: gsub("[\t\n]"; " ");

# ---------------------------------------------------------------- for balancers.sh: lines of words

def names: rows | "\(.id) \(.name)";

# Addresses of servers in networks.
def addresses: rows | .id as $id | (.private_net // [])[] | "\($id) address \(.network) \(.ip)";

# One load balancer. A service is what flags of hcloud would make it.
def facts:
  "type \(.load_balancer_type.name)",
  "location \(.location.name)",
  "algorithm \(.algorithm.type)",
  "protected \(.protection.delete // false)",
  "networks \([(.private_net // [])[] | "\(.network) \(.ip)"] | join(", "))",
  "public \(.public_net.enabled)",
  "address \(.public_net.ipv4.ip // "")",
  ((.targets // [])[] |
    if .type == "server" then "target \(.server.id) \(.use_private_ip)"
    elif .type == "ip" then "other ip \(.ip.ip)"
    else "other label-selector \(.label_selector.selector)" end),
  ((.services // [])[] | "service \(.listen_port) " + (
    "--protocol=\(.protocol)",
    "--destination-port=\(.destination_port)",
    "--proxy-protocol=\(.proxyprotocol)",
    (.http // empty |
      "--http-certificates=\((.certificates // []) | map(tostring) | join(","))",
      "--http-redirect-http=\(.redirect_http // false)",
      "--http-sticky-sessions=\(.sticky_sessions // false)"),
    (.health_check |
      "--health-check-protocol=\(.protocol)",
      "--health-check-port=\(.port)",
      "--health-check-interval=\(.interval)s",
      "--health-check-timeout=\(.timeout)s",
      "--health-check-retries=\(.retries)",
      (.http // empty |
        "--health-check-http-domain=\(.domain // "")",
        "--health-check-http-path=\(.path // "")",
        "--health-check-http-response=\(.response // "")",
        "--health-check-http-status-codes=\((.status_codes // []) | join(","))",
        "--health-check-http-tls=\(.tls // false)"))));

# ---------------------------------------------------------------- for verify_balancers
# Input: wanted (balancers.json), described (one object a load balancer), servers, networks, certificates.

# The load balancers that are there, by name, in the form of balancers.json: numbers become names.
def found:
  . as $all |
  def named($list): . as $id | [$list | rows | select(.id == $id) | .name] | first // "number \($id)";
  def server: .server.id | named($all.servers);
  def service: {
    protocol,
    destination_port,
    proxy_protocol: .proxyprotocol,
    certificate: [(.http.certificates // [])[] | named($all.certificates)] | join(", "),
    redirect_http: (.http.redirect_http // false),
    sticky_sessions: (.http.sticky_sessions // false),
    health_check: (.health_check | {
      protocol,
      port,
      interval,
      timeout,
      retries,
      path: .http.path,
      status_codes: (.http.status_codes // []) | join(","),
      domain: (.http.domain // ""),
      response: (.http.response // ""),
      tls: (.http.tls // false)
    })
  };
  [.described[] | {key: .name, value: {
    product: {
      type: .load_balancer_type.name,
      location: .location.name,
      algorithm: .algorithm.type,
      delete_protection: (.protection.delete // false)
    },
    network: {
      name: [(.private_net // [])[].network | named($all.networks)] | join(", "),
      ip: [(.private_net // [])[].ip] | join(", ")
    },
    public: {enabled: .public_net.enabled, ip: .public_net.ipv4.ip},
    services: [(.services // [])[] | {key: "\(.listen_port)", value: service}] | from_entries,
    targets: [(.targets // [])[] |
      if .type == "server" and .use_private_ip then server
      elif .type == "server" then "\(server) by its public address"
      elif .type == "ip" then "the address \(.ip.ip)"
      else "whatever is labelled \(.label_selector.selector)" end],
    health: [(.targets // [])[] | select(.type == "server") | {
      key: server,
      value: [(.health_status // [])[] | {key: "\(.listen_port)", value: .status}] | from_entries
    }] | from_entries
  }}] | from_entries;

# Every field that is wanted, and is not so.
def differences($wanted; $found):
  $wanted | paths(type != "object") as $path |
  ($wanted | getpath($path)) as $w | ($found | getpath($path)) as $f | select($w != $f) |
  "\($path | join(".")): wanted \($w), found \($f)";

# A target where nobody is meant to listen must be unhealthy: who answers there would get connections that
# are not for it.
def health($targets; $service; $health):
  $targets[] as $server |
  (if any($service.members[]; . == $server) then "healthy" else "unhealthy" end) as $wanted |
  ($health[$server]["\($service.listen_port)"] // "not told") as $found | select($wanted != $found) |
  "\($server): wanted \($wanted), found \($found)";

# A check a line: its text, a tab, and what is wrong, with \u001f between.
def checks:
  found as $all_found | .wanted.load_balancers[] as $wanted | $all_found[$wanted.called] as $found |
  [$wanted.targets[].server] as $targets |
  def about($text; wrong): "\($wanted.called)\($text)\t\([wrong | sentence] | join("\u001f"))";
  if $found == null then about(" is there"; "the project has no load balancer of this name") else
    about(": type, location, algorithm, protection"; differences($wanted.product; $found.product)),
    about(": network and address"; differences($wanted.network; $found.network)),
    about(": public interface"; differences($wanted.public; $found.public)),
    about(": targets";
      ($targets - $found.targets | .[] | "\(.) is no target"),
      ($found.targets - $targets | .[] | "\(.) is a target, and should be none")),
    about(": it listens for nothing else";
      ($found.services | keys) - [$wanted.services[] | "\(.listen_port)"] | .[] |
      "it listens on \(.), which the topology does not know"),
    ($wanted.services[] as $service | $found.services["\($service.listen_port)"] as $there |
      about(": service on port \($service.listen_port)";
        if $there then differences($service.is; $there) else "nobody listens there" end),
      about(": health behind port \($service.listen_port)"; health($targets; $service; $found.health)))
  end;

# Certificates that are wanted, and when they end: the name last, because it may hold blanks.
def ends:
  .certificates as $there |
  [.wanted.load_balancers[].services[].is.certificate // ""] | unique[] | select(. != "") | . as $name |
  "\([$there | rows | select(.name == $name) | .not_valid_after // "never"] | first // "never") \($name)";

# Every way by which the world comes: name, address, port, protocol, load balancer.
def doors:
  .wanted as $wanted | $wanted.names[] | .name as $name | .addresses[] as $address |
  $wanted.load_balancers[] | select(.name == $address.balancer) | .called as $called |
  .services[] | select(.is.protocol != "tcp") |
  "\($name) \($address.ip) \(.listen_port) \(.is.protocol) \($called)";
