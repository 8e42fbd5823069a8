// What the bench tools share: sockets, a clock, a latency histogram and just enough HTTP/1.1 to find where a message
// ends. They are built with gcc when the bench runs and are never packaged.
#ifndef BASCULE_LOAD_COMMON_H
#define BASCULE_LOAD_COMMON_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LIMIT = 16 * 1024 }; // Longest message head that any of the tools accepts, in bytes.

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...) {
    int error = errno;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
    exit(1);
}

static inline int64_t now_nanos(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/// A whole decimal number within bounds; anything else ends the program with both numbers.
static inline long number(const char *text, long least, long most) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < least || value > most) {
        errno = 0;
        die("%s: not a number from %ld to %ld", text, least, most);
    }
    return value;
}

static inline struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static inline int new_socket(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    return fd;
}

static inline void no_delay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// Listens on 127.0.0.1; port 0 takes a free one. Returns the socket, non-blocking, and the port in *port.
static inline int listen_on(int *port) {
    int fd = new_socket();
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = loopback(*port);
    socklen_t length = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, length) || listen(fd, 4096)) die("listen on 127.0.0.1:%d", *port);
    getsockname(fd, (struct sockaddr *)&address, &length);
    *port = ntohs(address.sin_port);
    return fd;
}

static inline void watch(int epoll, int operation, int fd, uint32_t events, void *data) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (epoll_ctl(epoll, operation, fd, &event)) die("epoll_ctl");
}

/// Bytes of the first message head in `at`, its empty line included; 0 if it is not complete.
static inline size_t head_length(const char *at, size_t length) {
    const char *end = memmem(at, length, "\r\n\r\n", 4);
    return end ? (size_t)(end - at) + 4 : 0;
}

/// The value of the first field `name` (lower case, with its colon), its white space cut; *length 0 if none.
static inline const char *field(const char *head, size_t head_bytes, const char *name, size_t *length) {
    size_t name_bytes = strlen(name);
    const char *end = head + head_bytes;
    const char *line = memchr(head, '\n', head_bytes);
    for (; line && ++line < end; line = memchr(line, '\n', end - line)) {
        if ((*line | 0x20) != *name || (size_t)(end - line) < name_bytes || strncasecmp(line, name, name_bytes)) continue;
        const char *value = line + name_bytes;
        while (value < end && (*value == ' ' || *value == '\t')) value++;
        const char *stop = memchr(value, '\r', end - value);
        while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
        *length = stop - value;
        return value;
    }
    *length = 0;
    return NULL;
}

/// The value of Content-Length; 0 if the head has none, -1 if it is not a number.
static inline int64_t content_length(const char *head, size_t head_bytes) {
    size_t length;
    const char *value = field(head, head_bytes, "content-length:", &length);
    if (!value) return 0;
    int64_t size = 0;
    if (length == 0 || length > 15) return -1;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9') return -1;
        size = size * 10 + value[i] - '0';
    }
    return size;
}

static inline bool says_close(const char *head, size_t head_bytes) {
    size_t length;
    const char *value = field(head, head_bytes, "connection:", &length);
    return value && length == 5 && !strncasecmp(value, "close", 5);
}

/// Counts of latencies, log-linear: 64 steps per power of two, so a percentile is at most 1.6 % off.
struct latencies {
    uint64_t count[64 * 40];
    uint64_t total;
};

static inline void record(struct latencies *into, int64_t nanos) {
    uint64_t value = nanos < 0 ? 0 : (uint64_t)nanos;
    int shift = value < 128 ? 0 : 57 - __builtin_clzll(value);
    size_t slot = shift * 64 + (value >> shift);
    size_t slots = sizeof into->count / sizeof *into->count;
    into->count[slot < slots ? slot : slots - 1]++;
    into->total++;
}

/// The latency that the given share (0 to 1) of all recorded ones did not exceed, in microseconds; 0 if there are none.
static inline double percentile_micros(const struct latencies *of, double share) {
    uint64_t rank = (uint64_t)(share * of->total);
    uint64_t seen = 0;
    for (size_t slot = 0; slot < sizeof of->count / sizeof *of->count; slot++) {
        seen += of->count[slot];
        if (seen <= rank) continue;
        size_t shift = slot < 128 ? 0 : slot / 64 - 1;
        return (double)((slot - shift * 64) << shift) / 1000;
    }
    return 0;
}

/// Writes `METHOD path` with the given header lines into `to`; ends the program if it does not fit. Returns its length.
static inline size_t build_request(char *to, size_t limit, const char *path, int port, int headers, char **header, bool close) {
    size_t at = snprintf(to, limit, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n", path, port);
    for (int i = 0; i < headers && at < limit; i++) at += snprintf(to + at, limit - at, "%s\r\n", header[i]);
    if (at < limit) at += snprintf(to + at, limit - at, "%s\r\n", close ? "Connection: close\r\n" : "");
    errno = 0;
    if (at >= limit) die("request head over %zu bytes", limit);
    return at;
}

#endif
