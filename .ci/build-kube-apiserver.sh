#!/bin/sh
# Builds kube-apiserver from the Go module proxy into $1 (default /usr/local/bin), for `npm run test:real`.
# Takes some minutes and a Go toolchain; does nothing if it is there already.
set -eu

version=1.34.1
target="${1:-/usr/local/bin}/kube-apiserver"
[ -x "$target" ] && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# kubernetes' own go.mod points at folders of its repository for its libraries: name their releases instead.
go mod download -json "k8s.io/kubernetes@v$version" >download.json
upstream=$(sed -n 's/.*"GoMod": "\(.*\)".*/\1/p' download.json)
{
  printf 'module apiserver\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$version"
  grep -oE 'k8s.io/[a-z0-9-]+ (v0.0.0$|=> ./staging)' "$upstream" | cut -d' ' -f1 | sort -u |
    sed "s|.*|\t& => & v0.${version#*.}|"
  printf ')\n'
} >go.mod
cat >main.go <<'G'
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
G
export GOFLAGS=-mod=mod
go get k8s.io/component-base/cli k8s.io/kubernetes/cmd/kube-apiserver/app
nice go build -o "$target" .
