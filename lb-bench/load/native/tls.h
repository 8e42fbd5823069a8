// What the bench tools for TLS share: blocking clients on OpenSSL.
#ifndef BASCULE_LOAD_TLS_H
#define BASCULE_LOAD_TLS_H

#include "common.h"
#include <openssl/ssl.h>

/// A client's context for these versions. The certificate is not checked, its signature is.
static inline SSL_CTX *client_context(int oldest, int newest) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || !SSL_CTX_set_min_proto_version(context, oldest) || !SSL_CTX_set_max_proto_version(context, newest)
            || !SSL_CTX_set1_groups_list(context, "X25519:P-256")) {
        die("TLS context");
    }
    return context;
}

/// A blocking connection with a patience of 2 s; -1 if there is none.
static inline int connect_blocking(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    struct timeval patience = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    no_delay(fd);
    struct sockaddr_in to = loopback(port);
    if (!connect(fd, (struct sockaddr *)&to, sizeof to)) return fd;
    close(fd);
    return -1;
}

/// Reads one whole answer. Returns its status, 0 if it ended too early or is none.
static inline int read_answer(SSL *ssl) {
    static char buffer[HEAD_LIMIT];
    size_t length = 0;
    int64_t left = -1;
    int status = 0;
    while (left != 0) {
        size_t at = left < 0 ? length : 0; // Of a body only the length matters.
        if (at == sizeof buffer) return 0;
        int n = SSL_read(ssl, buffer + at, sizeof buffer - at);
        if (n <= 0) return 0;
        if (left < 0) {
            length += n;
            size_t head_bytes = head_length(buffer, length);
            if (head_bytes == 0) continue;
            if (sscanf(buffer, "HTTP/1.1 %3d", &status) != 1) return 0;
            int64_t body = content_length(buffer, head_bytes);
            left = body - (int64_t)(length - head_bytes);
            if (body < 0) return 0;
        } else {
            left -= n;
        }
        if (left < 0) return 0; // More than was announced.
    }
    return status;
}

#endif
