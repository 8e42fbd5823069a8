/// Real programs put to the daemon over TLS and HTTP/2: curl, openssl, nghttp, h2load, h2spec, testssl.sh, Chromium.
package bascule.peers;
