package bascule.config;

/// How one line of the access log looks.
public enum AccessLogFormat {
    JSON,
    /// The combined format that Apache httpd and nginx write.
    COMBINED,
    OFF
}
