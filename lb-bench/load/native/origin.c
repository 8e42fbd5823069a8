// The server behind every proxy of the bench: one epoll process, several ports on 127.0.0.1, precomputed answers.
//
//   origin PORT...      (0: any free port; the ports are printed on one line, `ports P1 P2 P3`)
//
//   GET /100 /1k /16k /1m    that many bytes; any other path: 100 bytes
//   GET /count               requests answered so far, a line `PORT COUNT` for each port; not counted itself
//
// SIGUSR1 prints the same lines; SIGTERM and SIGINT print them and end the program. HTTP/1.1 with keep-alive and
// pipelining; `Connection: close` is honoured; a body with Content-Length is read and dropped; a chunked one is refused
// with 411.
#include "common.h"
#include <sys/uio.h>

enum { PORTS = 8, PIPELINED = 32, EVENTS = 512 };

enum answer { B100, K1, K16, M1, COUNT, LENGTH_REQUIRED, BAD_REQUEST, ANSWERS };
enum { CLOSE = 1, HEAD_ONLY = 2, VARIANTS = 4 };

struct bytes {
    char *at;
    size_t length;
};

struct port {
    int fd;
    int number;
    uint64_t requests;
};

// One accepted connection. Answers wait in `queue` until the socket takes them; while any waits nothing is read.
struct connection {
    int fd; // First, like in struct port: an event's pointer is one or the other, told apart by the array it points into.
    uint32_t events;
    struct port *port;
    size_t length;                 // Bytes in `in`.
    int64_t body;                  // Bytes of a request body still to drop.
    const struct bytes *after;     // What answers once the body is dropped, or NULL.
    bool closing;                  // After the queue has gone out.
    unsigned first, queued;        // The queue, a ring.
    size_t sent;                   // Bytes of its first answer already taken by the socket.
    const struct bytes *queue[PIPELINED];
    char in[HEAD_LIMIT];
};

static struct bytes answers[ANSWERS][VARIANTS];
static struct port ports[PORTS];
static int port_count;
static int epoll;
static volatile sig_atomic_t print_requested, end_requested;

static void build_answer(enum answer answer, const char *status, size_t size, const char *body) {
    char date[64];
    time_t now = time(NULL);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
    for (int variant = 0; variant < VARIANTS; variant++) {
        char head[512];
        int head_bytes = snprintf(head, sizeof head,
                "HTTP/1.1 %s\r\nServer: origin\r\nDate: %s\r\nContent-Type: text/plain\r\nCache-Control: max-age=60\r\n"
                "Content-Length: %zu\r\n%s\r\n",
                status, date, size, variant & CLOSE ? "Connection: close\r\n" : "");
        struct bytes *to = &answers[answer][variant];
        free(to->at);
        to->length = head_bytes + (variant & HEAD_ONLY ? 0 : size);
        to->at = malloc(head_bytes + size);
        if (!to->at) die("malloc");
        memcpy(to->at, head, head_bytes);
        if (body) memcpy(to->at + head_bytes, body, size);
        else for (size_t i = 0; i < size; i++) to->at[head_bytes + i] = 'a' + i % 26;
    }
}

static size_t print_counts(char *to, size_t limit) {
    size_t at = 0;
    for (int i = 0; i < port_count; i++) {
        at += snprintf(to + at, limit - at, "%d %llu\n", ports[i].number, (unsigned long long)ports[i].requests);
    }
    return at;
}

static bool path_is(const char *at, const char *path) {
    size_t length = strlen(path);
    return !memcmp(at, path, length) && (at[length] == ' ' || at[length] == '?');
}

/// Which answer a complete head asks for. A head is at least `GET / HTTP/1.1` and two line ends, so a path may be
/// compared without looking at the end of the buffer.
static enum answer choose(const char *head) {
    const char *path = strchr(head, ' ') + 1;
    if (path_is(path, "/100")) return B100;
    if (path_is(path, "/1k")) return K1;
    if (path_is(path, "/16k")) return K16;
    if (path_is(path, "/1m")) return M1;
    if (path_is(path, "/count")) return COUNT;
    return B100;
}

static void enqueue(struct connection *c, const struct bytes *answer) {
    c->queue[(c->first + c->queued++) % PIPELINED] = answer;
}

/// Reads requests out of `in` until it is used up or the queue is full.
static void parse(struct connection *c) {
    size_t at = 0;
    while (!c->closing && c->queued < PIPELINED) {
        if (c->after) {
            int64_t here = c->length - at;
            int64_t taken = c->body < here ? c->body : here;
            at += taken;
            c->body -= taken;
            if (c->body > 0) break;
            enqueue(c, c->after);
            c->after = NULL;
            continue;
        }
        char *head = c->in + at;
        size_t head_bytes = head_length(head, c->length - at);
        if (head_bytes == 0) {
            if (c->length - at < HEAD_LIMIT) break;
            enqueue(c, &answers[BAD_REQUEST][CLOSE]);
            c->closing = true;
            break;
        }
        at += head_bytes;
        size_t chunked;
        c->body = content_length(head, head_bytes);
        int variant = says_close(head, head_bytes) ? CLOSE : 0;
        enum answer answer;
        if (head_bytes < 18 || !memchr(head, ' ', head_bytes - 12) || c->body < 0) {
            answer = BAD_REQUEST;
        } else if (field(head, head_bytes, "transfer-encoding:", &chunked)) {
            answer = LENGTH_REQUIRED;
        } else {
            answer = choose(head);
        }
        if (answer == COUNT) {
            char text[PORTS * 32];
            build_answer(COUNT, "200 OK", print_counts(text, sizeof text), text);
        } else if (answer < COUNT) {
            c->port->requests++;
        } else {
            variant |= CLOSE;
            c->body = 0;
        }
        if (!memcmp(head, "HEAD ", 5)) variant |= HEAD_ONLY;
        c->after = &answers[answer][variant];
        if (c->body > 0) continue;
        enqueue(c, c->after);
        c->after = NULL;
        c->closing = variant & CLOSE;
    }
    c->length -= at;
    if (c->length > 0 && at > 0) memmove(c->in, c->in + at, c->length);
}

/// Gives the queue to the socket. False if the connection is of no more use.
static bool flush(struct connection *c) {
    while (c->queued > 0) {
        struct iovec parts[PIPELINED];
        for (unsigned i = 0; i < c->queued; i++) {
            const struct bytes *answer = c->queue[(c->first + i) % PIPELINED];
            size_t skip = i == 0 ? c->sent : 0;
            parts[i] = (struct iovec){answer->at + skip, answer->length - skip};
        }
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = c->queued};
        ssize_t n = c->queued == 1 ? send(c->fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL)
                                   : sendmsg(c->fd, &message, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN;
        c->sent += n;
        while (c->queued > 0 && c->sent >= c->queue[c->first]->length) {
            c->sent -= c->queue[c->first]->length;
            c->first = (c->first + 1) % PIPELINED;
            c->queued--;
        }
    }
    return true;
}

static void serve(struct connection *c, uint32_t ready) {
    bool alive = true;
    if (ready & EPOLLIN) {
        ssize_t n = recv(c->fd, c->in + c->length, sizeof c->in - c->length, 0);
        alive = n > 0 || (n < 0 && errno == EAGAIN);
        if (n > 0) c->length += n;
    } else if (!(ready & EPOLLOUT)) {
        alive = false;
    }
    // Input that was left while the queue was full is parsed as soon as the queue has gone out.
    size_t before;
    do {
        before = c->length;
        if (alive) parse(c);
        alive = alive && flush(c);
    } while (alive && c->queued == 0 && c->length > 0 && c->length != before);
    if (!alive || (c->closing && c->queued == 0)) {
        close(c->fd);
        free(c);
        return;
    }
    uint32_t events = c->queued > 0 ? EPOLLOUT : EPOLLIN;
    if (events == c->events) return;
    c->events = events;
    watch(epoll, EPOLL_CTL_MOD, c->fd, events, c);
}

static void accept_all(struct port *port) {
    for (int fd; (fd = accept4(port->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct connection *c = malloc(sizeof *c);
        if (!c) die("malloc");
        memset(c, 0, offsetof(struct connection, queue)); // Not its buffers: untouched pages cost nothing.
        c->fd = fd;
        c->port = port;
        c->events = EPOLLIN;
        no_delay(fd);
        watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, c);
    }
    if (errno != EAGAIN && errno != ECONNABORTED) die("accept on 127.0.0.1:%d", port->number);
}

static void on_signal(int signal) {
    if (signal == SIGUSR1) print_requested = 1;
    else end_requested = 1;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > PORTS + 1) die("usage: origin PORT... (1 to %d)", PORTS);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    build_answer(B100, "200 OK", 100, NULL);
    build_answer(K1, "200 OK", 1024, NULL);
    build_answer(K16, "200 OK", 16 * 1024, NULL);
    build_answer(M1, "200 OK", 1024 * 1024, NULL);
    build_answer(LENGTH_REQUIRED, "411 Length Required", 0, "");
    build_answer(BAD_REQUEST, "400 Bad Request", 0, "");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) die("epoll_create1");
    port_count = argc - 1;
    printf("ports");
    for (int i = 0; i < port_count; i++) {
        ports[i].number = number(argv[i + 1], 0, 65535);
        ports[i].fd = listen_on(&ports[i].number);
        watch(epoll, EPOLL_CTL_ADD, ports[i].fd, EPOLLIN, &ports[i]);
        printf(" %d", ports[i].number);
    }
    printf("\n");
    fflush(stdout);

    struct epoll_event events[EVENTS];
    while (!end_requested) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            void *of = events[i].data.ptr;
            if (of >= (void *)ports && of < (void *)(ports + PORTS)) accept_all(of);
            else serve(of, events[i].events);
        }
        if (print_requested || end_requested) {
            char text[PORTS * 32];
            fwrite(text, 1, print_counts(text, sizeof text), stdout);
            fflush(stdout);
            print_requested = 0;
        }
    }
    return 0;
}
