"""Main modules of well-known Go programs, and the vendor:product pair by which CPEs name them.

Pairs as in the public CPE dictionary; candidates only, never proof.
"""

from __future__ import annotations

from collections.abc import Mapping

PRODUCTS: Mapping[str, str] = {
    "github.com/caddyserver/caddy": "caddyserver:caddy",
    "github.com/cockroachdb/cockroach": "cockroachlabs:cockroachdb",
    "github.com/containerd/containerd": "linuxfoundation:containerd",
    "github.com/coredns/coredns": "coredns.io:coredns",
    "github.com/containernetworking/plugins": "linuxfoundation:cni_network_plugins",
    "github.com/dexidp/dex": "linuxfoundation:dex",
    "github.com/docker/cli": "docker:docker",
    "github.com/docker/docker": "docker:docker",
    "github.com/drakkan/sftpgo": "sftpgo_project:sftpgo",
    "github.com/fluxcd/flux2": "fluxcd:flux2",
    "github.com/go-gitea/gitea": "gitea:gitea",
    "github.com/goharbor/harbor": "linuxfoundation:harbor",
    "github.com/grafana/grafana": "grafana:grafana",
    "github.com/grafana/loki": "grafana:loki",
    "github.com/hashicorp/consul": "hashicorp:consul",
    "github.com/hashicorp/nomad": "hashicorp:nomad",
    "github.com/hashicorp/terraform": "hashicorp:terraform",
    "github.com/hashicorp/vault": "hashicorp:vault",
    "github.com/influxdata/influxdb": "influxdata:influxdb",
    "github.com/influxdata/telegraf": "influxdata:telegraf",
    "github.com/minio/minio": "minio:minio",
    "github.com/moby/buildkit": "mobyproject:buildkit",
    "github.com/mikefarah/yq": "yq_project:yq",
    "github.com/nats-io/nats-server": "linuxfoundation:nats-server",
    "github.com/oauth2-proxy/oauth2-proxy": "oauth2_proxy_project:oauth2_proxy",
    "github.com/open-policy-agent/opa": "openpolicyagent:open_policy_agent",
    "github.com/opencontainers/runc": "linuxfoundation:runc",
    "github.com/openbao/openbao": "openbao:openbao",
    "github.com/prometheus/alertmanager": "prometheus:alertmanager",
    "github.com/prometheus/node_exporter": "prometheus:node_exporter",
    "github.com/prometheus/prometheus": "prometheus:prometheus",
    "github.com/rclone/rclone": "rclone:rclone",
    "github.com/restic/restic": "restic_project:restic",
    "github.com/sigstore/cosign": "sigstore:cosign",
    "github.com/traefik/traefik": "traefik:traefik",
    "go.etcd.io/etcd": "etcd:etcd",
    "go.etcd.io/etcd/server": "etcd:etcd",
    "helm.sh/helm": "helm:helm",
    "istio.io/istio": "istio:istio",
    "k8s.io/kubernetes": "kubernetes:kubernetes",
}
