package bascule.config;

/// How a backend picks a server.
public enum Balance {
    ROUND_ROBIN,
    LEAST_CONNECTIONS
}
