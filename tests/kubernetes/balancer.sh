#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The bed's load balancer: gives every Service of that type an address of its own, 10.78.X.Y for the
# cluster address 10.96.X.Y. kube-proxy on the node does the rest.
set -euo pipefail
: "${KUBECONFIG:?}"

give() { # namespace name cluster-ip
  local path=/api/v1/namespaces/$1/services/$2
  kubectl get --raw "$path" |
    sed "s/\"loadBalancer\":{}/\"loadBalancer\":{\"ingress\":[{\"ip\":\"10.78.${3#10.96.}\"}]}/" |
    kubectl replace --raw "$path/status" -f - >/dev/null
}

columns='{.metadata.namespace} {.metadata.name} {.spec.clusterIP} {.spec.type} {.status.loadBalancer.ingress[0].ip}{"\n"}'
while true; do
  { kubectl get services -A --watch -o jsonpath="$columns" || true; } |
    while read -r namespace name cluster_ip type ingress; do
      [ "$type" = LoadBalancer ] && [ -z "$ingress" ] || continue
      give "$namespace" "$name" "$cluster_ip" || true
    done
  sleep 1
done
