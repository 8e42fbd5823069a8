// A client that opens a new TCP connection for every request: `Connection: close`, N at a time, for D seconds.
//
//   churn PORT PATH CONNECTIONS SECONDS [HEADER...]
//
// Prints one line of name=value: requests (complete and 2xx), other_status, connect_errors, read_errors (closed, reset
// or malformed before the end), timeouts (2 s without an end), seconds, bytes, p50_us, p99_us, max_us; latency is from
// connect to the last byte. What is under way when the time is over counts as nothing. The client closes as soon as the
// answer is complete.
#include "common.h"

enum { MOST = 10000, EVENTS = 512, TIMEOUT_SECONDS = 2 };

// Source addresses in turn, so that ports in TIME_WAIT never become the limit.
enum { SOURCES = 16 };

struct exchange {
    int fd; // -1: none.
    int64_t started;
    size_t sent;
    size_t held;      // Bytes of an incomplete head.
    int64_t left;     // Body bytes to come; -1: the head is not complete.
    bool success;
    char *head;
};

static struct exchange exchanges[MOST];
static struct latencies latencies;
static uint64_t requests, other_status, connect_errors, read_errors, timeouts, bytes;
static int64_t slowest;
static char request[HEAD_LIMIT];
static size_t request_bytes;
static struct sockaddr_in target;
static int epoll;
static uint32_t next_source;

static bool send_request(struct exchange *x) {
    ssize_t n = send(x->fd, request + x->sent, request_bytes - x->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return false;
    if (n > 0) x->sent += n;
    return true;
}

/// Opens a connection and sends, mostly at once: on loopback it is established when connect returns.
static void start(struct exchange *x, int64_t now) {
    for (int attempt = 0; attempt < 3; attempt++) {
        x->fd = new_socket();
        x->started = now;
        x->sent = 0;
        x->held = 0;
        x->left = -1;
        int on = 1;
        setsockopt(x->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + next_source++ % SOURCES)};
        bool connected = !bind(x->fd, (struct sockaddr *)&source, sizeof source)
                && (!connect(x->fd, (struct sockaddr *)&target, sizeof target) || errno == EINPROGRESS) && send_request(x);
        if (connected) {
            watch(epoll, EPOLL_CTL_ADD, x->fd, x->sent == request_bytes ? EPOLLIN : EPOLLIN | EPOLLOUT, x);
            return;
        }
        connect_errors++;
        close(x->fd);
        x->fd = -1;
    }
}

static void end(struct exchange *x, uint64_t *count, int64_t now) {
    ++*count;
    close(x->fd);
    start(x, now);
}

static void readable(struct exchange *x, int64_t now) {
    static char buffer[HEAD_LIMIT + 256 * 1024];
    if (x->held > 0) memcpy(buffer, x->head, x->held);
    ssize_t n = recv(x->fd, buffer + x->held, sizeof buffer - HEAD_LIMIT, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return end(x, x->sent == 0 ? &connect_errors : &read_errors, now);
    bytes += n;
    size_t length = x->held + n;
    if (x->left < 0) {
        size_t head_bytes = head_length(buffer, length);
        if (head_bytes == 0) {
            if (length > HEAD_LIMIT) return end(x, &read_errors, now);
            if (!x->head && !(x->head = malloc(HEAD_LIMIT))) die("malloc");
            memcpy(x->head, buffer, length);
            x->held = length;
            return;
        }
        x->held = 0;
        x->success = !memcmp(buffer, "HTTP/1.", 7) && buffer[8] == ' ' && buffer[9] == '2';
        x->left = content_length(buffer, head_bytes);
        if (x->left < 0) return end(x, &read_errors, now);
        length -= head_bytes;
    }
    x->left -= length;
    if (x->left > 0) return;
    if (x->left < 0) return end(x, &read_errors, now);
    if (!x->success) return end(x, &other_status, now);
    int64_t took = now_nanos() - x->started;
    record(&latencies, took);
    if (took > slowest) slowest = took;
    end(x, &requests, now);
}

int main(int argc, char **argv) {
    if (argc < 5) die("usage: churn PORT PATH CONNECTIONS SECONDS [HEADER...]");
    int port = number(argv[1], 1, 65535);
    int count = number(argv[3], 1, MOST);
    int64_t seconds = number(argv[4], 1, 3600);
    target = loopback(port);
    request_bytes = build_request(request, sizeof request, argv[2], port, argc - 5, argv + 5, true);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) die("epoll_create1");

    int64_t begin = now_nanos();
    int64_t over = begin + seconds * 1000000000;
    int64_t next_check = begin + 100000000;
    for (int i = 0; i < count; i++) start(&exchanges[i], begin);
    struct epoll_event events[EVENTS];
    int64_t now;
    while ((now = now_nanos()) < over) {
        int n = epoll_wait(epoll, events, EVENTS, 20);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        now = now_nanos();
        for (int i = 0; i < n; i++) {
            struct exchange *x = events[i].data.ptr;
            if (x->fd < 0) continue;
            if (events[i].events & EPOLLOUT) {
                if (!send_request(x)) {
                    end(x, &connect_errors, now);
                    continue;
                }
                if (x->sent == request_bytes) watch(epoll, EPOLL_CTL_MOD, x->fd, EPOLLIN, x);
            }
            if (events[i].events & ~EPOLLOUT) readable(x, now);
        }
        if (now < next_check) continue;
        next_check = now + 100000000;
        for (int i = 0; i < count; i++) {
            if (exchanges[i].fd < 0) start(&exchanges[i], now);
            else if (now - exchanges[i].started > TIMEOUT_SECONDS * 1000000000LL) end(&exchanges[i], &timeouts, now);
        }
    }
    printf("requests=%llu other_status=%llu connect_errors=%llu read_errors=%llu timeouts=%llu seconds=%.3f bytes=%llu "
           "p50_us=%.1f p99_us=%.1f max_us=%.1f\n",
            (unsigned long long)requests, (unsigned long long)other_status, (unsigned long long)connect_errors,
            (unsigned long long)read_errors, (unsigned long long)timeouts, (now - begin) / 1e9, (unsigned long long)bytes,
            percentile_micros(&latencies, 0.5), percentile_micros(&latencies, 0.99), slowest / 1e3);
    return 0;
}
