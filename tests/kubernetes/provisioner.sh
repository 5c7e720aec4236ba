#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Dynamic provisioning for the bed: makes StorageClass `local` the default and gives every pending
# claim of it a folder below $VOLUMES. The nodes share this machine, so a folder is on all of them.
set -euo pipefail
: "${KUBECONFIG:?}" "${VOLUMES:?}"

kubectl apply -f - >/dev/null <<YAML
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: local
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: kubectl-redis.dev/bed
reclaimPolicy: Delete
YAML

provide() { # namespace name uid size modes
  local folder=$VOLUMES/$3
  mkdir -p "$folder"
  chmod 777 "$folder"
  kubectl create -f - <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: pvc-$3}
spec:
  capacity: {storage: $4}
  accessModes: [$5]
  storageClassName: local
  persistentVolumeReclaimPolicy: Delete
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, namespace: $1, name: $2, uid: $3}
  hostPath: {path: $folder, type: Directory}
YAML
}

columns='{.metadata.namespace} {.metadata.name} {.metadata.uid} {.spec.resources.requests.storage} {.spec.accessModes[0]} {.spec.storageClassName} {.status.phase}{"\n"}'
while true; do
  { kubectl get pvc -A --watch -o jsonpath="$columns" || true; } |
    while read -r namespace name uid size mode class phase; do
      [ "$class" = local ] && [ "$phase" = Pending ] || continue
      provide "$namespace" "$name" "$uid" "$size" "$mode" || true
    done
  sleep 1
done
