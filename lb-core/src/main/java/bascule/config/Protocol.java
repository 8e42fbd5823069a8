package bascule.config;

/// A version of HTTP that a listener speaks.
public enum Protocol {
    H2,
    HTTP1
}
