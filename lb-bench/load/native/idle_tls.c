// Opens N connections over TLS 1.3, sends one request on each, reads its answer, then holds them all.
//
//   idle_tls PORT PATH CONNECTIONS [HEADER...]
//
// header: openssl/ssl.h
// link: -lssl -lcrypto
//
// Offers http/1.1. Prints `held N` when all are open. Ends when its standard input does, and then prints `alive N`: how many of
// them the other side had not closed by then.
#include "tls.h"
#include <poll.h>

int main(int argc, char **argv) {
    if (argc < 4) die("usage: idle_tls PORT PATH CONNECTIONS [HEADER...]");
    int port = number(argv[1], 1, 65535);
    int count = number(argv[3], 1, 60000);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < (rlim_t)count + 16) die("%d connections need more than %llu open files", count, (unsigned long long)files.rlim_cur);
    static char request[HEAD_LIMIT];
    size_t request_bytes = build_request(request, sizeof request, argv[2], port, argc - 4, argv + 4, false);
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *context = client_context(TLS1_3_VERSION, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); // Or this side would hold 34 KB for each.
    static const unsigned char alpn[] = "\x08http/1.1";
    if (SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1)) die("ALPN");
    int *fds = malloc(sizeof *fds * count);
    if (!fds) die("malloc");
    for (int i = 0; i < count; i++) {
        fds[i] = connect_blocking(port);
        SSL *ssl = SSL_new(context);
        if (!ssl) die("SSL_new");
        if (fds[i] < 0 || !SSL_set_fd(ssl, fds[i]) || SSL_connect(ssl) != 1) die("connection %d of %d to port %d", i + 1, count, port);
        if (SSL_write(ssl, request, request_bytes) != (int)request_bytes || read_answer(ssl) / 100 != 2) {
            die("no 2xx on kept connection %d of %d to port %d", i + 1, count, port);
        }
        if (SSL_pending(ssl) > 0) die("more than an answer on connection %d", i + 1);
    }
    printf("held %d\n", count);
    fflush(stdout);

    char ignored[256];
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0) continue;
    int alive = 0;
    for (int i = 0; i < count; i++) {
        struct pollfd poll_one = {.fd = fds[i], .events = POLLIN};
        alive += poll(&poll_one, 1, 0) == 0; // Readable would mean closed, or a warning of it: nothing was asked.
    }
    printf("alive %d\n", alive);
    return 0;
}
