package bascule.config;

/// How nodes find each other: by the addresses of `cluster.nodes` alone, or by multicast, too.
public enum Discovery {
    STATIC,
    MULTICAST
}
