#!/bin/sh
# Makes keytool.jks and keytool.p12: a CA, and a leaf for app.test below it, for
# a hundred years. Needs Java's keytool; the files are committed, so tests do not.
set -eu
cd "$(dirname "$0")"
rm -f keytool.jks keytool.p12 keytool.pem
pass=$(cat keytool.password)
tool() { keytool "$@" -storepass "$pass" -noprompt 2>/dev/null; }
key="-keyalg EC -groupname secp256r1 -validity 36500"
tool -genkeypair -keystore ca.p12 -alias ca -dname CN=Keytool-Root $key -ext bc:c=ca:true -ext ku:c=keyCertSign,cRLSign
tool -exportcert -keystore ca.p12 -alias ca -rfc >keytool.pem
for type in jks pkcs12; do
	file=keytool.$(echo $type | sed s/pkcs12/p12/)
	tool -genkeypair -keystore $file -storetype $type -keypass "$pass" -alias App -dname CN=app $key
	tool -certreq -keystore $file -alias App >app.csr
	tool -gencert -keystore ca.p12 -alias ca -infile app.csr -outfile app.crt -validity 36500 -ext san=dns:app.test -ext eku=serverAuth -rfc
	tool -importcert -keystore $file -alias root -file keytool.pem
	tool -importcert -keystore $file -alias App -file app.crt
done
rm -f ca.p12 app.csr app.crt
