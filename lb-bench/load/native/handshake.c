// A client that makes a new TLS connection for every request, full or resumed by ticket: P processes for D seconds.
//
//   handshake PORT PATH PROCESSES SECONDS full|resumed 1.2|1.3 [HEADER...]
//
// header: openssl/ssl.h
// link: -lssl -lcrypto
//
// Prints one line of name=value: requests (complete and 2xx), resumed (of these), other_status, connect_errors (TCP or
// TLS), read_errors (an end before the end), seconds, p50_us, p99_us; latency is from connect to the last byte. Key
// exchange by X25519 (P-256 is offered for the certificate); the certificate is not checked, its signature is. Every
// process connects, asks with `Connection: close`, reads, closes.
#include "tls.h"
#include <sys/mman.h>
#include <sys/wait.h>

enum { MOST = 64 };

struct result {
    uint64_t requests, resumed, other_status, connect_errors, read_errors;
    struct latencies latencies;
};

static SSL_SESSION *session; // The newest ticket of this process.

static int keep_session(SSL *ssl, SSL_SESSION *fresh) {
    (void)ssl;
    SSL_SESSION_free(session);
    session = fresh;
    return 1; // Ours now.
}

static void exchange(SSL_CTX *context, int port, bool resume, const char *request, size_t request_bytes, struct result *into) {
    int64_t begin = now_nanos();
    int fd = connect_blocking(port);
    SSL *ssl = SSL_new(context);
    if (!ssl) die("SSL_new");
    if (resume && session) SSL_set_session(ssl, session);
    if (fd < 0 || !SSL_set_fd(ssl, fd) || SSL_connect(ssl) != 1) {
        into->connect_errors++;
    } else {
        bool sent = SSL_write(ssl, request, request_bytes) == (int)request_bytes;
        int status = sent ? read_answer(ssl) : 0;
        if (status == 0) {
            into->read_errors++;
        } else if (status / 100 != 2) {
            into->other_status++;
        } else {
            record(&into->latencies, now_nanos() - begin);
            into->requests++;
            into->resumed += SSL_session_reused(ssl);
        }
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    if (fd >= 0) close(fd);
}

int main(int argc, char **argv) {
    if (argc < 7) die("usage: handshake PORT PATH PROCESSES SECONDS full|resumed 1.2|1.3 [HEADER...]");
    int port = number(argv[1], 1, 65535);
    int processes = number(argv[3], 1, MOST);
    int64_t seconds = number(argv[4], 1, 3600);
    bool resume = !strcmp(argv[5], "resumed");
    if (!resume && strcmp(argv[5], "full")) die("%s: neither full nor resumed", argv[5]);
    int version = !strcmp(argv[6], "1.2") ? TLS1_2_VERSION : !strcmp(argv[6], "1.3") ? TLS1_3_VERSION : 0;
    if (!version) die("%s: neither 1.2 nor 1.3", argv[6]);
    static char request[HEAD_LIMIT];
    size_t request_bytes = build_request(request, sizeof request, argv[2], port, argc - 7, argv + 7, true);
    signal(SIGPIPE, SIG_IGN);

    SSL_CTX *context = client_context(version, version);
    SSL_CTX_set_session_cache_mode(context, resume ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
    if (resume) SSL_CTX_sess_set_new_cb(context, keep_session);
    else SSL_CTX_set_options(context, SSL_OP_NO_TICKET); // Not asked for, as far as TLS 1.2 lets one choose.

    size_t bytes = sizeof(struct result) * processes;
    struct result *results = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED) die("mmap");
    int64_t begin = now_nanos();
    int64_t over = begin + seconds * 1000000000;
    for (int i = 0; i < processes; i++) {
        pid_t pid = fork();
        if (pid < 0) die("fork");
        if (pid > 0) continue;
        // The first exchange of a resumed run only fetches a ticket.
        static struct result unused;
        if (resume) exchange(context, port, true, request, request_bytes, &unused);
        while (now_nanos() < over) exchange(context, port, resume, request, request_bytes, &results[i]);
        _exit(0);
    }
    while (wait(NULL) > 0) continue;
    double took = (now_nanos() - begin) / 1e9;
    static struct result all;
    for (int i = 0; i < processes; i++) {
        all.requests += results[i].requests;
        all.resumed += results[i].resumed;
        all.other_status += results[i].other_status;
        all.connect_errors += results[i].connect_errors;
        all.read_errors += results[i].read_errors;
        all.latencies.total += results[i].latencies.total;
        for (size_t slot = 0; slot < sizeof all.latencies.count / sizeof *all.latencies.count; slot++) {
            all.latencies.count[slot] += results[i].latencies.count[slot];
        }
    }
    printf("requests=%llu resumed=%llu other_status=%llu connect_errors=%llu read_errors=%llu seconds=%.3f p50_us=%.1f p99_us=%.1f\n",
            (unsigned long long)all.requests, (unsigned long long)all.resumed, (unsigned long long)all.other_status,
            (unsigned long long)all.connect_errors, (unsigned long long)all.read_errors, took,
            percentile_micros(&all.latencies, 0.5), percentile_micros(&all.latencies, 0.99));
    return 0;
}
