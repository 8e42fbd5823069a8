package bascule.config;

/// The least severe message that is still logged.
public enum Level {
    ERROR,
    WARN,
    INFO,
    DEBUG
}
