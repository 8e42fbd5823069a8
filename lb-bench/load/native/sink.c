// Takes log lines as datagrams and drops them, as a local syslog daemon would take them: HAProxy's logs go here. Not
// counted.
//
//   sink PATH      (a Unix datagram socket)
//
// Prints `ready` when it listens, and the number of datagrams so far for each line on its standard input; ends with its
// input.
#include "common.h"
#include <poll.h>
#include <sys/un.h>

enum { BATCH = 64, LINE_LIMIT = 2048 };

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) die("usage: sink PATH (under %zu bytes)", sizeof address.sun_path);
    strcpy(address.sun_path, argv[1]);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address)) die("bind %s", argv[1]);
    static char lines[BATCH][LINE_LIMIT];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH] = {0};
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){lines[i], LINE_LIMIT};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    printf("ready\n");
    fflush(stdout);

    uint64_t count = 0;
    struct pollfd both[] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    for (;;) {
        if (poll(both, 2, -1) < 0 && errno != EINTR) die("poll");
        if (both[0].revents) {
            int n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
            if (n > 0) count += n;
        }
        if (both[1].revents) {
            char line[64];
            if (read(STDIN_FILENO, line, sizeof line) <= 0) return 0;
            printf("%llu\n", (unsigned long long)count);
            fflush(stdout);
        }
    }
}
