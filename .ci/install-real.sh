#!/bin/sh
# Installs what `npm run test:real` needs on Debian or Ubuntu: container runtimes, a static busybox for the images
# the tests make, receivers, promtool for the alert rules. Does nothing for what is there already. Needs root.
set -eu

missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need containerd containerd
need runc runc
need dockerd docker.io
need busybox busybox-static
need etcd etcd-server
need prometheus-alertmanager prometheus-alertmanager
need nginx nginx
need promtool prometheus
need systemd-analyze systemd
need zsh zsh
need fish fish

if [ -n "$missing" ]; then
  apt-get update
  # The daemons the packages would start are not wanted: each test starts its own.
  # A policy that was there before (container images bring one) is put back.
  policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then
    mv "$policy" "$policy.lanner"
    trap 'mv -f "$policy.lanner" "$policy"' EXIT
  else
    trap 'rm -f "$policy"' EXIT
  fi
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
fi
# Helm is no Debian package; as a Go module it takes two minutes. Without Go its tests are skipped, and say so.
if ! command -v helm >/dev/null 2>&1 && command -v go >/dev/null 2>&1; then
  GOBIN=/usr/local/bin timeout 300 go install helm.sh/helm/v3/cmd/helm@v3.18.6 || echo "helm could not be built"
fi
# Debian's kubectl is too old for what its tests do. Without Go they are skipped, and say so.
if ! command -v kubectl >/dev/null 2>&1 && command -v go >/dev/null 2>&1; then
  timeout 600 sh "$(dirname "$0")/build-kubectl.sh" || echo "kubectl could not be built"
fi
# Falco is in no registry that is used here; deploy:check runs `falco --validate` where it is installed.
# actionlint reads the workflows as GitHub does: a Go module too, half a minute.
if ! command -v actionlint >/dev/null 2>&1 && command -v go >/dev/null 2>&1; then
  GOBIN=/usr/local/bin timeout 300 go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.7 || echo "actionlint could not be built"
fi
# OCSF's classes as an independent reader of our bodies has them.
python3 -c 'import py_ocsf_models' 2>/dev/null || python3 -m pip install --quiet py-ocsf-models
echo "test:real: $(containerd --version), $(dockerd --version), $(busybox | head -n 1), $(nginx -v 2>&1)," \
  "$(prometheus-alertmanager --version 2>&1 | head -n 1)"
