package bascule.config;

/// How one line of the access log looks.
public enum AccessLogFormat {
    JSON,
    OFF
}
