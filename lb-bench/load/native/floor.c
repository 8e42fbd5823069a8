// The least that any HTTP relay on epoll can do: what it costs is the physical limit of the bench.
//
//   floor LISTEN-PORT ORIGIN-PORT...     (0: any free port; printed as `port P`)
//
// Framing only: it finds the end of a head, reads Content-Length, and passes bytes on as they are. Origins in turn,
// idle connections to each in a LIFO pool. No checks, no rewriting, no log, no timeouts; `Connection: close` is
// ignored, chunked bodies and pipelined requests end the connection. One recv and one send per message and side as long
// as sockets take it.
#include "common.h"

enum { ORIGINS = 8, POOL = 4096, BUFFER = 64 * 1024, EVENTS = 512 };

struct origin {
    int port;
    int idle;
    struct side *pool[POOL];
};

// Bytes that the peer's socket did not take at once. While there are any, the side they came from is not read.
struct backlog {
    char *at;
    size_t length;
};

// One end of a relay. `left` counts body bytes of the current message still to come from this side.
struct side {
    int fd; // -1: the listening socket's event carries no side.
    uint32_t events;
    struct side *peer;
    struct side *next_closed;
    struct origin *origin; // NULL on the client side.
    int64_t left;
    bool head_read;        // The message from this side is under way.
    bool closed;
    struct backlog unsent; // Waits for this side's socket.
    size_t head_bytes;     // A head that came in pieces.
    char *head;
};

static struct origin origins[ORIGINS];
static int origin_count, next_origin;
static int epoll;
static struct side *closed_sides;
static char buffer[BUFFER + HEAD_LIMIT];

static void interest(struct side *s, uint32_t events) {
    if (s->events == events) return;
    s->events = events;
    watch(epoll, EPOLL_CTL_MOD, s->fd, events, s);
}

static struct side *new_side(int fd, struct origin *origin, uint32_t events) {
    struct side *s = calloc(1, sizeof *s);
    if (!s) die("calloc");
    s->fd = fd;
    s->origin = origin;
    s->events = events;
    no_delay(fd);
    watch(epoll, EPOLL_CTL_ADD, fd, events, s);
    return s;
}

// Freed after the batch of events: a later event of the same batch may still name it.
static void close_side(struct side *s) {
    if (s->closed) return;
    s->closed = true;
    close(s->fd);
    s->next_closed = closed_sides;
    closed_sides = s;
    if (s->origin && !s->peer) { // It was idle: take it out of its pool.
        struct origin *o = s->origin;
        for (int i = 0; i < o->idle; i++) {
            if (o->pool[i] != s) continue;
            memmove(o->pool + i, o->pool + i + 1, sizeof *o->pool * (o->idle - i - 1));
            o->idle--;
            break;
        }
    }
    if (s->peer) close_side(s->peer);
}

static void free_closed(void) {
    while (closed_sides) {
        struct side *s = closed_sides;
        closed_sides = s->next_closed;
        free(s->unsent.at);
        free(s->head);
        free(s);
    }
}

static bool borrow(struct side *client) {
    struct origin *o = &origins[next_origin];
    next_origin = (next_origin + 1) % origin_count;
    struct side *s;
    if (o->idle > 0) {
        s = o->pool[--o->idle];
    } else {
        int fd = new_socket();
        struct sockaddr_in to = loopback(o->port);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) {
            close(fd);
            return false;
        }
        s = new_side(fd, o, EPOLLIN);
    }
    s->peer = client;
    client->peer = s;
    return true;
}

static void give_back(struct side *server) {
    struct origin *o = server->origin;
    server->peer->peer = NULL;
    server->peer = NULL;
    if (o->idle == POOL) close_side(server);
    else o->pool[o->idle++] = server;
}

/// Sends to `to`, keeping what its socket does not take. False if the connection broke.
static bool pass(struct side *to, const char *at, size_t length) {
    ssize_t n = to->unsent.length > 0 ? 0 : send(to->fd, at, length, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) n = 0;
    if (n < 0) return false;
    if ((size_t)n == length) return true;
    size_t rest = length - n;
    to->unsent.at = realloc(to->unsent.at, to->unsent.length + rest);
    if (!to->unsent.at) die("realloc");
    memcpy(to->unsent.at + to->unsent.length, at + n, rest);
    to->unsent.length += rest;
    interest(to, to->events | EPOLLOUT);
    interest(to->peer, to->peer->events & ~EPOLLIN);
    return true;
}

static void writable(struct side *s) {
    ssize_t n = send(s->fd, s->unsent.at, s->unsent.length, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return close_side(s);
    if (n <= 0) return;
    s->unsent.length -= n;
    memmove(s->unsent.at, s->unsent.at + n, s->unsent.length);
    if (s->unsent.length > 0) return;
    interest(s, s->events & ~EPOLLOUT);
    if (s->peer) interest(s->peer, s->peer->events | EPOLLIN);
}

/// The message from `s` is complete: a response gives its connection back, once nothing of it waits.
static void complete(struct side *s) {
    s->head_read = false;
    if (!s->origin) return;
    // The client's unsent rest needs the server's side no more.
    struct side *client = s->peer;
    bool waits = client->unsent.length > 0;
    give_back(s);
    if (waits) interest(s, s->events | EPOLLIN);
}

static void readable(struct side *s) {
    if (s->head_bytes > 0) memcpy(buffer, s->head, s->head_bytes);
    size_t held = s->head_bytes;
    ssize_t n = recv(s->fd, buffer + held, BUFFER, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0 || (s->origin && !s->peer)) return close_side(s); // An idle server connection has nothing to say.
    size_t length = held + n;
    int64_t message = s->left;
    if (!s->head_read) {
        if (!s->origin && s->peer) return close_side(s); // A second request while the first is under way.
        size_t head_bytes = head_length(buffer, length);
        if (head_bytes == 0) {
            if (length > HEAD_LIMIT) return close_side(s);
            s->head = realloc(s->head, HEAD_LIMIT);
            if (!s->head) die("realloc");
            memcpy(s->head, buffer, length);
            s->head_bytes = length;
            return;
        }
        s->head_bytes = 0;
        s->head_read = true;
        int64_t body = content_length(buffer, head_bytes);
        if (body < 0 || (!s->origin && !borrow(s))) return close_side(s);
        message = head_bytes + body;
    }
    if ((int64_t)length > message) return close_side(s);
    if (!pass(s->peer, buffer, length)) return close_side(s);
    s->left = message - length;
    if (s->left == 0) complete(s);
}

static void accept_all(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) new_side(fd, NULL, EPOLLIN);
    if (errno != EAGAIN && errno != ECONNABORTED) die("accept");
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > ORIGINS + 2) die("usage: floor LISTEN-PORT ORIGIN-PORT... (1 to %d)", ORIGINS);
    int port = number(argv[1], 0, 65535);
    for (origin_count = 0; origin_count < argc - 2; origin_count++) {
        origins[origin_count].port = number(argv[origin_count + 2], 1, 65535);
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) die("epoll_create1");
    int listener = listen_on(&port);
    watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    printf("port %d\n", port);
    fflush(stdout);

    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct side *s = events[i].data.ptr;
            if (!s) {
                accept_all(listener);
                continue;
            }
            if (!s->closed && events[i].events & EPOLLOUT) writable(s);
            if (!s->closed && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(s);
        }
        free_closed();
    }
}
