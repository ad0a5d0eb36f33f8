#!/bin/sh
# Installs what `npm run test:real` needs on Debian or Ubuntu: container runtimes, a static busybox for the
# images the tests make, promtool for the alert rules. Does nothing for what is there already. Needs root.
set -eu

missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need containerd containerd
need runc runc
need dockerd docker.io
need busybox busybox-static
need etcd etcd-server
need promtool prometheus
need systemd-analyze systemd

if [ -n "$missing" ]; then
  apt-get update
  # The daemons the packages would start are not wanted: each test starts its own.
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
fi
# Helm is no Debian package; as a Go module it takes two minutes. Without Go its tests are skipped, and say so.
if ! command -v helm >/dev/null 2>&1 && command -v go >/dev/null 2>&1; then
  GOBIN=/usr/local/bin timeout 300 go install helm.sh/helm/v3/cmd/helm@v3.18.6 || echo "helm could not be built"
fi
echo "test:real: $(containerd --version), $(dockerd --version), $(busybox | head -n 1)"
