#!/bin/sh
# Makes a new secret.yaml on stdout: a CA, a certificate that it issues for the Service shop, and the Secret with both.
#   ./make-secret.sh >secret.yaml
# Needs openssl. It deletes the key of the CA, so that the CA can issue nothing else.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
key ca.key
key tls.key
openssl req -x509 -new -key ca.key -sha256 -days 36500 -subj "/CN=shop example CA" -out ca.crt \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
openssl req -new -key tls.key -subj "/CN=shop" -out tls.csr
cat >leaf.ext <<EOF
subjectAltName=DNS:shop,DNS:shop.example.com
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
authorityKeyIdentifier=keyid
subjectKeyIdentifier=hash
EOF
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -sha256 -days 36499 -extfile leaf.ext -out tls.crt 2>/dev/null

pem() { sed 's/^/    /' "$1"; }
cat <<EOF
# Made by make-secret.sh, only for this example: everybody has this key. In your cluster, let cert-manager fill such a
# Secret (README.md), and delete this file.
apiVersion: v1
kind: Secret
metadata:
  name: shop-tls
type: kubernetes.io/tls
stringData:
  ca.crt: |
$(pem ca.crt)
  tls.crt: |
$(pem tls.crt)
  tls.key: |
$(pem tls.key)
EOF
