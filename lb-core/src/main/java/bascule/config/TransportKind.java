package bascule.config;

/// How Netty talks to the kernel.
public enum TransportKind {
    EPOLL,
    IO_URING,
    NIO
}
