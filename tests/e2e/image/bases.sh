#!/bin/sh
# Makes the two images that the Dockerfile starts from out of Debian's packages and this machine's
# Node, for machines that reach no image registry. As root; needs buildah and debootstrap. They
# trust whom this machine trusts.
set -eu
export BUILDAH_ISOLATION="${BUILDAH_ISOLATION:-chroot}"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$tree"
ln -sf python3 "$tree/usr/bin/python"
cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*

trust=/etc/ssl/certs/ca-certificates.crt
base=$(buildah from scratch)
buildah add -q "$base" "$tree" / > /dev/null
buildah config --env SSL_CERT_FILE=$trust --env NODE_EXTRA_CA_CERTS=$trust --env PIP_CERT=$trust "$base"
buildah commit -q "$base" "$1"

# npm, and Node with the libraries that it was linked against.
npm=$(readlink -f "$(command -v npm)")
packages=$(dirname "$(dirname "$(dirname "$npm")")")
buildah add -q "$base" "$(readlink -f "$(command -v node)")" /usr/bin/node > /dev/null
buildah add -q "$base" "$packages/npm" /usr/lib/node_modules/npm > /dev/null
buildah run "$base" -- ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/bin/npm
buildah commit -q --rm "$base" "$2"
