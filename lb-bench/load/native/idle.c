// Opens N keep-alive connections, sends one request on each, reads its answer, then holds them all.
//
//   idle PORT PATH CONNECTIONS [HEADER...]
//
// Prints `held N` when all are open. Ends when its standard input does, and then prints `alive N`: how many of them the
// other side had not closed by then.
#include "common.h"
#include <poll.h>

static bool exchange(int fd, const char *request, size_t request_bytes) {
    static char buffer[HEAD_LIMIT];
    if (send(fd, request, request_bytes, MSG_NOSIGNAL) != (ssize_t)request_bytes) return false;
    size_t length = 0;
    int64_t message = -1;
    bool success = false;
    while (message < 0 || (int64_t)length < message) {
        if (length == sizeof buffer) return false; // Only small answers are asked for.
        ssize_t n = recv(fd, buffer + length, sizeof buffer - length, 0);
        if (n <= 0) return false;
        length += n;
        size_t head_bytes = message < 0 ? head_length(buffer, length) : 0;
        if (head_bytes == 0) continue;
        success = !memcmp(buffer, "HTTP/1.1 2", 10) && !says_close(buffer, head_bytes);
        int64_t body = content_length(buffer, head_bytes);
        if (body < 0) return false;
        message = head_bytes + body;
    }
    return success && (int64_t)length == message;
}

int main(int argc, char **argv) {
    if (argc < 4) die("usage: idle PORT PATH CONNECTIONS [HEADER...]");
    int port = number(argv[1], 1, 65535);
    int count = number(argv[3], 1, 60000);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < (rlim_t)count + 16) die("%d connections need more than %llu open files", count, (unsigned long long)files.rlim_cur);
    char request[HEAD_LIMIT];
    size_t request_bytes = build_request(request, sizeof request, argv[2], port, argc - 4, argv + 4, false);
    int *fds = malloc(sizeof *fds * count);
    if (!fds) die("malloc");
    struct sockaddr_in to = loopback(port);
    for (int i = 0; i < count; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct timeval patience = {.tv_sec = 5};
        setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fds[i], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (fds[i] < 0 || connect(fds[i], (struct sockaddr *)&to, sizeof to)) die("connection %d of %d to port %d", i + 1, count, port);
        if (!exchange(fds[i], request, request_bytes)) die("no 2xx on kept connection %d of %d to port %d", i + 1, count, port);
    }
    printf("held %d\n", count);
    fflush(stdout);

    char ignored[256];
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0) continue;
    int alive = 0;
    for (int i = 0; i < count; i++) {
        struct pollfd poll_one = {.fd = fds[i], .events = POLLIN};
        alive += poll(&poll_one, 1, 0) == 0; // Readable would mean closed: nothing was asked.
    }
    printf("alive %d\n", alive);
    return 0;
}
