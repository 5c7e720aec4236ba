#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real Kubernetes with three nodes in a network namespace of its own: etcd, the control plane,
# kube-proxy, CoreDNS, and for each node a containerd and a kubelet. Needs root; build.sh comes first.
#
#   bed.sh up                     start it; prints the kubeconfig's path
#   bed.sh down                   stop it and remove everything it made
#   bed.sh run COMMAND...         run COMMAND inside the namespace with KUBECONFIG set
#   bed.sh outside COMMAND...     run COMMAND on a neighbouring machine, which reaches the node's address
#                                 and the load balancer's, and no pod's
#   bed.sh node kill|start NODE   kill a node's kubelet, containerd and pods, or start it again
#   bed.sh cut NODE NODE          drop packets between the pods of two nodes; `heal` undoes all cuts
#   bed.sh heal
#   bed.sh restart apiserver      stop and start one part of the control plane
#   bed.sh kill apiserver         the same, but it dies (SIGKILL)
#
#   KREDIS_BED     where its state goes (default /var/tmp/kubectl-redis-bed)
#   KREDIS_NODES   names of the nodes   (default "a b c")
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${KREDIS_CACHE:-$HOME/.cache/kubectl-redis}/kubernetes
dir=${KREDIS_BED:-/var/tmp/kubectl-redis-bed}
nodes=${KREDIS_NODES:-a b c}
netns=kubectl-redis
neighbour=kubectl-redis-outside
address=10.77.0.1
kubeconfig=$dir/admin.kubeconfig

die() { printf 'bed: %s\n' "$*" >&2; exit 1; }

# nsenter, not `ip netns exec`: the latter hides /sys/fs/cgroup, which the kubelet needs.
inside() { nsenter --net="/run/netns/$netns" "$@"; }
kubectl_admin() { inside kubectl --kubeconfig "$kubeconfig" "$@"; }

# Starts a part in the background; its process id and its log are kept by name.
start() { # name command...
  local name=$1; shift
  setsid nsenter --net="/run/netns/$netns" "$@" >>"$dir/log/$name.log" 2>&1 </dev/null &
  echo $! >"$dir/pid/$name"
}

stop() { # name
  local pid
  pid=$(cat "$dir/pid/$1" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || true
  local i
  for i in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep .1; done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$dir/pid/$1"
}

# Whether a process runs program code: one that is dead and not yet reaped does not.
runs() { readlink -e "/proc/$1/exe" >/dev/null; }

# The same without a warning; fails where it did not run, or outlives it.
crash() { # name
  local pid
  pid=$(cat "$dir/pid/$1")
  runs "$pid" || die "$1 does not run"
  kill -KILL "$pid"
  stop "$1"
  ! runs "$pid" || die "$1 outlived SIGKILL"
}

wait_for() { # description command...
  local what=$1 i; shift
  for i in $(seq 1800); do "$@" >/dev/null 2>&1 && return; sleep .1; done
  die "gave up waiting for $what; see $dir/log"
}

make_network() {
  ip netns add "$netns"
  inside ip link set lo up
  inside ip link add kube0 type bridge   # there may be no dummy device; a bridge carries the address
  inside ip addr add "$address/24" dev kube0
  inside ip link set kube0 up
  inside ip route add default dev kube0
  inside sysctl -qw net.ipv4.ip_forward=1
  make_neighbour
}

# Another machine on another wire, without a route to the pods' network.
make_neighbour() {
  ip netns add "$neighbour"
  inside ip link add outside0 type veth peer name eth0 netns "$neighbour"
  inside ip addr add 10.79.0.1/24 dev outside0
  inside ip link set outside0 up
  ip -n "$neighbour" link set lo up
  ip -n "$neighbour" addr add 10.79.0.2/24 dev eth0
  ip -n "$neighbour" link set eth0 up
  ip -n "$neighbour" route add $address via 10.79.0.1
  ip -n "$neighbour" route add 10.78.0.0/16 via 10.79.0.1
}

make_key() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "$@" 2>/dev/null; }

make_authority() {
  make_key -x509 -days 365 -subj /CN=bed-ca -keyout pki/ca.key -out pki/ca.crt
  openssl genrsa -out pki/sa.key 2048 2>/dev/null
  openssl rsa -in pki/sa.key -pubout -out pki/sa.pub 2>/dev/null
}

# A certificate for both directions, and a kubeconfig that uses it.
make_identity() { # name subject [subjectAltName]
  make_key -subj "$2" -keyout "pki/$1.key" -out "pki/$1.csr"
  openssl x509 -req -in "pki/$1.csr" -CA pki/ca.crt -CAkey pki/ca.key -CAcreateserial -days 365 -out "pki/$1.crt" \
    -extfile <(printf 'extendedKeyUsage=serverAuth,clientAuth\n%s' "${3:+subjectAltName=$3}") 2>/dev/null
  cat >"$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: bed, cluster: {server: "https://$address:6443", certificate-authority-data: $(base64 -w0 pki/ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "pki/$1.crt"), client-key-data: $(base64 -w0 "pki/$1.key")}}]
contexts: [{name: bed, context: {cluster: bed, user: $1}}]
current-context: bed
YAML
}

make_identities() {
  make_authority
  make_identity apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:$address,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  make_identity admin /O=system:masters/CN=admin
  make_identity manager /CN=system:kube-controller-manager
  make_identity scheduler /CN=system:kube-scheduler
  make_identity proxy /CN=system:kube-proxy
  local node
  for node in $nodes; do
    make_identity "node-$node" "/O=system:nodes/CN=system:node:node-$node" "IP:$address,DNS:node-$node"
  done
}

start_apiserver() {
  start apiserver "$cache/bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
    --service-cluster-ip-range=10.96.0.0/16 --advertise-address=$address --cert-dir="$dir/apiserver" \
    --tls-cert-file="$dir/pki/apiserver.crt" --tls-private-key-file="$dir/pki/apiserver.key" --client-ca-file="$dir/pki/ca.crt" \
    --kubelet-client-certificate="$dir/pki/admin.crt" --kubelet-client-key="$dir/pki/admin.key" \
    --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$dir/pki/sa.pub" \
    --service-account-signing-key-file="$dir/pki/sa.key" --authorization-mode=Node,RBAC --allow-privileged
  wait_for "the API server" kubectl_admin get --raw /readyz
}

start_control_plane() {
  start etcd etcd --data-dir "$dir/etcd" --listen-client-urls http://127.0.0.1:2379 \
    --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync
  start_apiserver
  start manager "$cache/bin/kube-controller-manager" --kubeconfig=manager.kubeconfig \
    --service-account-private-key-file=pki/sa.key --root-ca-file=pki/ca.crt --use-service-account-credentials \
    --leader-elect=false --node-monitor-grace-period=10s --bind-address=127.0.0.1
  start scheduler "$cache/bin/kube-scheduler" --kubeconfig=scheduler.kubeconfig --leader-elect=false --bind-address=127.0.0.1
  start proxy "$cache/bin/kube-proxy" --kubeconfig=proxy.kubeconfig --proxy-mode=iptables \
    --cluster-cidr=10.244.0.0/16 --hostname-override="node-${nodes%% *}" \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
  cat >Corefile <<CONF
cluster.local:53 in-addr.arpa:53 {
  bind $address
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $kubeconfig bed
    ttl 1
  }
}
CONF
  start coredns "$cache/bin/coredns" -conf Corefile
}

node_index() { # node -> its place in $nodes, from 0
  local i=0 node
  for node in $nodes; do
    [ "$node" != "$1" ] || { echo $i; return; }
    i=$((i + 1))
  done
  die "there is no node $1; there are: $nodes"
}

configure_node() { # node
  local state=$dir/node-$1 i
  i=$(node_index "$1")
  mkdir -p "$state/cni"
  cat >"$state/cni/10-bridge.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "node-$1", "plugins": [
  {"type": "bridge", "bridge": "br-$1", "isGateway": true, "hairpinMode": true, "ipam": {"type": "host-local", "dataDir": "$state/ipam",
   "ranges": [[{"subnet": "10.244.$i.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
  cat >"$state/containerd.toml" <<TOML
version = 2
root = "$state/containerd"
state = "$state/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
 address = "$state/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
 restrict_oom_score_adj = true   # without CAP_SYS_RESOURCE runc dies on a negative score
 sandbox_image = "docker.io/library/redis:sandbox"
 stream_server_port = "0"
 netns_mounts_under_state_dir = true
 [plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "$state/cni"
TOML
  cat >"$state/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
failCgroupV1: false
# Without cgroups of pods (above) 1.34 dereferences null where it thinks that a pod is to be resized.
featureGates: {InPlacePodVerticalScaling: false}
containerRuntimeEndpoint: unix://$state/containerd.sock
port: $((10250 + i))
healthzPort: $((10350 + i))
readOnlyPort: 0
authentication: {x509: {clientCAFile: $dir/pki/ca.crt}, webhook: {enabled: false}, anonymous: {enabled: false}}
authorization: {mode: AlwaysAllow}
tlsCertFile: $dir/pki/node-$1.crt
tlsPrivateKeyFile: $dir/pki/node-$1.key
clusterDNS: [$address]
clusterDomain: cluster.local
resolvConf: /dev/null
evictionHard: {imagefs.available: "0%", nodefs.available: "0%", memory.available: "0%", nodefs.inodesFree: "0%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
makeIPTablesUtilChains: false
localStorageCapacityIsolation: false
podLogsDir: $state/pods-log
volumePluginDir: $state/volumeplugins
nodeStatusUpdateFrequency: 2s
YAML
}

start_node() { # node
  local state=$dir/node-$1
  start "containerd-$1" containerd -c "$state/containerd.toml"
  wait_for "containerd of node-$1" ctr -a "$state/containerd.sock" version
  if [ ! -e "$state/images.done" ]; then
    ctr -a "$state/containerd.sock" -n k8s.io images import --base-name docker.io/library/redis "$cache/images.oci" >/dev/null
    ctr -a "$state/containerd.sock" -n k8s.io images import --base-name docker.io/library/kubectl-redis-webhook "$cache/webhook.oci" >/dev/null
    touch "$state/images.done"
  fi
  start "kubelet-$1" "$cache/bin/kubelet" --kubeconfig="$dir/node-$1.kubeconfig" --config="$state/kubelet.yaml" \
    --hostname-override="node-$1" --node-ip=$address --root-dir="$state/kubelet" --cert-dir="$state/pki" \
    --node-labels="topology.kubernetes.io/zone=zone-$1"
}

# Pods have namespaces of their own: they are the children of the shims.
kill_pods() { # node, or nothing for all
  local pid
  for pid in $(pgrep -f "containerd-shim.*$dir/node-${1:-}" || true); do
    pkill -9 -P "$pid" 2>/dev/null || true
    kill -9 "$pid" 2>/dev/null || true
  done
}

up() {
  [ "$(id -u)" = 0 ] || die "needs root"
  [ -x "$cache/kube" ] && [ -e "$cache/images.oci" ] || die "nothing is built yet: run $here/build.sh"
  [ ! -e "/run/netns/$netns" ] || die "it is up already; $0 down stops it"
  mkdir -p "$dir"/{pki,log,pid,volumes}
  chmod 755 "$dir"
  cd "$dir"
  make_network
  make_identities
  start_control_plane
  local node
  for node in $nodes; do configure_node "$node"; start_node "$node"; done
  for node in $nodes; do
    wait_for "node-$node" kubectl_admin get node "node-$node"
    kubectl_admin wait --for=condition=Ready "node/node-$node" --timeout=180s >/dev/null
  done
  start_helpers
  echo "$kubeconfig"
}

# What a provider of Kubernetes adds: a folder for each claim, an address for each load balancer.
start_helpers() {
  start provisioner env KUBECONFIG="$kubeconfig" VOLUMES="$dir/volumes" "$here/provisioner.sh"
  start balancer env KUBECONFIG="$kubeconfig" "$here/balancer.sh"
}

mounts() { awk -v start="$dir/" 'index($2, start) == 1 { print $2 }' /proc/self/mounts; }

# The innermost first. What is still mounted would be removed with the folder.
unmount_all() {
  local mount left
  mounts | sort -r | while read -r mount; do umount -l "$mount" 2>/dev/null || true; done
  left=$(mounts)
  [ -z "$left" ] || die "cannot unmount, so nothing is removed:" $left
}

down() {
  local file
  for file in "$dir"/pid/*; do [ -e "$file" ] && kill "$(cat "$file")" 2>/dev/null || true; done
  sleep .3
  kill_pods
  local pids
  pids=$(ip netns pids "$netns" 2>/dev/null || true)
  [ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
  sleep .3
  unmount_all
  ip netns del "$netns" 2>/dev/null || true
  ip netns del "$neighbour" 2>/dev/null || true
  rm -rf "$dir"
}

subnet() { echo "10.244.$(node_index "$1").0/24"; }

cut() { # node node
  inside iptables -I FORWARD -s "$(subnet "$1")" -d "$(subnet "$2")" -m comment --comment kubectl-redis-cut -j DROP
  inside iptables -I FORWARD -s "$(subnet "$2")" -d "$(subnet "$1")" -m comment --comment kubectl-redis-cut -j DROP
}

heal() {
  inside iptables-save | { grep kubectl-redis-cut || true; } | sed 's/^-A/-D/' | while read -r rule; do
    eval "inside iptables $rule"
  done
}

case "${1:-}" in
  up) up ;;
  down) down ;;
  run) shift; KUBECONFIG=$kubeconfig inside "$@" ;;
  outside) shift; nsenter --net="/run/netns/$neighbour" "$@" ;;
  node)
    case "${2:-}" in
      kill) stop "kubelet-$3"; stop "containerd-$3"; kill_pods "$3" ;;
      start) start_node "$3" ;;
      *) die "usage: bed.sh node kill|start NODE" ;;
    esac ;;
  cut) cut "$2" "$3" ;;
  heal) heal ;;
  restart) [ "${2:-}" = apiserver ] || die "only the apiserver"; stop apiserver; start_apiserver ;;
  kill) [ "${2:-}" = apiserver ] || die "only the apiserver"; crash apiserver; start_apiserver ;;
  *) sed -n '/^# *bed.sh/p' "$0" | sed 's/^# *//' >&2; exit 2 ;;
esac
